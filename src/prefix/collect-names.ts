/** What artifacts are called where they are collected (spec 6.4). */

/**
 * A local name for every guest path: its slashes as `_`, and a number behind it where another path has that name
 * already. Never a name that leads elsewhere.
 */
export function collectNames(paths: readonly string[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  const taken = new Set<string>()
  for (const path of new Set(paths)) {
    const name = plainName(path)
    let unique = name
    for (let number = 2; taken.has(unique); number++) unique = `${name}.${number}`
    taken.add(unique)
    names.set(path, unique)
  }
  return names
}

/** The name for a directory given with a slash at its end is that of the directory. */
function plainName(path: string): string {
  const name = path.replace(/(?<=[^/])\/+$/, '').replaceAll('/', '_')
  return ['', '.', '..'].includes(name) ? `_${name}` : name
}
