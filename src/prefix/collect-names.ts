/** What artifacts are called where they are collected (spec 6.4). */

/**
 * A local name for every guest path: its slashes as `_`, and a number behind it where another path has that name
 * already. Never a name that leads elsewhere.
 */
export function collectNames(paths: readonly string[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  const taken = new Set<string>()
  const lastNumbers = new Map<string, number>() // a guest may have thousands of paths for one name
  for (const path of new Set(paths)) {
    const name = plainName(path)
    let unique = name
    let number = lastNumbers.get(name) ?? 1
    while (taken.has(unique)) unique = `${name}.${++number}`
    lastNumbers.set(name, number)
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
