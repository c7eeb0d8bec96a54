import { LagoError } from '../base/errors.js'
import { parseTimeSpan, TIME_SPAN_WORDS } from '../base/time-span.js'

/** Milliseconds. Throws `LAGO_USAGE`. */
export function parseTtl(text: string): number {
  const spanMs = parseTimeSpan(text)
  if (spanMs !== undefined) return spanMs
  throw new LagoError('LAGO_USAGE', `"${text}" is not ${TIME_SPAN_WORDS}`, { data: { value: text } })
}
