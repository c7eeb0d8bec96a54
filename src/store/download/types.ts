/** What the store asks of the network. One implementation with got; another that forbids all of it (`--offline`). */
import type { Task } from '../../base/task.js'

export interface Downloader {
  /**
   * A file as a stream of its bytes as served. A connection that breaks is taken up again where it broke; `urls` are
   * mirrors, the next one is tried when one fails.
   * Throws `LAGO_DOWNLOAD` (and so does the stream), `LAGO_OFFLINE`.
   */
  open(task: Task, urls: readonly string[]): Promise<DownloadStream>
  /** A small text in UTF-8. Throws `LAGO_DOWNLOAD`, also when it is longer than `maxBytes`; `LAGO_OFFLINE`. */
  text(task: Task, urls: readonly string[], options?: TextOptions): Promise<TextAnswer>
}

/** Its disposal ends the connection: needed only when the chunks are not asked for. May be disposed of twice. */
export interface DownloadStream extends AsyncDisposable {
  /** The URL that answered, after redirects, as it may be shown. */
  readonly url: string
  /** As the server says; undefined when it does not. */
  readonly sizeBytes: number | undefined
  /** To be read once. Fails unless exactly `sizeBytes` came. Progress is told to the task that opened it. */
  readonly chunks: AsyncIterable<Buffer>
}

export interface TextOptions {
  /** Default 16 MiB. */
  readonly maxBytes?: number
  /** Of the copy that is there; the answer is then `undefined` text when nothing changed. */
  readonly etag?: string | undefined
}

export interface TextAnswer {
  /** Undefined: not modified since `etag`. */
  readonly text: string | undefined
  readonly etag: string | undefined
}
