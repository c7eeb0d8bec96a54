/**
 * The one error type a user can meet. This file knows nothing of what Lago does.
 *
 * `code` is stable and may be matched by scripts, `message` is one line naming the thing, `hint` is one line telling
 * what to do next, `data` holds machine-readable facts without secrets.
 *
 * Errors are told by `isNativeError`, not by `instanceof Error`: Node's own come from another realm where code runs in
 * a `vm` context, as jest runs it.
 */
import { types } from 'node:util'

export type ErrorCode = `LAGO_${string}`

export interface LagoErrorOptions {
  readonly hint?: string | undefined
  readonly data?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

export class LagoError extends Error {
  override readonly name: string = 'LagoError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly data: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: LagoErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
    this.data = options.data ?? {}
  }
}

export function isLagoError(error: unknown, code?: ErrorCode): error is LagoError {
  return error instanceof LagoError && (code === undefined || error.code === code)
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return types.isNativeError(error) ? error.message : String(error)
}

/** True for Node's system errors of this name: `isSystemError(error, 'ENOENT')`. */
export function isSystemError(error: unknown, ...codes: readonly string[]): error is NodeJS.ErrnoException {
  return types.isNativeError(error) && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
}
