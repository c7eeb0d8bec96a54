/** Answers that are not the file. */
import { STATUS_CODES, type IncomingHttpHeaders } from 'node:http'
import { plainLine } from '../../base/plain-text.js'
import type { Answer } from './answer.js'
import { DownloadFailure } from './failure.js'
import { hostOf } from './plain-url.js'

/** Gives the answer when it has one of `expected` and its body as the file is; else closes it and throws a `DownloadFailure`. */
export function checkAnswer(answer: Answer, expected: readonly number[], longestPauseMs: number): Answer {
  const failure = expected.includes(answer.status) ? encodingFailure(answer) : statusFailure(answer, longestPauseMs)
  if (failure === undefined) return answer
  answer.close()
  throw failure
}

function statusFailure({ status, headers, place }: Answer, longestPauseMs: number): DownloadFailure {
  const retryAfterMs = retryAfterOf(headers)
  const isTooLong = retryAfterMs !== undefined && retryAfterMs > longestPauseMs
  const words = STATUS_CODES[status] ?? 'a status without a name' // the server's own words may be anything
  const wait = isTooLong ? ` and wants to be left alone for ${Math.ceil(retryAfterMs / 1000)} s` : ''
  return new DownloadFailure('status', `the server answered ${status} ${words}${wait}`, {
    hint: statusHint(status, place.url),
    isFinal: isTooLong || (status < 500 && status !== 408 && status !== 429),
    status,
    retryAfterMs,
  })
}

/** Seconds or a date (RFC 9110, 10.2.3); undefined when there is none that can be read. */
function retryAfterOf(headers: IncomingHttpHeaders): number | undefined {
  const value = headers['retry-after']?.trim() ?? ''
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

function statusHint(status: number, url: URL): string {
  if (status === 401 || status === 403)
    return `it may want a user: put "machine ${hostOf(url)}" with login and password into ~/.netrc`
  if (status === 407) return 'put user and password into the URL of the proxy: http://USER:PASSWORD@HOST:PORT'
  if (status >= 500 || status === 408 || status === 429) return 'the server is busy or broken; try again later'
  return 'check the URL'
}

/** Encodings that only say what the file is, and how such files are called. */
const OWN_FORMS: ReadonlyMap<string, RegExp> = new Map([
  ['gzip', /\.t?gz$/i],
  ['x-gzip', /\.t?gz$/i],
  ['xz', /\.t?xz$/i],
  ['x-xz', /\.t?xz$/i],
  ['zstd', /\.t?zst$/i],
])

/**
 * Some servers say of a file `x.gz` that its encoding is gzip: those bytes are the file. Any other encoding was made on
 * the way although it was not asked for, and what is published about the file does not hold for its bytes.
 */
function encodingFailure({ headers, place }: Answer): DownloadFailure | undefined {
  const encoding = (headers['content-encoding'] ?? '').trim().toLowerCase()
  if (encoding === '' || encoding === 'identity' || OWN_FORMS.get(encoding)?.test(place.url.pathname)) return undefined
  const message = `the server sent it encoded as "${plainLine(encoding, 40)}", not as it is`
  return new DownloadFailure('encoding', message, {
    hint: 'have the server send files as they are (Accept-Encoding: identity)',
    isFinal: true,
  })
}
