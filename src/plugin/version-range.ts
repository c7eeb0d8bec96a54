/**
 * Ranges of versions, as far as plugins need them: `>=2.1 <3`, `^2.1`, `2.1.0`; all parts of a range must hold. Only the
 * numbers that a part gives are compared, so that `2.1` stands for all of 2.1, and 2.1.0-rc.1 counts as 2.1.0.
 */

/** Undefined: `range` is not one. */
export function isInRange(version: string, range: string): boolean | undefined {
  const found = version
    .replace(/[-+].*$/, '')
    .split('.')
    .map(Number)
  const answers = range
    .trim()
    .split(/\s+/)
    .map((part) => holds(found, part))
  return answers.includes(undefined) ? undefined : !answers.includes(false)
}

function holds(found: readonly number[], part: string): boolean | undefined {
  const [, sign = '', text] = /^(>=|<=|>|<|=|\^)?(\d+(?:\.\d+){0,2})$/.exec(part) ?? []
  if (text === undefined) return undefined
  const wanted = text.split('.').map(Number)
  const order = compare(found, wanted)
  return sign === '^' ? order >= 0 && found[0] === wanted[0] : SIGNS[sign]?.(order)
}

const SIGNS: Readonly<Record<string, (order: number) => boolean>> = {
  '>=': (order) => order >= 0,
  '>': (order) => order > 0,
  '<=': (order) => order <= 0,
  '<': (order) => order < 0,
  '=': (order) => order === 0,
  '': (order) => order === 0,
}

/** Negative, 0 or positive, by as many numbers as `wanted` has. */
function compare(found: readonly number[], wanted: readonly number[]): number {
  for (const [index, number] of wanted.entries()) {
    const difference = (found[index] ?? 0) - number
    if (difference !== 0) return difference
  }
  return 0
}
