/** Small texts: repository files, metadata, checksums. */
import type { Task } from '../../base/task.js'
import type { Answer } from './answer.js'
import type { HttpClient } from './client.js'
import { DownloadFailure } from './failure.js'
import type { DownloadLimits } from './limits.js'
import { createTries } from './tries.js'
import type { TextAnswer, TextOptions } from './types.js'

const MAX_BYTES = 16 * 1024 ** 2

/** Whole or not at all: one that breaks off is asked for anew. */
export async function downloadText(
  task: Task,
  client: HttpClient,
  urls: readonly string[],
  { maxBytes = MAX_BYTES, etag }: TextOptions,
  limits: DownloadLimits,
): Promise<TextAnswer> {
  const request =
    etag === undefined ? { headers: {}, expected: [200] } : { headers: { 'if-none-match': etag }, expected: [200, 304] }
  return createTries(task, urls, limits).first(async (url) => {
    const answer = await client.get(task, { url, askedUrl: url }, request)
    try {
      if (answer.status === 304) return { text: undefined, etag: answer.headers.etag ?? etag }
      return { text: await collect(answer, maxBytes), etag: answer.headers.etag }
    } finally {
      answer.close()
    }
  })
}

/** In UTF-8, without the mark that some put in front. */
async function collect({ headers, body }: Answer, maxBytes: number): Promise<string> {
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLong(maxBytes)
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > maxBytes) throw tooLong(maxBytes)
    chunks.push(chunk)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}

function tooLong(maxBytes: number): DownloadFailure {
  return new DownloadFailure('size', `it is longer than the ${maxBytes} bytes that are expected at most`, {
    hint: 'check the URL: it leads to something else',
    isFinal: true,
  })
}
