/**
 * The file with what a VM's serial port has printed since the VM was started. Guests may print without end: virtlogd
 * renames a file that has grown to 2 MiB (`max_size` in virtlogd.conf) to `.0`, that to `.1` and so on, and drops the
 * oldest. A file that it begins itself can be read by root alone.
 */
import { watch, type FSWatcher } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError, LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'

/** Makes an empty log for its user alone; that of the start before is kept beside it as `.previous`. */
export async function beginConsoleLog(logPath: string): Promise<void> {
  await mkdir(path.dirname(logPath), { recursive: true })
  for (const name of await rotatedNames(logPath)) await rm(path.join(path.dirname(logPath), name))
  await rename(logPath, `${logPath}.previous`).catch(ignoreMissing)
  await (await open(logPath, 'wx', 0o600)).close()
}

/** For a VM that goes on where it was: what is there stays. */
export async function ensureConsoleLog(logPath: string): Promise<void> {
  await mkdir(path.dirname(logPath), { recursive: true })
  await (await open(logPath, 'a', 0o600)).close()
}

/** All that is there, from the oldest byte. Throws `LAGO_NO_CONSOLE_LOG`, `LAGO_PERMISSION`. */
export async function* readConsoleLog(logPath: string): AsyncGenerator<Uint8Array> {
  await using log = new LogReader(logPath)
  yield* log.unread()
}

/** The last bytes, at most `maxBytes`; empty without a log. */
export async function tailConsoleLog(logPath: string, maxBytes: number): Promise<Buffer> {
  let tail = Buffer.alloc(0)
  try {
    for await (const chunk of readConsoleLog(logPath)) tail = Buffer.concat([tail, chunk]).subarray(-maxBytes)
  } catch (error) {
    if (!(error instanceof LagoError) || error.code !== 'LAGO_NO_CONSOLE_LOG') throw error
  }
  return tail
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
  using changes = watchLog(logPath, task.signal)
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
/** Where the kernel has no more watches to give. */
const POLL_MS = 250

async function quiet(): Promise<true> {
  return new Promise((resolve) => setTimeout(() => resolve(true), QUIET_MS))
}

interface Changes extends Disposable {
  /** Resolves with the next change, or when the signal fires. */
  next(): Promise<void>
}

function watchLog(logPath: string, signal: AbortSignal): Changes {
  let resolveNext: () => void = () => undefined
  const notify = (): void => resolveNext()
  const stop = startWatch(logPath, notify)
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

function startWatch(logPath: string, notify: () => void): () => void {
  const poll = (): (() => void) => {
    const timer = setInterval(notify, POLL_MS)
    return () => clearInterval(timer)
  }
  let watcher: FSWatcher
  try {
    watcher = watch(path.dirname(logPath))
  } catch (error) {
    if (isSystemError(error, 'ENOSPC', 'EMFILE')) return poll()
    throw error
  }
  watcher.on('change', (_, name) => {
    if (String(name).startsWith(path.basename(logPath))) notify()
  })
  watcher.on('error', notify)
  return () => watcher.close()
}

/** Reads on from where it was, from file to file as they were renamed. */
class LogReader implements AsyncDisposable {
  readonly #logPath: string
  #file: FileHandle | undefined

  constructor(logPath: string) {
    this.#logPath = logPath
  }

  async *unread(): AsyncGenerator<Uint8Array> {
    if (this.#file === undefined) {
      const first = await openAfter(this.#logPath, undefined)
      if (first === undefined) throw noLog(this.#logPath)
      this.#file = first.file
    }
    for (;;) {
      yield* chunks(this.#file)
      const next = await openAfter(this.#logPath, this.#file)
      if (next === undefined) return
      yield* chunks(this.#file) // written before it was renamed
      await this.#file.close()
      this.#file = next.file
      if (next.missed) yield Buffer.from('\n[a part of the log is missing here: it was dropped before it was read]\n')
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close()
  }
}

const CHUNK_BYTES = 64 * 1024

/** From where the file was read last to its end as it is now. */
async function* chunks(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK_BYTES))
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}

/** The file that was begun after `current`; the oldest without `current`, or when that is not there any more. */
async function openAfter(
  logPath: string,
  current: FileHandle | undefined,
): Promise<{ file: FileHandle; missed: boolean } | undefined> {
  const own = current === undefined ? undefined : await current.stat()
  for (;;) {
    const files = await filesOldestFirst(logPath)
    const place = own === undefined ? -1 : files.findIndex((file) => isSame(file, own))
    const next = files[place + 1]
    if (next === undefined) return undefined
    const file = await openLog(next.path)
    if (file !== undefined && isSame(await file.stat(), next)) return { file, missed: own !== undefined && place < 0 }
    await file?.close() // renamed in between
  }
}

interface LogFile {
  readonly path: string
  readonly dev: number
  readonly ino: number
}

function isSame(one: Pick<LogFile, 'dev' | 'ino'>, other: Pick<LogFile, 'dev' | 'ino'>): boolean {
  return one.dev === other.dev && one.ino === other.ino
}

async function filesOldestFirst(logPath: string): Promise<LogFile[]> {
  const dir = path.dirname(logPath)
  const names = [...(await rotatedNames(logPath)), path.basename(logPath)]
  const files: LogFile[] = []
  for (const name of names) {
    const filePath = path.join(dir, name)
    const found = await stat(filePath).catch(ignoreMissing)
    // one that was renamed while the list was made stands in it under both names
    if (found !== undefined && !files.some((file) => isSame(file, found)))
      files.push({ path: filePath, dev: found.dev, ino: found.ino })
  }
  return files
}

/** `.2`, `.1`, `.0` */
async function rotatedNames(logPath: string): Promise<string[]> {
  const prefix = `${path.basename(logPath)}.`
  const numberOf = (name: string): number => Number(name.slice(prefix.length))
  const names = (await readdir(path.dirname(logPath)).catch(ignoreMissing)) ?? []
  return names
    .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    .sort((one, other) => numberOf(other) - numberOf(one))
}

async function openLog(filePath: string): Promise<FileHandle | undefined> {
  try {
    return await open(filePath, 'r')
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    if (!isSystemError(error, 'EACCES')) throw error
    throw new LagoError(
      'LAGO_PERMISSION',
      `${filePath} can be read by root alone: virtlogd began it when the log was full`,
      {
        hint: 'raise max_size in /etc/libvirt/virtlogd.conf',
        data: { path: filePath },
        cause: error,
      },
    )
  }
}

function noLog(logPath: string): LagoError {
  return new LagoError('LAGO_NO_CONSOLE_LOG', `there is no console log yet: ${logPath}`, {
    hint: 'it begins when the VM is started',
    data: { path: logPath },
  })
}

function ignoreMissing(error: unknown): undefined {
  if (!isSystemError(error, 'ENOENT')) throw error
}
