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

/** What a log line or an event tells about an error beside its message. */
export function factsOf(error: unknown): Readonly<Record<string, unknown>> {
  return isLagoError(error) ? { code: error.code, hint: error.hint, ...error.data } : { error }
}

/** Says in front of an error what it is about: `net lago: libvirt could not ...`. */
export async function about<T>(what: string, work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    if (!isLagoError(error) || error.code === 'LAGO_CANCELLED') throw error
    const { code, message, hint, data } = error
    throw new LagoError(code, `${what}: ${message}`, { hint, data, cause: error })
  })
}

export const NO_SPACE_HINT = 'free some space, or put the prefix or the store on another disk'

/**
 * An error of the operating system about a file as one that a user can act on: `LAGO_NO_SPACE`, `LAGO_PERMISSION` or
 * `LAGO_FILE`. Anything else is given back as it is.
 */
export function explainSystemError(error: unknown): unknown {
  if (!isSystemError(error, ...Object.keys(SYSTEM_ERRORS)) || isLagoError(error)) return error
  const { code, text, hint } = SYSTEM_ERRORS[error.code ?? ''] ?? UNNAMED
  const path = error.path === undefined ? undefined : shortPath(error.path)
  return new LagoError(code, `${text}: ${path ?? 'a file'}`, {
    hint,
    data: { path, systemCode: error.code, syscall: error.syscall },
    cause: error,
  })
}

/** No path that can be used is longer; others may choose names without end. */
const LONGEST_PATH = 4096
const SHOWN_OF_LONGER = 150

function shortPath(path: string): string {
  if (path.length <= LONGEST_PATH) return path
  return `${path.slice(0, SHOWN_OF_LONGER)}...${path.slice(-SHOWN_OF_LONGER)}`
}

interface SystemErrorText {
  readonly code: ErrorCode
  readonly text: string
  readonly hint?: string
}

const NO_SPACE = { code: 'LAGO_NO_SPACE', text: 'the disk is full', hint: NO_SPACE_HINT } as const
const NO_RIGHT = {
  code: 'LAGO_PERMISSION',
  text: 'no permission',
  hint: 'ask the owner of the directory for access, or use one of your own',
} as const
const UNNAMED: SystemErrorText = { code: 'LAGO_FILE', text: 'a file cannot be used' }

const SYSTEM_ERRORS: Readonly<Record<string, SystemErrorText>> = {
  ENOSPC: NO_SPACE,
  EDQUOT: NO_SPACE,
  EACCES: NO_RIGHT,
  EPERM: NO_RIGHT,
  EROFS: { ...NO_RIGHT, text: 'the file system is read-only' },
  ENOENT: { code: 'LAGO_FILE', text: 'there is no such file or directory' },
  EEXIST: { code: 'LAGO_FILE', text: 'there is something of that name already' },
  ENOTDIR: { code: 'LAGO_FILE', text: 'a part of the path is not a directory' },
  EISDIR: { code: 'LAGO_FILE', text: 'it is a directory' },
  ENOTEMPTY: { code: 'LAGO_FILE', text: 'the directory is not empty' },
  ELOOP: { code: 'LAGO_FILE', text: 'the links lead in circles' },
  ENAMETOOLONG: { code: 'LAGO_FILE', text: 'the name is too long' },
  EXDEV: { code: 'LAGO_FILE', text: 'it lies on another file system' },
  EMFILE: { code: 'LAGO_FILE', text: 'too many files are open' },
}
