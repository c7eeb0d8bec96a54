/** Settings from the environment: `LAGO_KEY` for `[lago]`, `LAGO__SECTION__KEY` for any other section (spec 1.7). */

export interface EnvSetting {
  readonly variable: string
  readonly section: string
  readonly key: string
  readonly value: string
}

/** Malformed names (`LAGO__X`) and empty values are ignored, with a warning. */
export function readEnv(
  env: Readonly<Record<string, string | undefined>>,
  warn: (message: string) => void,
): EnvSetting[] {
  return Object.entries(env).flatMap(([variable, value]) => {
    if (!variable.startsWith('LAGO_') || value === undefined) return []
    const name = splitName(variable)
    if (name === undefined) {
      warn(`${variable} is ignored: expected LAGO_KEY or LAGO__SECTION__KEY`)
      return []
    }
    if (value === '') {
      warn(`${variable} is ignored: it is empty`)
      return []
    }
    return [{ variable, ...name, value }]
  })
}

/** A section ends at the first double underscore, so that it may contain single ones. */
function splitName(variable: string): { section: string; key: string } | undefined {
  const [, section = 'LAGO', key] = /^LAGO_(?:_(.+?)__)?(?!_)(.+)$/.exec(variable) ?? []
  return key === undefined ? undefined : { section: section.toLowerCase(), key: key.toLowerCase() }
}
