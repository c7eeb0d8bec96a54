/** What the tests of downloads share: patience for tests, files that break off, and reading to the end. */
import { once } from 'node:events'
import type { RequestListener, ServerResponse } from 'node:http'
import { createDownloader } from '../../../../src/store/download/downloader.js'
import type { DownloadLimits } from '../../../../src/store/download/limits.js'
import type { Downloader, DownloadStream } from '../../../../src/store/download/types.js'

/** Three rounds with no pauses to speak of; the time limits are for tests that wait for the other end. */
const LIMITS: Partial<DownloadLimits> = { tries: 3, backOffMs: 1 }

export function downloaderWith(
  limits: Partial<DownloadLimits> = {},
  env: Readonly<Record<string, string>> = {},
): Downloader {
  return createDownloader({ env, limits: { ...LIMITS, ...limits } })
}

export async function readAll({ chunks }: Pick<DownloadStream, 'chunks'>): Promise<Buffer> {
  const read: Buffer[] = []
  for await (const chunk of chunks) read.push(chunk)
  return Buffer.concat(read)
}

export interface Headers {
  readonly [name: string]: string | number
}

export function answer(status: number, headers: Headers = {}, body: string | Buffer = ''): RequestListener {
  return (_, response) => void response.writeHead(status, headers).end(body)
}

/** 206 with `body`, which is all from `first` on of a file of `total` bytes. */
export function rest(body: Buffer, first: number, headers: Headers = {}, total = first + body.length): RequestListener {
  const range = `bytes ${first}-${first + body.length - 1}/${total}`
  return answer(206, { 'content-range': range, 'content-length': body.length, ...headers }, body)
}

export interface HeldAnswer {
  readonly answer: RequestListener
  /** Breaks the connection; the answer has come by then. */
  break(): void
}

/** An answer whose connection stays open behind `body`, until it is broken. */
export function held(headers: Headers, body: Buffer | string): HeldAnswer {
  let held: ServerResponse | undefined
  return {
    answer: (_, response) => {
      held = response
      response.writeHead(200, headers).write(body)
    },
    break: () => void held?.socket?.destroy(),
  }
}

/** Reads `count` bytes, which must be at the end of a chunk, and breaks the connection then; gives all that came. */
export async function readAndBreak(stream: DownloadStream, count: number, held: HeldAnswer): Promise<Buffer> {
  const read: Buffer[] = []
  let length = 0
  for await (const chunk of stream.chunks) {
    read.push(chunk)
    length += chunk.length
    if (length === count) held.break()
  }
  return Buffer.concat(read)
}

/** Resolves with the first request that comes to `listener`; it is answered by nobody. */
export function firstRequest(): { readonly listener: RequestListener; readonly response: Promise<ServerResponse> } {
  let came: (response: ServerResponse) => void = () => undefined
  const response = new Promise<ServerResponse>((resolve) => (came = resolve))
  return { listener: (_, response) => came(response), response }
}

export async function closed(response: ServerResponse): Promise<void> {
  if (!response.closed) await once(response, 'close')
}
