/**
 * flock(2): exclusive locks that upstream takes too, and that the kernel frees when a process dies, however it dies.
 * A lock file is made when missing and never removed (removing it would let two holders in). A directory can be locked
 * itself, so that nothing is left behind. Local file systems only: NFS wants write access for such a lock.
 */
import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs'
import os from 'node:os'
import { isSystemError, LagoError } from './errors.js'
import { findLockHolder } from './lock-holder.js'
import type { Task } from './task.js'
import { pause } from './wait.js'

export interface LockOptions {
  /** Absolute path of the lock file or of the directory. */
  readonly path: string
  /** Default `file`. */
  readonly kind?: 'file' | 'directory'
  /** What the lock guards, for messages: `prefix /home/u/env/.lago/default`. */
  readonly what: string
  readonly waitMs: number
}

/** Runs `body` while holding the lock. Throws as `acquireLock` does, and what `body` throws. */
export async function withLock<T>(task: Task, options: LockOptions, body: () => Promise<T>): Promise<T> {
  const lock = await acquireLock(task, options)
  try {
    return await body()
  } finally {
    await lock[Symbol.asyncDispose]()
  }
}

/**
 * Takes the lock; dispose of the result to free it (twice does no harm).
 *
 * Waits up to `waitMs`, and after a second says for whom. A second lock in the same process waits like any other.
 * Throws `LAGO_LOCKED` naming the holder, `LAGO_PERMISSION` when the file may not be opened, and the system's `ENOENT`
 * when the directory (or the directory of the file) is not there, or is removed while waiting.
 */
export async function acquireLock(task: Task, options: LockOptions): Promise<AsyncDisposable> {
  const flock = await loadFlock()
  const startedAt = Date.now()
  let told = false
  for (;;) {
    task.signal.throwIfAborted()
    const fd = tryLock(flock, options)
    if (fd !== undefined) return heldLock(fd)
    const waitedMs = Date.now() - startedAt
    if (waitedMs >= options.waitMs) throw lockedError(options)
    if (waitedMs >= TELL_AFTER_MS && !told) {
      task.log('info', `waiting for ${options.what}, held by ${findLockHolder(options.path).text}`)
      told = true
    }
    await pause(task, Math.min(pollPauseMs(waitedMs), Math.max(options.waitMs - waitedMs, 1)))
  }
}

const TELL_AFTER_MS = 1000

/** Short waits are polled often, long ones rarely. */
function pollPauseMs(waitedMs: number): number {
  return Math.min(10 + waitedMs / 10, 250)
}

function heldLock(fd: number): AsyncDisposable {
  let isHeld = true
  return {
    async [Symbol.asyncDispose]() {
      if (isHeld) closeSync(fd)
      isHeld = false
    },
  }
}

/** An open descriptor that holds the lock, or `undefined` when another has it. */
function tryLock(flock: Flock, options: LockOptions): number | undefined {
  const fd = openLock(options)
  let isKept = false
  try {
    isKept = flock(fd) && isStillThere(fd, options.path)
    return isKept ? fd : undefined
  } finally {
    if (!isKept) closeSync(fd)
  }
}

function openLock({ path, kind, what }: LockOptions): number {
  const { O_RDONLY, O_DIRECTORY, O_CREAT } = constants
  try {
    if (kind === 'directory') return openSync(path, O_RDONLY | O_DIRECTORY)
    return openExisting(path) ?? openSync(path, O_RDONLY | O_CREAT, 0o644)
  } catch (error) {
    if (!isSystemError(error, 'EACCES', 'EPERM', 'EROFS')) throw error
    throw new LagoError('LAGO_PERMISSION', `no permission to open ${path}, the lock of ${what}`, {
      hint: 'ask its owner for access, or use a directory of your own',
      data: { path },
      cause: error,
    })
  }
}

/** First without O_CREAT: the kernel refuses it for other people's files in sticky directories (fs.protected_regular). */
function openExisting(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY)
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  }
}

/** False when what was locked has been removed or replaced between open and lock: that lock guards nothing. */
function isStillThere(fd: number, path: string): boolean {
  const locked = fstatSync(fd, { bigint: true })
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found !== undefined && found.dev === locked.dev && found.ino === locked.ino
}

function lockedError({ path, what }: LockOptions): LagoError {
  const holder = findLockHolder(path)
  return new LagoError('LAGO_LOCKED', `${what} is held by ${holder.text}`, {
    hint: 'try again when that process has ended',
    data: { path, pid: holder.pid },
  })
}

/** Tries an exclusive lock without waiting; false: somebody else has one. */
type Flock = (fd: number) => boolean

let loadedFlock: Flock | undefined

async function loadFlock(): Promise<Flock> {
  loadedFlock ??= await bindFlock()
  return loadedFlock
}

/** koffi is loaded with the first lock: most verbs that only look at things never need it. */
async function bindFlock(): Promise<Flock> {
  const { default: koffi } = await import('koffi')
  const libc = koffi.load(null) // the symbols of the running program, whatever its C library is called
  const call = libc.func('int flock(int fd, int operation)') as (fd: number, operation: number) => number // as declared
  return (fd) => {
    for (;;) {
      if (call(fd, LOCK_EX | LOCK_NB) === 0) return true
      const errno = koffi.errno()
      if (errno === os.constants.errno.EWOULDBLOCK) return false
      if (errno !== os.constants.errno.EINTR) throw new Error(`flock failed with errno ${errno}`)
    }
  }
}

// sys/file.h, glibc 2.36; the same in every Linux C library
const LOCK_EX = 2
const LOCK_NB = 4
