/** A file of any size, as a stream that survives broken connections. */
import type { Task } from '../../base/task.js'
import type { Answer, Place } from './answer.js'
import type { HttpClient } from './client.js'
import { DownloadFailure } from './failure.js'
import { cannotResume, changed, checkRest, headersForRest, versionOf, type FileVersion } from './file-version.js'
import type { DownloadLimits } from './limits.js'
import { plainUrl } from './plain-url.js'
import { createTries, type Tries } from './tries.js'
import type { DownloadStream } from './types.js'

/** Throws `LAGO_DOWNLOAD`, and so do the chunks. */
export async function openDownload(
  task: Task,
  client: HttpClient,
  urls: readonly string[],
  limits: DownloadLimits,
): Promise<DownloadStream> {
  const tries = createTries(task, urls, limits)
  const answer = await tries.first(async (url) => client.get(task, { url, askedUrl: url }, WHOLE))
  const download = new Download(task, client, tries, answer)
  return {
    url: plainUrl(answer.place.url),
    sizeBytes: versionOf(answer.headers).sizeBytes,
    chunks: download.chunks(),
    [Symbol.asyncDispose]: async () => download.end(),
  }
}

const WHOLE = { headers: {}, expected: [200] }

/** So much has to come between two failures for them to be apart. */
const PROGRESS_BYTES = 256 * 1024
const TELL_EVERY_MS = 100

class Download {
  readonly #task: Task
  readonly #client: HttpClient
  readonly #tries: Tries
  #answer: Answer
  /** Of what was handed on. */
  #version: FileVersion
  #received = 0
  #receivedAtRenewal = 0
  #toldAt = 0
  #isEnded = false

  constructor(task: Task, client: HttpClient, tries: Tries, answer: Answer) {
    this.#task = task
    this.#client = client
    this.#tries = tries
    this.#answer = answer
    this.#version = versionOf(answer.headers)
  }

  async *chunks(): AsyncGenerator<Buffer> {
    try {
      while (!(yield* this.#readAnswer())) this.#answer = await this.#tries.first(async (url) => this.#rest(url))
      this.#tell()
    } finally {
      this.end()
    }
  }

  end(): void {
    this.#isEnded = true
    this.#answer.close()
  }

  /** Gives true at the end of the file, false when the answer broke off and may be asked for again. */
  async *#readAnswer(): AsyncGenerator<Buffer, boolean> {
    try {
      for await (const chunk of this.#answer.body) {
        this.#count(chunk.length)
        yield chunk
      }
      if (this.#version.sizeBytes === undefined || this.#received === this.#version.sizeBytes) return true
      throw new DownloadFailure('size', 'the server ended there', { hint: 'the file is not whole on the server' })
    } catch (error) {
      this.#answer.close()
      if (!(error instanceof DownloadFailure)) throw error
      if (this.#isEnded) throw new Error('the download was disposed of while it was read', { cause: error })
      await this.#tries.broke(this.#located(error))
      return false
    }
  }

  #count(length: number): void {
    const done = this.#received + length
    if (this.#version.sizeBytes !== undefined && done > this.#version.sizeBytes)
      throw new DownloadFailure('size', `the server sent ${done} bytes where it had said ${this.#version.sizeBytes}`, {
        hint: 'the server is at fault; ask whoever runs it',
        isFinal: true,
      })
    this.#received = done
    if (done - this.#receivedAtRenewal >= PROGRESS_BYTES) {
      this.#receivedAtRenewal = done
      this.#tries.renew()
    }
    if (Date.now() - this.#toldAt >= TELL_EVERY_MS) this.#tell()
  }

  #tell(): void {
    this.#toldAt = Date.now()
    this.#task.progress(this.#received, this.#version.sizeBytes, 'bytes')
  }

  /** First from where the last answer came, since a redirect may choose another server each time. */
  async #rest(askedUrl: URL): Promise<Answer> {
    const last = this.#answer.place
    const asked = { url: askedUrl, askedUrl }
    const wasRedirected = last.askedUrl.href === askedUrl.href && last.url.href !== askedUrl.href
    try {
      if (!wasRedirected) return await this.#restFrom(asked)
      return await this.#restFrom(last).catch(async (error: unknown) => {
        if (!(error instanceof DownloadFailure) || error.kind === 'changed') throw error
        return this.#restFrom(asked)
      })
    } catch (error) {
      throw error instanceof DownloadFailure ? this.#located(error) : error
    }
  }

  async #restFrom(place: Place): Promise<Answer> {
    const isAnew = this.#received === 0
    const headers = isAnew ? {} : headersForRest(this.#version, this.#received)
    if (headers === undefined) throw cannotResume('the server gives no ETag or date to know the file by')
    const answer = await this.#client.get(this.#task, place, isAnew ? WHOLE : { headers, expected: [200, 206, 416] })
    try {
      this.#version = isAnew
        ? sameSize(versionOf(answer.headers), this.#version)
        : checkRest(answer, this.#version, this.#received)
      const isWhole = !isAnew && answer.status === 200 // the server knows no ranges
      return isWhole ? { ...answer, body: withoutStart(answer.body, this.#received) } : answer
    } catch (error) {
      answer.close()
      throw error
    }
  }

  #located(failure: DownloadFailure): DownloadFailure {
    if (this.#received === 0) return failure
    const { sizeBytes } = this.#version
    return failure.about(`after ${this.#received}${sizeBytes === undefined ? '' : ` of ${sizeBytes}`} bytes`)
  }
}

async function* withoutStart(body: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes
  for await (const chunk of body) {
    if (left < chunk.length) yield chunk.subarray(left)
    left = Math.max(0, left - chunk.length)
  }
}

/** Of a file of which only the size has been handed on. */
function sameSize(now: FileVersion, { sizeBytes }: FileVersion): FileVersion {
  if (sizeBytes === undefined || now.sizeBytes === sizeBytes) return now
  throw changed(`it had ${sizeBytes} bytes and has ${now.sizeBytes ?? 'an unknown number'}`)
}
