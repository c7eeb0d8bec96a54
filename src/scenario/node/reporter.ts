/** A reporter for Node's test runner, which tells each test as an event, and why it failed on stderr. */
import { writeSync } from 'node:fs'
import { inspect } from 'node:util'
import { send } from './control.js'
import { isStopped } from './stopped.js'

interface TestData {
  readonly name: string
  readonly nesting: number
  readonly skip?: string | boolean
  readonly todo?: string | boolean
  readonly details?: { readonly duration_ms?: number; readonly type?: string; readonly error?: unknown }
}

interface ReporterEvent {
  readonly type: string
  readonly data: TestData
}

/**
 * https://nodejs.org/api/test.html, "Custom reporters". What has tests in it is none itself, and is known for it when the
 * first of them is announced.
 */
export default async function* report(source: AsyncIterable<ReporterEvent>): AsyncGenerator<string> {
  const running: string[] = []
  const reported: string[] = []
  const containers = new Set<string>()
  for await (const { type, data } of source) {
    const { nesting, name } = data
    if (type === 'test:enqueue' && nesting > 0) {
      const container = running.slice(0, nesting).join(SEPARATOR)
      if (!containers.has(container)) send({ event: 'leave', name: container })
      containers.add(container)
    } else if (type === 'test:dequeue') {
      running.splice(nesting, Infinity, name)
      send({ event: 'start', name: running.join(SEPARATOR) })
    } else if (type === 'test:start') reported.splice(nesting, Infinity, name)
    else if (type === 'test:pass' || type === 'test:fail') {
      reported.splice(nesting, Infinity, name)
      const fullName = reported.join(SEPARATOR)
      endTest(fullName, data, { hasPassed: type === 'test:pass', isContainer: containers.has(fullName) })
    }
  }
  yield ''
}

/** As in the `fullName` of Node's test contexts. */
const SEPARATOR = ' > '

interface Kind {
  readonly hasPassed: boolean
  readonly isContainer: boolean
}

function endTest(name: string, { skip, todo, details = {} }: TestData, { hasPassed, isContainer }: Kind): void {
  const { error, type, duration_ms: durationMs = 0 } = details
  const cause = causeOf(error)
  const skipped = (message: string): void => send({ event: 'end', name, outcome: 'skipped', durationMs, message })
  if ((isContainer || type === 'suite') && (hasPassed || isOfSubtests(error))) return send({ event: 'leave', name })
  if (isStopped(cause)) return skipped('a test before it has failed')
  if (isMarked(skip)) return skipped(typeof skip === 'string' ? skip : '')
  if (isMarked(todo)) return skipped(typeof todo === 'string' ? todo : 'to do')
  if (hasPassed) return send({ event: 'end', name, outcome: 'passed', durationMs })
  const text = inspect(cause)
  writeSync(process.stderr.fd, `${name}: ${text}\n`)
  const outcome = codeOf(cause) === 'ERR_ASSERTION' ? 'failed' : 'error'
  send({ event: 'end', name, outcome, durationMs, message: messageOf(cause), details: text })
}

function isMarked(mark: string | boolean | undefined): boolean {
  return mark !== undefined && mark !== false
}

/** Node wraps what a test has thrown. */
function causeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'cause' in error && error.cause !== undefined
    ? error.cause
    : error
}

function isOfSubtests(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'failureType' in error && error.failureType === 'subtestsFailed'
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}

function messageOf(error: unknown): string {
  const text = typeof error === 'object' && error !== null && 'message' in error ? error.message : error
  return String(text).split('\n', 1)[0] ?? ''
}
