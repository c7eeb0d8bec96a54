/** Of which disk it is told that it is full: programs of scripts/ have no prefix and no store. */
import { stat, statfs } from 'node:fs/promises'
import os from 'node:os'
import { isLagoError, isSystemError, LagoError, NO_SPACE_HINT } from '../src/base/errors.js'

/** A `LAGO_NO_SPACE` with a hint of what can be done about it here; anything else as it is. */
export async function explainNoSpace(error: unknown): Promise<unknown> {
  if (!isLagoError(error, 'LAGO_NO_SPACE') || error.hint !== NO_SPACE_HINT) return error
  const temporaryDir = os.tmpdir()
  const { path: filePath, argv } = error.data
  const isProgram = argv !== undefined
  const freeBytes = (await freeBytesIn(temporaryDir)) ?? 0
  if (isProgram ? freeBytes < LEAST_BYTES : String(filePath).startsWith(`${temporaryDir}/`))
    return temporaryDirFull(error)
  const room = `temporary files are in ${temporaryDir} ($TMPDIR), with ${Math.floor(freeBytes / 2 ** 20)} MiB free`
  const hint = isProgram ? `free some space where it writes; ${room}` : 'free some space there, and do the same again'
  return new LagoError('LAGO_NO_SPACE', error.message, { hint, data: error.data, cause: error })
}

/** No program does much with less. */
const LEAST_BYTES = 2 ** 20

export function temporaryDirFull(cause: unknown): LagoError {
  const dir = os.tmpdir()
  return new LagoError('LAGO_NO_SPACE', `the disk of ${dir}, the directory for temporary files ($TMPDIR), is full`, {
    hint: 'free some space there, or name another directory: TMPDIR=DIR',
    data: { dir },
    cause,
  })
}

/**
 * Whether `dir` (absolute) or the directory for temporary files is on the disk that a program has filled that writes to both.
 * Programs clear away what they could not finish, so it is the one with less room; of one disk, `dir`.
 */
export async function isTemporaryDirFuller(dir: string): Promise<boolean> {
  const [own, temporary] = await Promise.all([dir, os.tmpdir()].map(async (at) => stat(at).catch(() => undefined)))
  if (own === undefined || temporary === undefined || own.dev === temporary.dev) return false
  const [room, temporaryRoom] = await Promise.all([freeBytesIn(dir), freeBytesIn(os.tmpdir())])
  return room !== undefined && temporaryRoom !== undefined && temporaryRoom < room
}

/** Undefined where that cannot be known. */
async function freeBytesIn(dir: string): Promise<number | undefined> {
  return statfs(dir).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => undefined,
  )
}

/** Throws `LAGO_FILE` when there is no directory for temporary files, which other programs tell in words of their own. */
export async function requireTemporaryDir(): Promise<void> {
  const dir = os.tmpdir()
  const found = await stat(dir).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  })
  if (found?.isDirectory() === true) return
  const what = found === undefined ? 'there is no such directory' : 'it is no directory'
  throw new LagoError('LAGO_FILE', `the directory for temporary files ($TMPDIR) is ${dir}: ${what}`, {
    hint: 'make it, or name another directory: TMPDIR=DIR',
    data: { dir },
  })
}
