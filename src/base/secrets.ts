/** Texts that neither a log nor a terminal may show, for the whole process: they are told where they are read. */

const known = new Set<string>()

/** May be told again. */
export function keepSecret(text: string): void {
  known.add(text)
}

export function knownSecrets(): ReadonlySet<string> {
  return known
}
