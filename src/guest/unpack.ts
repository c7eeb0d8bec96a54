/**
 * Unpacks what a guest sends, and trusts none of it: whatever the stream says, nothing outside the target directory is
 * touched.
 *
 * Everything is made in a directory that is new and known to nobody else, and only below directories that this stream
 * has made in it, so no write can go through a link. Only a stream that was whole and in order reaches the target.
 */
import { randomBytes } from 'node:crypto'
import { chmod, link, lutimes, mkdir, open, rename, stat, symlink, unlink, utimes } from 'node:fs/promises'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { explainSystemError, LagoError, type ErrorCode } from '../base/errors.js'
import { writeSparse } from '../base/sparse-file.js'
import type { Task } from '../base/task.js'
import { readTar, TarFormatError, type TarEntry } from './tar-reader.js'
import { joinBytes, mergeTree, removeTree } from './tree.js'

export interface UnpackOptions {
  /** For messages: `/var/log of vm0`. */
  readonly what: string
  /**
   * Another place below the target for an entry, whose path comes without `./` in front; undefined leaves it out.
   * What it gives is checked like any name from the guest.
   */
  readonly rename?: (entryPath: string, type: TarEntry['type']) => string | undefined
  /** Awaited when the stream is whole, before anything reaches the target; what it throws prevents that. */
  readonly confirm?: () => Promise<void>
  /** What came before a failure reaches the target all the same, and devices are left out with a warning. */
  readonly keepPartial?: boolean
}

/**
 * Unpacks a tar stream into `targetDir`, which is made if it is missing; its parent must exist. Files that are there
 * are replaced, directories are merged; without `keepPartial` a failure leaves the target as it was.
 *
 * Kept: content, with zeros as holes; permissions less setuid, setgid and sticky; times; links that stay inside. A link
 * that leads out is left out with a warning, as are fifos and, with `keepPartial`, devices; owners are not kept.
 * Throws `LAGO_GUEST_HOSTILE` for entries outside of the target, below something that is no directory, for other devices
 * and for hard links to what was not sent; `LAGO_GUEST_STREAM` for what is no tar stream; `LAGO_NO_SPACE`, `LAGO_FILE`,
 * `LAGO_PERMISSION`.
 */
export async function unpackFromGuest(
  task: Task,
  stream: Readable,
  targetDir: string,
  options: UnpackOptions,
): Promise<void> {
  const stop = (): void => void stream.destroy()
  task.signal.addEventListener('abort', stop)
  // in the target: its parent may be another file system, or not ours to write
  const stageParent = (await isThere(targetDir)) ? targetDir : path.dirname(targetDir)
  const stageDir = path.join(stageParent, `.${path.basename(targetDir)}.${randomBytes(6).toString('hex')}`)
  try {
    task.signal.throwIfAborted()
    await mkdir(stageDir, { mode: 0o700 })
    const unpacking = new Unpacking(task, stageDir, options)
    try {
      for await (const entry of readTar(stream)) await unpacking.add(entry)
    } catch (error) {
      if (options.keepPartial === true) await settle(unpacking, stageDir, targetDir)
      throw error
    }
    await options.confirm?.()
    task.signal.throwIfAborted()
    await settle(unpacking, stageDir, targetDir)
  } catch (error) {
    task.signal.throwIfAborted()
    throw explain(error, options.what)
  } finally {
    task.signal.removeEventListener('abort', stop)
    stream.destroy()
    await removeTree(Buffer.from(stageDir))
  }
}

async function settle(unpacking: Unpacking, stageDir: string, targetDir: string): Promise<void> {
  const isNew = !(await isThere(targetDir))
  if (!isNew) await mergeTree(Buffer.from(stageDir), Buffer.from(targetDir))
  else {
    await chmod(stageDir, 0o777 & ~process.umask())
    await rename(stageDir, targetDir)
  }
  await unpacking.finishDirs(targetDir, { isNew })
}

async function isThere(targetDir: string): Promise<boolean> {
  return stat(targetDir).then(
    () => true,
    () => false,
  )
}

type Made = 'directory' | 'file' | 'link'

interface DirFacts {
  readonly mode: number
  readonly mtimeMs: number
}

