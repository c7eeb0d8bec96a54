/** How patient a downloader is. */
export interface DownloadLimits {
  /** From the request to the head of its answer: name, connection, TLS and all. Default 30 s. */
  readonly answerMs: number
  /** So long may fewer than 4 KiB come while the reader waits for them; a slow reader costs nothing. Default 30 s. */
  readonly silenceMs: number
  /** Rounds over all mirrors, in a row without progress. Default 6. */
  readonly tries: number
  /** So long after the first failure since there was progress no further round begins. Default 2 minutes. */
  readonly retryMs: number
  /** Pause before the second round; it doubles with each one. Default 0.5 s. */
  readonly backOffMs: number
  /** A server that asks for a longer pause (`Retry-After`) is not asked again. Default 1 minute. */
  readonly longestPauseMs: number
}

export const DOWNLOAD_LIMITS: DownloadLimits = {
  answerMs: 30_000,
  silenceMs: 30_000,
  tries: 6,
  retryMs: 120_000,
  backOffMs: 500,
  longestPauseMs: 60_000,
}
