/** Takes secrets out of what is shown and logged: passwords in URLs, and every text that was registered as secret. */
import type { EventSink, LagoEvent } from '../base/events.js'
import { knownSecrets } from '../base/secrets.js'

export type Redact = (text: string) => string

const MASK = '***'

/** Shorter ones are found in too much that is no secret. */
const SHORTEST_SECRET = 4

/** Hides `secrets`, and what is told to `keepSecret` at any time. */
export function createRedact(secrets: readonly string[]): Redact {
  const known = knownSecrets()
  let longestFirst: readonly string[] = []
  let size = -1
  return (text) => {
    if (known.size !== size) longestFirst = inOrder([...secrets, ...known])
    size = known.size
    return longestFirst.reduce((shown, secret) => shown.replaceAll(secret, MASK), withoutUrlPasswords(text))
  }
}

function inOrder(secrets: readonly string[]): string[] {
  return secrets.filter(({ length }) => length >= SHORTEST_SECRET).sort((a, b) => b.length - a.length)
}

function withoutUrlPasswords(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/[^\s/:@]*):[^\s/@]*@/gi, `$1:${MASK}@`)
}

/** Every text of an event, deep in `data` too, goes through `redact` before `sink` sees it. */
export function redactingSink(redact: Redact, sink: EventSink): EventSink {
  return {
    emit(event) {
      sink.emit(redactedEvent(redact, event))
    },
    close: async () => sink.close(),
  }
}

function redactedEvent(redact: Redact, event: LagoEvent): LagoEvent {
  if (event.type === 'step.start') return { ...event, title: redact(event.title) }
  if (event.type !== 'log') return event
  const data = event.data === undefined ? {} : { data: redactDeep(redact, event.data, new Set()) }
  return { ...event, message: redact(event.message), ...data }
}

/** Plain data out of anything: errors become their message, stack and own properties; a value inside itself becomes a mark. */
function redactDeep(redact: Redact, value: unknown, parents: ReadonlySet<unknown>): unknown {
  if (typeof value === 'string') return redact(value)
  if (typeof value === 'bigint' || typeof value === 'function' || typeof value === 'symbol') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (parents.has(value)) return '[circular]'
  const inside = new Set([...parents, value])
  if (Array.isArray(value)) return value.map((item) => redactDeep(redact, item, inside))
  const parts = value instanceof Error ? { ...value, message: value.message, stack: value.stack } : value
  return Object.fromEntries(Object.entries(parts).map(([key, part]) => [key, redactDeep(redact, part, inside)]))
}
