/** Which of two packages is the newer one, by rpm's own rule (rpmvercmp; the manual page rpm-version(7)). */
import type { PackageName } from './package.js'

/** Negative when `a` is older than `b`, 0 when they are the same. */
export function compareEvr(a: Omit<PackageName, 'name' | 'arch'>, b: Omit<PackageName, 'name' | 'arch'>): number {
  return a.epoch - b.epoch || compareVersions(a.version, b.version) || compareVersions(a.release, b.release)
}

/** One version, or one release, beside another. */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0
  const [left, right] = [segmentsOf(a), segmentsOf(b)]
  for (let index = 0; ; index++) {
    const [one, other] = [left[index], right[index]]
    if (one === undefined && other === undefined) return 0
    const order = compareSegments(one, other)
    if (order !== 0) return order
  }
}

/** Runs of digits, runs of letters, `~` and `^`; everything else only separates. */
function segmentsOf(version: string): string[] {
  return version.match(/[0-9]+|[A-Za-z]+|~|\^/g) ?? []
}

/** `~` is older than the end, `^` newer than the end and older than anything else; numbers are newer than letters. */
function compareSegments(a: string | undefined, b: string | undefined): number {
  const [rankA, rankB] = [rankOf(a), rankOf(b)]
  if (rankA !== rankB) return rankA - rankB
  if (a === undefined || b === undefined) return 0
  return isNumber(a) ? compareNumbers(a, b) : a < b ? -1 : a > b ? 1 : 0
}

function rankOf(segment: string | undefined): number {
  if (segment === '~') return 0
  if (segment === undefined) return 1
  if (segment === '^') return 2
  return isNumber(segment) ? 4 : 3
}

function isNumber(segment: string): boolean {
  return /^[0-9]/.test(segment)
}

/** Of any length. */
function compareNumbers(a: string, b: string): number {
  const [left, right] = [BigInt(a), BigInt(b)]
  return left < right ? -1 : left > right ? 1 : 0
}