/** Names are latin1, a character per byte; the root is the empty name. */
class Unpacking {
  readonly #task: Task
  readonly #root: Buffer
  readonly #options: UnpackOptions
  readonly #made = new Map<string, Made>([['', 'directory']])
  readonly #dirs = new Map<string, DirFacts>()
  #dropped = 0

  constructor(task: Task, stageDir: string, options: UnpackOptions) {
    this.#task = task
    this.#root = Buffer.from(stageDir)
    this.#options = options
  }

  async add(entry: TarEntry): Promise<void> {
    const name = this.#place(entry.name, entry)
    if (name === undefined) return
    if (entry.type === 'device' && this.#options.keepPartial === true) return this.#leaveOut(entry, `it ${IS_DEVICE}`)
    if (entry.type === 'device' || entry.type === 'unknown')
      throw this.#hostile(entry, entry.type === 'device' ? IS_DEVICE : 'is of no kind that we know')
    if (name === '' && entry.type !== 'directory') throw this.#hostile(entry, 'takes the place of the target itself')
    await this.#makeParents(name, entry)
    if ((entry.type === 'file' || entry.type === 'directory') && (entry.mode & 0o7000) !== 0) this.#dropped++
    switch (entry.type) {
      case 'directory':
        return this.#addDir(name, entry)
      case 'file':
        return this.#addFile(name, entry)
      case 'symlink':
        return this.#addLink(name, entry)
      case 'hardlink':
        return this.#addHardLink(name, entry)
      case 'fifo':
        return this.#leaveOut(entry, 'it is a fifo')
    }
  }

  /** Deepest first: what is done inside a directory changes its time. A root that was there before is not ours. */
  async finishDirs(targetDir: string, { isNew }: { isNew: boolean }): Promise<void> {
    const names = [...this.#dirs.keys()].sort().reverse()
    for (const name of names) {
      const facts = this.#dirs.get(name)
      if (facts === undefined || (name === '' && !isNew)) continue
      const dir = name === '' ? Buffer.from(targetDir) : joinBytes(Buffer.from(targetDir), bytesOf(name))
      await utimes(dir, facts.mtimeMs / 1000, facts.mtimeMs / 1000)
      await chmod(dir, facts.mode)
    }
    if (this.#dropped > 0)
      this.#task.log(
        'info',
        `${this.#options.what}: left out setuid, setgid and sticky bits, entries: ${this.#dropped}`,
      )
  }

  /** The name below the target, without `.` and empty parts. */
  #place(raw: string, entry: TarEntry): string | undefined {
    const name = this.#clean(raw, entry)
    if (this.#options.rename === undefined || name === '') return name
    const given = bytesOf(name).toString('utf8')
    const renamed = this.#options.rename(given, entry.type)
    if (renamed === undefined || renamed === given) return renamed === undefined ? undefined : name
    return this.#clean(Buffer.from(renamed).toString('latin1'), entry)
  }

  #clean(raw: string, entry: TarEntry): string {
    if (raw === '') throw this.#hostile(entry, 'has no name')
    if (raw.startsWith('/')) throw this.#hostile(entry, 'has an absolute path')
    const parts = raw.split('/').filter((part) => part !== '' && part !== '.')
    if (parts.includes('..')) throw this.#hostile(entry, 'leads out of the target by ".."')
    return parts.join('/')
  }

  async #makeParents(name: string, entry: TarEntry): Promise<void> {
    const parts = name.split('/').slice(0, -1)
    for (let count = 1; count <= parts.length; count++) {
      const parent = parts.slice(0, count).join('/')
      const there = this.#made.get(parent)
      if (there === 'directory') continue
      if (there !== undefined) throw this.#hostile(entry, `lies below a ${there}`)
      await this.#makeDir(parent)
    }
  }

  async #makeDir(name: string): Promise<void> {
    await mkdir(this.#pathOf(name), { mode: 0o755 })
    this.#made.set(name, 'directory')
  }

