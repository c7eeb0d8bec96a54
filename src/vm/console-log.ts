/**
 * The file with what a VM's serial port has printed since the VM was started. Guests may print without end: virtlogd
 * renames a file that has grown to 2 MiB (`max_size` in virtlogd.conf) to `.0`, that to `.1` and so on, and drops the
 * oldest. A file that it begins itself can be read by root alone.
 */
import { appendFile, lstat, open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { isLagoError, isSystemError } from '../base/errors.js'
import { makeDirs } from '../base/files.js'
import type { Task } from '../base/task.js'
import { LogReader, previousLog, rotatedNames } from './log-reader.js'
import { watchConsoleLog } from './log-watch.js'

/**
 * Makes an empty log for its user alone; that of the start before is kept beside it as `.previous`. Only a file or a
 * link is moved away: what else stands there (a device) stays, and `EEXIST` tells of it.
 */
export async function beginConsoleLog(logPath: string): Promise<void> {
  await makeDirs(path.dirname(logPath))
  for (const name of await rotatedNames(logPath)) await rm(path.join(path.dirname(logPath), name))
  if (await isFileOrLink(logPath)) await rename(logPath, previousLog(logPath))
  await (await open(logPath, 'wx', 0o600)).close()
}

async function isFileOrLink(file: string): Promise<boolean> {
  try {
    const stats = await lstat(file)
    return stats.isFile() || stats.isSymbolicLink()
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return false
    throw error
  }
}

/** For a VM that goes on where it was: what is there stays. */
export async function ensureConsoleLog(logPath: string): Promise<void> {
  await makeDirs(path.dirname(logPath))
  await (await open(logPath, 'a', 0o600)).close()
}

/** A line of ours between the guest's. */
export async function noteInConsoleLog(logPath: string, note: string): Promise<void> {
  await appendFile(logPath, `\n${NOTE_MARK}${note}\n`)
}

/** Begins every line that `noteInConsoleLog` writes. */
export const NOTE_MARK = '[lago] '

/** All that is there, from the oldest byte. Throws `LAGO_NO_CONSOLE_LOG`, `LAGO_PERMISSION`. */
export async function* readConsoleLog(logPath: string): AsyncGenerator<Uint8Array> {
  await using log = new LogReader(logPath)
  yield* log.unread()
}

/**
 * The last bytes, at most `maxBytes`; empty without a log. What cannot be read behind what can be, a line tells of.
 * Throws `LAGO_PERMISSION` when nothing can be read.
 */
export async function tailConsoleLog(logPath: string, maxBytes: number): Promise<Buffer> {
  await using log = new LogReader(logPath, { lastBytes: maxBytes })
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of log.unread()) chunks.push(chunk)
  } catch (error) {
    if (isLagoError(error, 'LAGO_PERMISSION') && chunks.length > 0)
      chunks.push(Buffer.from(`\n[the rest is missing: ${error.message}]\n`))
    else if (!isLagoError(error, 'LAGO_NO_CONSOLE_LOG')) throw error
  }
  return Buffer.concat(chunks).subarray(-maxBytes) // it may have grown meanwhile
}

/**
 * All that is there and all that comes, until `ended` resolves and the last bytes are there. Survives that the file is
 * renamed; of what virtlogd dropped before it could be read, a line tells.
 * Throws `LAGO_NO_CONSOLE_LOG`, `LAGO_PERMISSION`; stops with the task's signal.
 */
export async function* followConsoleLog(
  task: Task,
  logPath: string,
  ended: Promise<unknown>,
): AsyncGenerator<Uint8Array> {
  await using log = new LogReader(logPath)
  using changes = changesOf(logPath, task.signal)
  let isOver = false
  const over = ended.then(() => (isOver = true))
  while (!isOver) {
    const changed = changes.next()
    yield* log.unread()
    await Promise.race([changed, over])
    task.signal.throwIfAborted()
  }
  // virtlogd writes what is left in its pipe; nothing tells when it has
  for (let changed = changes.next(); ; changed = changes.next()) {
    yield* log.unread()
    const isQuiet = await Promise.race([changed.then(() => false), quiet()])
    task.signal.throwIfAborted()
    if (isQuiet) return
  }
}

const QUIET_MS = 200

async function quiet(): Promise<true> {
  return new Promise((resolve) => setTimeout(() => resolve(true), QUIET_MS))
}

interface Changes extends Disposable {
  /** Resolves with the next change, or when the signal fires. */
  next(): Promise<void>
}

function changesOf(logPath: string, signal: AbortSignal): Changes {
  let resolveNext: () => void = () => undefined
  const notify = (): void => resolveNext()
  const stop = watchConsoleLog(logPath, notify)
  signal.addEventListener('abort', notify)
  return {
    next: async () => {
      if (signal.aborted) return
      await new Promise<void>((resolve) => (resolveNext = resolve))
    },
    [Symbol.dispose]() {
      signal.removeEventListener('abort', notify)
      stop()
    },
  }
}
