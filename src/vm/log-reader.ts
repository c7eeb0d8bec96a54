/** Reads a VM's console log through the files that virtlogd makes of it: `.1`, `.0`, then the log itself. */
import { open, readdir, stat, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError, LagoError } from '../base/errors.js'

export interface LogReaderOptions {
  /** Of what is there when it is read first; default: all. */
  readonly lastBytes?: number
  /** The log has been begun anew: what is read from now on is of another start. */
  readonly onBegun?: () => void
}

/** Reads on from where it was, from file to file as they were renamed. */
export class LogReader implements AsyncDisposable {
  readonly #logPath: string
  readonly #lastBytes: number
  readonly #onBegun: () => void
  #current: OpenLog | undefined

  constructor(logPath: string, { lastBytes = Infinity, onBegun = () => undefined }: LogReaderOptions = {}) {
    this.#logPath = logPath
    this.#lastBytes = lastBytes
    this.#onBegun = onBegun
  }

  /** There was a log when it was last read. */
  get isThere(): boolean {
    return this.#current !== undefined
  }

  /** Of what was dropped before it could be read, a line tells. Throws `LAGO_NO_CONSOLE_LOG`, `LAGO_PERMISSION`. */
  async *unread(): AsyncGenerator<Uint8Array> {
    this.#current ??= await openFirst(this.#logPath, this.#lastBytes)
    for (;;) {
      yield* this.#rest(this.#current)
      const next: NextLog | Unreadable | undefined = await openAfter(this.#logPath, this.#current.file).catch(
        (error: unknown) => ({ error }),
      )
      if (next === undefined) return
      yield* this.#rest(this.#current) // written before it was renamed
      if ('error' in next) throw next.error
      await this.#current.file.close()
      this.#current = { file: next.file, offset: 0 }
      if (next.how === 'begun') this.#onBegun()
      if (next.how === 'missed') yield MISSING
    }
  }

  async *#rest(log: OpenLog): AsyncGenerator<Uint8Array> {
    if ((await log.file.stat()).size < log.offset) {
      log.offset = 0
      this.#onBegun()
    }
    for (;;) {
      const { bytesRead, buffer } = await log.file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, log.offset)
      if (bytesRead === 0) return
      log.offset += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#current?.file.close()
  }
}

const CHUNK_BYTES = 64 * 1024
const MISSING = Buffer.from('\n[a part of the log is missing here: it was dropped before it was read]\n')

interface OpenLog {
  readonly file: FileHandle
  offset: number
}

/** Where the last bytes begin. */
async function openFirst(logPath: string, lastBytes: number): Promise<OpenLog> {
  for (;;) {
    const files = await filesOldestFirst(logPath)
    if (files.length === 0) throw noLog(logPath)
    let skip = Math.max(0, files.reduce((sum, { size }) => sum + size, 0) - lastBytes)
    const first = files.find(({ size }, index) => {
      if (skip < size || index === files.length - 1) return true
      skip -= size
      return false
    })
    const file = first === undefined ? undefined : await openLog(first.path)
    if (first !== undefined && file !== undefined && isSame(await file.stat(), first)) return { file, offset: skip }
    await file?.close() // renamed in between
  }
}

interface Unreadable {
  readonly error: unknown
}

interface NextLog {
  readonly file: FileHandle
  readonly how: 'renamed' | 'begun' | 'missed'
}

/** The file that was begun after `current`; the oldest when that is not there any more. */
async function openAfter(logPath: string, current: FileHandle): Promise<NextLog | undefined> {
  const own = await current.stat()
  for (;;) {
    const files = await filesOldestFirst(logPath)
    const place = files.findIndex((file) => isSame(file, own))
    const next = files[place + 1]
    if (next === undefined) return undefined
    const file = await openLog(next.path)
    if (file !== undefined && isSame(await file.stat(), next)) {
      if (place >= 0) return { file, how: 'renamed' }
      return { file, how: (await isOfStartBefore(logPath, own)) ? 'begun' : 'missed' }
    }
    await file?.close() // renamed in between
  }
}

/** Where the log of the start before is kept. */
export function previousLog(logPath: string): string {
  return `${logPath}.previous`
}

async function isOfStartBefore(logPath: string, own: Identity): Promise<boolean> {
  const previous = await stat(previousLog(logPath)).catch(ignoreMissing)
  return previous !== undefined && isSame(previous, own)
}

interface Identity {
  readonly dev: number
  readonly ino: number
}

interface LogFile extends Identity {
  readonly path: string
  readonly size: number
}

function isSame(one: Identity, other: Identity): boolean {
  return one.dev === other.dev && one.ino === other.ino
}

async function filesOldestFirst(logPath: string): Promise<LogFile[]> {
  const names = [...(await rotatedNames(logPath)), path.basename(logPath)]
  const files: LogFile[] = []
  for (const name of names) {
    const filePath = path.join(path.dirname(logPath), name)
    const found = await stat(filePath).catch(ignoreMissing)
    // one that was renamed while the list was made stands in it under both names
    if (found !== undefined && !files.some((file) => isSame(file, found)))
      files.push({ path: filePath, dev: found.dev, ino: found.ino, size: found.size })
  }
  return files
}

/** `.2`, `.1`, `.0` */
export async function rotatedNames(logPath: string): Promise<string[]> {
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
