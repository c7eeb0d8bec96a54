/** Files and directories from a guest onto the host. */
import { chmod, mkdir, open, readlink, rename, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { explainSystemError, LagoError } from '../base/errors.js'
import { lastLines } from '../base/plain-text.js'
import { writeSparse } from '../base/sparse-file.js'
import type { Task } from '../base/task.js'
import { asSsh, askGuest, copyFailed, guestPathOf, type GuestPlace } from './copy-ways.js'
import type { CopyRequest } from './copy-to.js'
import type { Guest } from './guest.js'
import { countBytes } from './progress.js'
import { copyBySftp } from './sftp.js'
import { inTheWay, lstatIfThere, mergeTree, removeTree, temporaryName } from './tree.js'
import { hostileEntry, shown, unpackFromGuest } from './unpack.js'

/**
 * Copies a file or a directory; into `to` if that is a directory, else under the name `to`. Directories are merged.
 *
 * What is kept and what is refused: see `unpackFromGuest`. By tar, else by sftp, else, files only, by `cat`; so are files
 * that tell no size, as those of /proc. Nothing half-copied stands under the new name.
 * Throws `LAGO_GUEST_NO_FILE` when there is no `from`, `LAGO_FILE` when the parent of `to` is missing or
 * something else stands in its place, * `LAGO_COPY_FAILED`, and what `unpackFromGuest` and the connection throw.
 */
export async function copyFromGuest(task: Task, guest: Guest, { from, to }: CopyRequest): Promise<void> {
  const source = guestPathOf(from)
  const name = await nameOf(task, guest, source)
  const final = await finalPath(to, name)
  const { tar, kind } = await askGuest(task, guest, source)
  if (kind !== 'directory' && kind !== 'file') throw noSource(guest, from, kind)
  await refuseInTheWay(final, { isDirectory: kind === 'directory' })
  const get = { source, final, what: `copy ${guest.vm}:${from}`, isDirectory: kind === 'directory' }
  if (isKernels(source) && get.isDirectory)
    task.log('warning', `${get.what}: what the kernel makes up may come empty: copy the files that you need one by one`)
  if (isKernels(source) && !get.isDirectory) return getByCat(task, guest, get)
  if (tar !== 'none') {
    await getByTar(task, guest, { ...get, isGnu: tar === 'gnu' })
    if (!get.isDirectory && (await stat(final)).size === 0) await getByCat(task, guest, get, { unlessEmpty: true })
    return
  }
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

/** Before anything is sent: whatever has that name stays what it is. */
async function refuseInTheWay(final: string, { isDirectory }: { isDirectory: boolean }): Promise<void> {
  const there = await lstatIfThere(final).catch((error: unknown) => {
    throw explainSystemError(error)
  })
  if (there === undefined) return
  const isSpecial = there.isSymbolicLink() ? await leadsToSpecial(final) : !there.isFile() && !there.isDirectory()
  if (isSpecial)
    throw new LagoError('LAGO_FILE', `cannot write ${final}: it is neither a file nor a directory`, {
      hint: 'copy to a file, and read that',
      data: { path: final },
    })
  // a link to a directory stays, a link to anything else is replaced by a file
  const isDirectoryThere = there.isSymbolicLink()
    ? isDirectory &&
      (await stat(final).then(
        (s) => s.isDirectory(),
        () => false,
      ))
    : there.isDirectory()
  if (isDirectoryThere !== isDirectory) throw inTheWay(final, { isDirectory: isDirectoryThere })
}

/** As /dev/stdout does, even where that is a file at the moment. */
async function leadsToSpecial(link: string): Promise<boolean> {
  if ((await readlink(link)).startsWith('/proc/')) return true
  return stat(link).then(
    (target) => !target.isFile() && !target.isDirectory(),
    () => false, // it leads nowhere
  )
}

/** Files whose size is told only by reading them. */
function isKernels(source: string): boolean {
  return /^\/+(proc|sys)(\/|$)/.test(source)
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

interface TarGet extends Get {
  /** The guest's tar. */
  readonly isGnu: boolean
}

async function getByTar(task: Task, guest: Guest, { source, final, what, isDirectory, isGnu }: TarGet): Promise<void> {
  const base = path.posix.basename(source)
  const words = isDirectory
    ? ['tar', '-C', source, '-cf', '-', '.']
    : ['tar', '-C', path.posix.dirname(source), '-chf', '-', `./${base}`]
  const { stdin, stdout, ended } = guest.start(task, words)
  stdin.end()
  const confirm = async (): Promise<void> => {
    const { exitCode, stderr } = await ended
    // tar(1): 1 is a file that changed while it was read; that of others is any error
    if (exitCode === 1 && isGnu) task.log('warning', `${what}: ${lastLines(stderr, 1).join('')}`)
    else if (exitCode !== 0) throw copyFailed(what, stderr)
  }
  const only = onlyFile(what, { from: base, to: path.basename(final) })
  const options = isDirectory
    ? { what, confirm }
    : { what, rename: only.rename, confirm: async () => confirm().then(only.confirm) }
  const target = isDirectory ? final : path.dirname(final)
  await unpackFromGuest(task, counted(task, stdout), target, options).catch(async (error: unknown) => {
    if (!(error instanceof LagoError) || error.code !== 'LAGO_GUEST_STREAM') throw error
    const { exitCode, stderr } = await ended
    throw exitCode === 0 ? error : copyFailed(what, stderr) // the cause
  })
}

/** Exactly one file, and no more, whatever the guest sends. */
function onlyFile(what: string, name: { from: string; to: string }): { rename: Rename; confirm: () => void } {
  let isThere = false
  return {
    rename(entryPath, type) {
      if (entryPath !== name.from || type !== 'file')
        throw hostileEntry(what, shown(Buffer.from(entryPath).toString('latin1')), 'is not the file that was asked for')
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

/** With `unlessEmpty`, a file that proves to be empty is not written. */
async function getByCat(
  task: Task,
  guest: Guest,
  { source, final, what }: Get,
  { unlessEmpty = false } = {},
): Promise<void> {
  await beside(final, async (stageDir) => {
    const { stdin, stdout, ended } = guest.start(task, ['cat', source])
    stdin.end()
    const temporaryPath = path.join(stageDir, 'file')
    const file = await open(temporaryPath, 'wx', 0o644)
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
    if (unlessEmpty && (await stat(temporaryPath)).size === 0) return
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
  const stageDir = path.join(path.dirname(final), temporaryName().toString())
  await mkdir(stageDir, { mode: 0o700 }).catch((error: unknown) => {
    throw explainSystemError(error)
  })
  try {
    return await work(stageDir)
  } finally {
    await chmod(stageDir, 0o700).catch(() => undefined) // merged away
    await removeTree(Buffer.from(stageDir))
  }
}
