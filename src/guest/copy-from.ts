/** Files and directories from a guest onto the host. */
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, open, rename, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { explainSystemError, LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { asSsh, askGuest, copyFailed, guestPathOf, type GuestPlace } from './copy-ways.js'
import type { CopyRequest } from './copy-to.js'
import type { Guest } from './guest.js'
import { countBytes } from './progress.js'
import { copyBySftp } from './sftp.js'
import { writeSparse } from './sparse-file.js'
import { mergeTree, removeTree } from './tree.js'
import { hostileEntry, unpackFromGuest } from './unpack.js'

/**
 * Copies a file or a directory; into `to` if that is a directory, else under the name `to`. Directories are merged.
 *
 * What is kept and what is refused: see `unpackFromGuest`. By tar, else by sftp, else, files only, by `cat`. Nothing
 * half-copied stands under the new name.
 * Throws `LAGO_GUEST_NO_FILE` when there is no `from`, `LAGO_FILE` when the parent of `to` is missing,
 * `LAGO_COPY_FAILED`, and what `unpackFromGuest` and the connection throw.
 */
export async function copyFromGuest(task: Task, guest: Guest, { from, to }: CopyRequest): Promise<void> {
  const source = guestPathOf(from)
  const name = await nameOf(task, guest, source)
  const final = await finalPath(to, name)
  const { tar, kind } = await askGuest(task, guest, source)
  if (kind !== 'directory' && kind !== 'file') throw noSource(guest, from, kind)
  const get = { source, final, what: `copy ${guest.vm}:${from}`, isDirectory: kind === 'directory' }
  if (tar !== 'none') return getByTar(task, guest, get)
  if (await getBySftp(task, guest, get)) return
  if (get.isDirectory) throw copyFailed(get.what, 'the guest has neither tar nor an sftp server: files only')
  await getByCat(task, guest, get)
}

/** Of `.` and `..` only the guest knows the name. */
async function nameOf(task: Task, guest: Guest, source: string): Promise<string> {
  const name = path.posix.basename(source)
  if (name !== '.' && name !== '..' && name !== '') return name
  const { stdout } = await guest.run(task, ['sh', '-c', 'cd -- "$1" && pwd', 'sh', source])
  const real = path.posix.basename(stdout.trimEnd())
  return real === '' || real === '.' || real === '..' ? 'root' : real
}

async function finalPath(to: string, name: string): Promise<string> {
  const target = path.resolve(to)
  if (await isDirectory(target)) return path.join(target, name)
  const parent = to.endsWith('/') ? target : path.dirname(target)
  if (await isDirectory(parent)) return target
  throw new LagoError('LAGO_FILE', `there is no directory ${parent}`, {
    hint: `mkdir -p ${parent}`,
    data: { path: parent },
  })
}

async function isDirectory(file: string): Promise<boolean> {
  return stat(file).then(
    (entry) => entry.isDirectory(),
    () => false,
  )
}

function noSource(guest: Guest, from: string, kind: GuestPlace['kind']): LagoError {
  const found = kind === 'other' ? 'it is neither a file nor a directory' : 'there is no such file or directory'
  return new LagoError('LAGO_GUEST_NO_FILE', `cannot copy ${from} from ${guest.vm}: ${found}`, {
    data: { vm: guest.vm, path: from },
  })
}

interface Get {
  readonly source: string
  readonly final: string
  readonly what: string
  readonly isDirectory: boolean
}

async function getByTar(task: Task, guest: Guest, { source, final, what, isDirectory }: Get): Promise<void> {
  const base = path.posix.basename(source)
  const words = isDirectory
    ? ['tar', '-C', source, '-cf', '-', '.']
    : ['tar', '-C', path.posix.dirname(source), '-chf', '-', `./${base}`]
  const { stdin, stdout, ended } = guest.start(task, words)
  stdin.end()
  const confirm = async (): Promise<void> => {
    const { exitCode, stderr } = await ended
    if (exitCode !== 0) throw copyFailed(what, stderr)
  }
  const only = onlyFile(what, { from: base, to: path.basename(final) })
  const options = isDirectory
    ? { what, confirm }
    : { what, rename: only.rename, confirm: async () => confirm().then(only.confirm) }
  const target = isDirectory ? final : path.dirname(final)
  await unpackFromGuest(task, counted(task, stdout), target, options).catch(async (error: unknown) => {
    if (error instanceof LagoError && error.code === 'LAGO_GUEST_STREAM') await confirm() // the cause, if it has one
    throw error
  })
}

/** Exactly one file, and no more, whatever the guest sends. */
function onlyFile(what: string, name: { from: string; to: string }): { rename: Rename; confirm: () => void } {
  let isThere = false
  return {
    rename(entryPath, type) {
      if (entryPath !== name.from || type !== 'file')
        throw hostileEntry(what, JSON.stringify(entryPath), 'is not the file that was asked for')
      isThere = true
      return name.to
    },
    confirm() {
      if (!isThere) throw hostileEntry(what, JSON.stringify(name.from), 'was not sent')
    },
  }
}

type Rename = (entryPath: string, type: string) => string

async function getBySftp(task: Task, guest: Guest, { source, final, isDirectory }: Get): Promise<boolean> {
  const ssh = asSsh(guest)
  if (ssh === undefined) return false
  return beside(final, async (stageDir) => {
    const copy = { verb: 'get', from: source, to: path.join(stageDir, path.basename(final)), isDirectory } as const
    if (!(await copyBySftp(task, ssh, copy))) return false
    await mergeTree(Buffer.from(stageDir), Buffer.from(path.dirname(final)))
    return true
  })
}

async function getByCat(task: Task, guest: Guest, { source, final, what }: Get): Promise<void> {
  await beside(final, async (stageDir) => {
    const { stdin, stdout, ended } = guest.start(task, ['cat', source])
    stdin.end()
    const temporaryPath = path.join(stageDir, 'file')
    const file = await open(temporaryPath, 'wx')
    try {
      await writeSparse(file, counted(task, stdout) as AsyncIterable<Buffer>) // bytes, as they come
    } catch (error) {
      await ended // the cause, if it has one
      throw explainSystemError(error)
    } finally {
      await file.close()
    }
    const { exitCode, stderr } = await ended
    if (exitCode !== 0) throw copyFailed(what, stderr)
    await rename(temporaryPath, final)
  })
}

function counted(task: Task, stdout: Readable): Readable {
  const counter = countBytes(task)
  stdout.on('close', () => {
    if (!stdout.readableEnded) counter.destroy()
  })
  counter.on('close', () => stdout.destroy())
  return stdout.pipe(counter)
}

/** A directory of our own beside `final`, gone afterwards. */
async function beside<T>(final: string, work: (stageDir: string) => Promise<T>): Promise<T> {
  const stageDir = path.join(path.dirname(final), `.${path.basename(final)}.${randomBytes(6).toString('hex')}`)
  await mkdir(stageDir, { mode: 0o700 })
  try {
    return await work(stageDir)
  } finally {
    await chmod(stageDir, 0o700).catch(() => undefined) // merged away
    await removeTree(Buffer.from(stageDir))
  }
}
