/** Which packages of a repository are copied. */
import { compareEvr } from './evr.js'
import { matching } from './name-patterns.js'
import type { RepositoryPackage } from './repository-package.js'

export interface Choice {
  readonly arches: readonly string[]
  /** None: all. */
  readonly includes: readonly string[]
  readonly excludes: readonly string[]
}

/**
 * The newest of each name and architecture, among those that are included, not excluded and not foreign: an excluded
 * version lets the one before it through, as with dnf. Sources are never among `arches`. In the order of their paths.
 */
export function choosePackages(
  packages: readonly RepositoryPackage[],
  { arches, includes, excludes }: Choice,
): readonly RepositoryPackage[] {
  const fitting = packages.filter(({ arch }) => arches.includes(arch))
  const included = includes.length === 0 ? undefined : unionOf(packages, includes)
  const excluded = unionOf(packages, excludes)
  const newest = new Map<string, RepositoryPackage>()
  for (const entry of fitting) {
    if (excluded.has(entry) || included?.has(entry) === false) continue
    const key = `${entry.name}.${entry.arch}`
    const other = newest.get(key)
    if (other === undefined || compareEvr(entry, other) > 0) newest.set(key, entry)
  }
  return [...newest.values()].sort((a, b) => (a.href < b.href ? -1 : 1))
}

function unionOf(packages: readonly RepositoryPackage[], patterns: readonly string[]): ReadonlySet<RepositoryPackage> {
  return new Set(patterns.flatMap((pattern) => matching(packages, pattern)))
}
