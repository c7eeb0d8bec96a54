/** Mirrors in order, in rounds with pauses that grow, until one of them does or patience ends. */
import type { Task } from '../../base/task.js'
import { pause } from '../../base/wait.js'
import { areAbsent, downloadError, DownloadFailure } from './failure.js'
import type { DownloadLimits } from './limits.js'
import { parseUrl, plainUrl } from './plain-url.js'

export interface Tries {
  /**
   * What `attempt` makes of the first mirror that does not fail; the one that did last is asked first. What fails
   * finally is not asked again, and what is not there at one is not waited for at another that is down. Throws `LAGO_DOWNLOAD` with the last failure of each mirror; what is no
   * `DownloadFailure` is passed on.
   */
  first<T>(attempt: (url: URL) => Promise<T>): Promise<T>
  /** What the last mirror gave was not good to its end: counts as its failure. Pauses; throws as `first` does. */
  broke(failure: DownloadFailure): Promise<void>
  /** There was progress: patience begins anew. */
  renew(): void
}

interface Mirror {
  readonly rawUrl: string
  failure?: DownloadFailure
  /** In ms since the epoch. */
  notBefore: number
}

export function createTries(task: Task, urls: readonly string[], limits: DownloadLimits): Tries {
  const mirrors: Mirror[] = urls.map((rawUrl) => ({ rawUrl, notBefore: 0 }))
  let active = mirrors[0]
  let tries = 1
  let failingSince: number | undefined
  let roundAt = Date.now()
  let hasServed = false

  const note = (mirror: Mirror, failure: DownloadFailure): void => {
    mirror.failure = failure
    mirror.notBefore = Date.now() + (failure.retryAfterMs ?? 0)
    task.log('debug', `download of ${plainUrl(mirror.rawUrl)}: ${failure.message}`)
  }
  const pauseOrThrow = async (): Promise<void> => {
    failingSince ??= Date.now()
    const isAbsent = !hasServed && areAbsent(mirrors.flatMap(({ failure }) => (failure === undefined ? [] : [failure])))
    const left = mirrors.filter(({ failure }) => failure?.isFinal !== true)
    const waitMs = Math.min(...left.map(({ notBefore }) => notBefore)) - Date.now()
    const pauseMs = Math.max(waitMs, limits.backOffMs * 2 ** (tries - 1))
    if (isAbsent || left.length === 0 || tries >= limits.tries || Date.now() + pauseMs - failingSince > limits.retryMs)
      throw downloadError(mirrors.flatMap(failureOf), tries)
    tries += 1
    roundAt = Date.now() + pauseMs // the clock may show a little less when the pause is over
    task.log('debug', `try ${tries} of ${limits.tries} in ${Math.round(pauseMs) / 1000} s`)
    await pause(task, pauseMs)
  }
  return {
    async first(attempt) {
      for (;;) {
        for (const mirror of inOrder(mirrors, active)) {
          if (mirror.failure?.isFinal === true || mirror.notBefore > roundAt) continue
          try {
            const result = await attempt(urlOf(mirror.rawUrl))
            active = mirror
            hasServed = true
            return result
          } catch (error) {
            if (!(error instanceof DownloadFailure)) throw error
            note(mirror, error)
          }
        }
        await pauseOrThrow()
      }
    },
    async broke(failure) {
      if (active !== undefined) note(active, failure)
      await pauseOrThrow()
    },
    renew() {
      tries = 1
      failingSince = undefined
    },
  }
}

function inOrder(mirrors: readonly Mirror[], active: Mirror | undefined): readonly Mirror[] {
  return [...mirrors].sort((a, b) => Number(b === active) - Number(a === active)) // a stable sort
}

function failureOf({ rawUrl, failure }: Mirror): { url: string; failure: DownloadFailure }[] {
  return failure === undefined ? [] : [{ url: plainUrl(rawUrl), failure }]
}

function urlOf(rawUrl: string): URL {
  const url = parseUrl(rawUrl)
  if (url !== undefined && ['http:', 'https:'].includes(url.protocol)) return url
  throw new DownloadFailure('url', 'that is no http or https URL', { hint: 'check the URL', isFinal: true })
}
