/** Which merge brought in which commits. */

interface Linked {
  readonly hash: string
  readonly parents: readonly string[]
}

/**
 * For each merge of `chain` (first parents, oldest first) the commits that it reaches and its first parent does not, in the
 * order of `commits`, by the hash of the merge.
 */
export function mergedCommits<T extends Linked>(
  chain: readonly T[],
  commits: readonly T[],
): ReadonlyMap<string, readonly T[]> {
  const positions = new Map(commits.map(({ hash }, index) => [hash, index]))
  const taken = new Set(chain.map(({ hash }) => hash))
  const merged = new Map<string, readonly T[]>()
  for (const { hash, parents } of chain) {
    const found = reachable(parents.slice(1))
    merged.set(
      hash,
      found.sort((a, b) => a - b).flatMap((position) => commits[position] ?? []),
    )
  }
  return merged

  /** Positions of what is reached from `start` and was not before. */
  function reachable(start: readonly string[]): number[] {
    const found: number[] = []
    const open = [...start]
    for (let hash = open.pop(); hash !== undefined; hash = open.pop()) {
      const position = positions.get(hash)
      if (position === undefined || taken.has(hash)) continue
      taken.add(hash)
      found.push(position)
      open.push(...(commits[position]?.parents ?? []))
    }
    return found
  }
}
