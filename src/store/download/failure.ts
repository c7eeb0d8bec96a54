/** Why something could not be downloaded: per try inside this folder, and as the one error that leaves it. */
import { isLagoError, LagoError } from '../../base/errors.js'

export type FailureKind =
  'url' | 'host' | 'connection' | 'timeout' | 'tls' | 'proxy' | 'status' | 'redirect' | 'encoding' | 'changed' | 'size'

export interface FailureFacts {
  readonly hint?: string | undefined
  /** Asking this URL again will not help. */
  readonly isFinal?: boolean
  /** Of the HTTP answer, if it is what is wrong. */
  readonly status?: number | undefined
  /** What the server wants to pass before it is asked again. */
  readonly retryAfterMs?: number | undefined
  readonly cause?: unknown
}

/** One try of one URL. The message says what was found, without the URL. */
export class DownloadFailure extends Error {
  override readonly name = 'DownloadFailure'
  readonly kind: FailureKind
  readonly hint: string | undefined
  readonly isFinal: boolean
  readonly status: number | undefined
  readonly retryAfterMs: number | undefined

  constructor(kind: FailureKind, message: string, facts: FailureFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.kind = kind
    this.hint = facts.hint
    this.isFinal = facts.isFinal ?? false
    this.status = facts.status
    this.retryAfterMs = facts.retryAfterMs
  }

  /** The same, with what it is about in front. */
  about(what: string): DownloadFailure {
    return new DownloadFailure(this.kind, `${what}: ${this.message}`, this)
  }
}

/** The last failure of a mirror. */
export interface MirrorFailure {
  /** As it may be shown. */
  readonly url: string
  readonly failure: DownloadFailure
}

/** `data.failures` has URL, kind, status and message for each mirror. The hint is the first mirror's. */
export function downloadError(failures: readonly MirrorFailure[], tries: number): LagoError {
  const [first] = failures
  if (first === undefined) throw new Error('unreachable: a download failed without a failure')
  const reasons = failures.map(({ url, failure }) => `${url}: ${failure.message}`).join('; nor ')
  return new LagoError('LAGO_DOWNLOAD', `cannot download ${reasons}${tries > 1 ? ` (${tries} tries)` : ''}`, {
    hint: first.failure.hint,
    data: {
      url: first.url,
      failures: failures.map(({ url, failure: { kind, status, message } }) => ({ url, kind, status, message })),
    },
    cause: first.failure.cause,
  })
}

/**
 * True when there is no such file: mirrors have answered 403, 404 or 410, and those that did not answer at all would not
 * have it either. 403 counts because storage services give it for what is not there to those who may not list.
 */
export function isNotServed(error: unknown): boolean {
  if (!isLagoError(error, 'LAGO_DOWNLOAD') || !Array.isArray(error.data['failures'])) return false
  return areAbsent(error.data['failures'] as readonly Reason[]) // as made above
}

type Reason = Pick<DownloadFailure, 'kind' | 'status'>

export function areAbsent(reasons: readonly Reason[]): boolean {
  return reasons.some(isNotThere) && reasons.every((reason) => isNotThere(reason) || UNREACHABLE.includes(reason.kind))
}

const UNREACHABLE: readonly FailureKind[] = ['host', 'connection', 'timeout']

function isNotThere({ kind, status }: Reason): boolean {
  return kind === 'status' && status !== undefined && [403, 404, 410].includes(status)
}