  async #addDir(name: string, entry: TarEntry): Promise<void> {
    const there = this.#made.get(name)
    if (there === undefined) await this.#makeDir(name)
    else if (there !== 'directory') throw this.#hostile(entry, `is a directory in the place of a ${there}`)
    this.#dirs.set(name, { mode: entry.mode & 0o777, mtimeMs: entry.mtimeMs })
  }

  async #addFile(name: string, entry: TarEntry): Promise<void> {
    await this.#clear(name, entry)
    const file = await open(this.#pathOf(name), 'wx', 0o600)
    this.#made.set(name, 'file')
    try {
      await writeSparse(file, entry.body())
      await file.utimes(entry.mtimeMs / 1000, entry.mtimeMs / 1000)
      await file.chmod(entry.mode & 0o777)
    } finally {
      await file.close()
    }
  }

  async #addLink(name: string, entry: TarEntry): Promise<void> {
    if (!staysInside(name, entry.linkName))
      return this.#leaveOut(entry, `it is a link to ${shown(entry.linkName)}, outside of what is copied`)
    await this.#clear(name, entry)
    await symlink(bytesOf(entry.linkName), this.#pathOf(name))
    await lutimes(this.#pathOf(name), entry.mtimeMs / 1000, entry.mtimeMs / 1000)
    this.#made.set(name, 'link')
  }

  async #addHardLink(name: string, entry: TarEntry): Promise<void> {
    const target = this.#place(entry.linkName, entry)
    if (target === name && this.#made.get(name) === 'file') return
    if (target === undefined || this.#made.get(target) !== 'file')
      throw this.#hostile(entry, `is a hard link to ${shown(entry.linkName)}, which was not sent`)
    await this.#clear(name, entry)
    await link(this.#pathOf(target), this.#pathOf(name))
    this.#made.set(name, 'file')
  }

  /** The same name may come twice; the later one counts. */
  async #clear(name: string, entry: TarEntry): Promise<void> {
    const there = this.#made.get(name)
    if (there === undefined) return
    if (there === 'directory') throw this.#hostile(entry, `is a ${entry.type} in the place of a directory`)
    await unlink(this.#pathOf(name))
    this.#made.delete(name)
  }

  #leaveOut(entry: TarEntry, why: string): void {
    this.#task.log('warning', `${this.#options.what}: left out ${shown(entry.name)}: ${why}`)
  }

  #pathOf(name: string): Buffer {
    return joinBytes(this.#root, bytesOf(name))
  }

  #hostile({ name }: TarEntry, why: string): LagoError {
    return hostileEntry(this.#options.what, shown(name), why)
  }
}

const IS_DEVICE = 'is a device node'

/** `entry` as `shown` gives it. */
export function hostileEntry(what: string, entry: string, why: string): LagoError {
  return new LagoError('LAGO_GUEST_HOSTILE', `${what}: refused, entry ${entry} ${why}`, {
    hint:
      why === IS_DEVICE
        ? 'copy directories without device nodes: not /dev, nor / with it'
        : 'the guest sends what no honest tar does: do not trust it',
    data: { entry },
  })
}

/**
 * Climbing comes first and ends inside, and then it only goes down: the directories above a link were all made here,
 * and any other link that it meets on the way down stays inside as well.
 */
function staysInside(name: string, target: string): boolean {
  if (target === '' || target.startsWith('/')) return false
  const parts = target.split('/').filter((part) => part !== '' && part !== '.')
  const climbs = parts.filter((part) => part === '..').length
  return climbs < name.split('/').length && parts.lastIndexOf('..') < climbs
}

function bytesOf(latin1: string): Buffer {
  return Buffer.from(latin1, 'latin1')
}

/** A name of the guest's choice, fit for a terminal. */
export function shown(latin1: string): string {
  const text = JSON.stringify(bytesOf(latin1.slice(0, 1000)).toString('utf8')).replace(/[\u007f-\u009f]/g, '?')
  return text.length > 200 ? `${text.slice(0, 200)}..."` : text
}

function explain(error: unknown, what: string): unknown {
  if (error instanceof TarFormatError) return failure('LAGO_GUEST_STREAM', what, error.message, error)
  const explained = explainSystemError(error)
  if (explained === error || !(explained instanceof LagoError)) return error
  const { code, message, hint, data } = explained
  return new LagoError(code, `${what}: ${message}`, { hint, data, cause: error })
}

function failure(code: ErrorCode, what: string, found: string, cause: unknown): LagoError {
  return new LagoError(code, `${what}: the guest sent no whole tar stream: ${found}`, {
    hint: 'the connection may have been lost on the way',
    cause,
  })
}
