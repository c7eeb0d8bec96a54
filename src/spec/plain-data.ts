/** Values as parsed into a tree of their own: nothing shared, nothing that contains itself, nothing dangerous. */
import { errorAt, type Finding, type Path } from './findings.js'

const MAX_DEPTH = 50
/** Enough for thousands of VMs, few enough for aliases of aliases of aliases to be noticed. */
const MAX_VALUES = 200_000

export interface PlainData {
  readonly value: unknown
  readonly findings: readonly Finding[]
  /** True: a limit was met, so that `value` is not all of it. */
  readonly isCut: boolean
}

/**
 * A deep copy, so that YAML's anchors do not alias.
 * What is nested too deep, is too much, is named `__proto__`, or cannot be written to a file as it is, is left out or
 * found fault with.
 */
export function copyPlainData(value: unknown): PlainData {
  const findings: Finding[] = []
  let values = 0
  const copy = (source: unknown, path: Path): unknown => {
    if (typeof source === 'string' && !isWhole(source)) findings.push(errorAt(path, HALF))
    if (typeof source === 'number' && !Number.isFinite(source)) findings.push(errorAt(path, ENDLESS))
    if (typeof source !== 'object' || source === null) return source
    if (path.length > MAX_DEPTH) {
      findings.push(errorAt(path.slice(0, 3), `is nested deeper than ${MAX_DEPTH} levels, or contains itself`))
      values = MAX_VALUES // one such finding says it all
      return undefined
    }
    if (Array.isArray(source))
      return source.flatMap((item: unknown, index) => (enough() ? [] : [copy(item, [...path, index])]))
    const target: Record<string, unknown> = {}
    for (const [key, item] of Object.entries(source)) {
      if (enough()) break
      if (key === '__proto__') findings.push(errorAt([...path, key], 'is not allowed as a key', { at: 'key' }))
      else if (!isWhole(key)) findings.push(errorAt([...path, key], HALF, { at: 'key' }))
      else target[key] = copy(item, [...path, key])
    }
    return target
  }
  const enough = (): boolean => {
    values += 1
    if (values === MAX_VALUES)
      findings.push(errorAt([], `the file holds more than ${MAX_VALUES} values once its aliases are filled in`))
    return values >= MAX_VALUES
  }
  const copied = copy(value, [])
  return { value: copied, findings, isCut: values >= MAX_VALUES }
}

/** JSON, in which everything is kept, has no word for it. */
const ENDLESS = 'is larger than any number, or none'

const HALF = 'has half of a character in it (a \\u escape of a surrogate without its other half)'

/** A surrogate without its other half is no text in UTF-8: it would come out of every file as another character. */
function isWhole(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}
