/**
 * The name that was probably meant: `nearest('memroy', ['memory', 'nics'])` is `memory`. A candidate whose last words
 * are the name comes before any that is spelt alike: `nearest('vm1', ['vm0', 'suite_vm1'])` is `suite_vm1`.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const limit = Math.max(1, Math.floor(name.length / 3))
  for (const candidate of candidates) if (endsWithWords(candidate, name)) return candidate
  let best: { candidate: string; distance: number } | undefined
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) > limit) continue // spares the table for texts of any length
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { candidate, distance }
  }
  return best?.candidate
}

function endsWithWords(candidate: string, name: string): boolean {
  if (name === '' || !candidate.toLowerCase().endsWith(name.toLowerCase())) return false
  return /[^\p{L}\p{N}]$/u.test(candidate.slice(0, -name.length))
}

/** Optimal string alignment: insert, delete, replace and swap of neighbours cost one each. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(i - 2, j - 2) + 1 : Infinity
      rows[i]![j] = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, replace, swap) // row i was made above
    }
  }
  return at(a.length, b.length)
}
