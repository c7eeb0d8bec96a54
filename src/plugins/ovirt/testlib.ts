/**
 * `import { ... } from 'lago/ovirt'`: helpers for scenarios that `lago ovirt runtest` runs with Node, as `ovirtlago.testlib`
 * is for those in Python. The environment is what `loadEnv()` of `lago` gives.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import path from 'node:path'
import { isDeepStrictEqual, inspect } from 'node:util'
import { AssertionError } from 'node:assert'
import { test } from 'node:test'

export { engineVm, hostVms } from './roles.js'

export const SHORT_TIMEOUT_MS = 180_000
export const LONG_TIMEOUT_MS = 600_000

export interface WithinOptions {
  /** Of these classes an exception counts as a try; any other one ends the wait. Default: none. */
  readonly allowed?: readonly (new (...args: never[]) => Error)[] | undefined
  /** Between the first two tries; default 10,000. */
  readonly firstPauseMs?: number | undefined
  /** Between later ones; default 3000. */
  readonly pauseMs?: number | undefined
  readonly message?: string | undefined
}

/**
 * Calls `probe` until it gives `expected` (compared as `deepStrictEqual` does), for `timeoutMs` at most. Throws node's
 * `AssertionError` with the last value: `X != Y after N seconds`.
 */
export async function assertEqualsWithin<T>(
  probe: () => T | Promise<T>,
  expected: T,
  timeoutMs: number,
  options: WithinOptions = {},
): Promise<void> {
  const { allowed = [], firstPauseMs = 10_000, pauseMs = 3000, message } = options
  const deadline = Date.now() + timeoutMs
  for (let pause = firstPauseMs; ; pause = pauseMs) {
    const seen = await attempt(probe, allowed)
    if ('value' in seen && isDeepStrictEqual(seen.value, expected)) return
    const leftMs = deadline - Date.now()
    if (leftMs <= 0) {
      const actual = 'value' in seen ? seen.value : seen.error
      const text = `${inspect(actual)} != ${inspect(expected)} after ${timeoutMs / 1000} seconds`
      throw new AssertionError({ message: message ?? text, actual, expected, operator: 'deepStrictEqual' })
    }
    await sleep(Math.min(pause, leftMs))
  }
}

/** The same within three minutes. */
export async function assertEqualsWithinShort<T>(
  probe: () => T | Promise<T>,
  expected: T,
  options: WithinOptions = {},
): Promise<void> {
  await assertEqualsWithin(probe, expected, SHORT_TIMEOUT_MS, options)
}

/** The same within ten minutes. */
export async function assertEqualsWithinLong<T>(
  probe: () => T | Promise<T>,
  expected: T,
  options: WithinOptions = {},
): Promise<void> {
  await assertEqualsWithin(probe, expected, LONG_TIMEOUT_MS, options)
}

/** Until `probe` gives something true; as `assertEqualsWithin`. */
export async function assertTrueWithin(
  probe: () => unknown,
  timeoutMs: number,
  options: WithinOptions = {},
): Promise<void> {
  await assertEqualsWithin(async () => Boolean(await probe()), true, timeoutMs, options)
}

/** The same within three minutes. */
export async function assertTrueWithinShort(probe: () => unknown, options: WithinOptions = {}): Promise<void> {
  await assertTrueWithin(probe, SHORT_TIMEOUT_MS, options)
}

/** The same within ten minutes. */
export async function assertTrueWithinLong(probe: () => unknown, options: WithinOptions = {}): Promise<void> {
  await assertTrueWithin(probe, LONG_TIMEOUT_MS, options)
}

/** `lago-SUITE-NAME`, so that what a suite makes bears its name; `suite` defaults to the variable `SUITE`. */
export function prefixedName(name: string, suite: string = suiteOfProcess()): string {
  return `lago-${path.basename(suite)}-${name}`
}

function suiteOfProcess(): string {
  // eslint-disable-next-line no-restricted-properties -- this runs in a scenario's process, whose environment it is
  return process.env['SUITE'] ?? ''
}

export type SequenceTest = () => void | Promise<void>

const mayFail = new WeakSet<SequenceTest>()

/** In a sequence the tests behind this one run also when it fails. */
export function continueOnFailure<T extends SequenceTest>(sequenceTest: T): T {
  mayFail.add(sequenceTest)
  return sequenceTest
}

/** Tests of node's runner, named after the functions; once one has failed, the rest is skipped. */
export function testSequence(tests: readonly SequenceTest[]): void {
  let failed: string | undefined
  for (const run of tests)
    void test(run.name, async (context) => {
      if (failed !== undefined) return context.skip(`${failed}, before it, has failed`)
      try {
        await run()
      } catch (error) {
        if (!mayFail.has(run)) failed = run.name
        throw error
      }
    })
}

async function attempt<T>(
  probe: () => T | Promise<T>,
  allowed: NonNullable<WithinOptions['allowed']>,
): Promise<{ readonly value: T } | { readonly error: unknown }> {
  try {
    return { value: await probe() }
  } catch (error) {
    if (!allowed.some((kind) => error instanceof kind)) throw error
    return { error }
  }
}
