/** Files and directories from the host into a guest. */
import { randomBytes } from 'node:crypto'
import { createReadStream, type ReadStream } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { explainSystemError, isLagoError, LagoError, messageOf } from '../base/errors.js'
import { startProgram } from '../base/process.js'
import type { Task } from '../base/task.js'
import { asSsh, askGuest, copyFailed, guestPathOf, type GuestPlace } from './copy-ways.js'
import type { Guest } from './guest.js'
import { countBytes } from './progress.js'
import { canPutSparse, findSparseFiles, putSparse } from './put-sparse.js'
import { copyBySftp } from './sftp.js'

/** Both paths as a user types them for scp(1). */
export interface CopyRequest {
  readonly from: string
  readonly to: string
}

/**
 * Copies a file or a directory; into `to` if that is a directory, else under the name `to`. Directories are merged.
 *
 * Permissions, times, links and, where the guest has tools for it, holes are kept; in the guest everything is its user's. By
 * tar, else by sftp, else, files only, by `cat`. Nothing half-copied stands under the new name, unless the directory
 * was there before.
 * Throws `LAGO_FILE`, `LAGO_PERMISSION` for `from`, `LAGO_GUEST_NO_FILE` when the parent of `to` is missing,
 * `LAGO_NO_SPACE`, `LAGO_COPY_FAILED`, and what the connection throws.
 */
export async function copyToGuest(task: Task, guest: Guest, { from, to }: CopyRequest): Promise<void> {
  const source = await lookAt(from)
  const asked = guestPathOf(to)
  const place = await askGuest(task, guest, asked)
  const final = finalPath(guest, place, { asked, to, name: path.basename(path.resolve(from)) })
  const what = `copy ${from} to ${guest.vm}:${final}`
  const put = { source, final, what, beside: besides(final) }
  if (place.tar === 'gnu') return putByTar(task, guest, { ...put, isGnu: true, exclude: [] })
  if (place.tar === 'plain') return putByPlainTar(task, guest, put)
  const ssh = asSsh(guest)
  const copy = { verb: 'put', from: source.file, to: final, isDirectory: source.isDirectory } as const
  if (ssh !== undefined && (await copyBySftp(task, ssh, copy))) return
  if (source.isDirectory) throw copyFailed(what, 'the guest has neither tar nor an sftp server: files only')
  await putByCat(task, guest, { source, final, what })
}

interface Source {
  /** Absolute, no link. */
  readonly file: string
  readonly isDirectory: boolean
  readonly size: number
  readonly mode: number
}

async function lookAt(from: string): Promise<Source> {
  try {
    const file = await realpath(from)
    const { size, mode, ...entry } = await stat(file).then((stats) => ({
      size: stats.size,
      mode: stats.mode & 0o777,
      isDirectory: stats.isDirectory(),
      isFile: stats.isFile(),
    }))
    if (!entry.isFile && !entry.isDirectory)
      throw new LagoError('LAGO_FILE', `cannot copy ${from}: it is neither a file nor a directory`)
    return { file, size, mode, isDirectory: entry.isDirectory }
  } catch (error) {
    throw explainSystemError(error)
  }
}

interface Wanted {
  readonly asked: string
  readonly to: string
  readonly name: string
}

function finalPath(guest: Guest, { kind }: GuestPlace, { asked, to, name }: Wanted): string {
  if (kind === 'directory') return asked === '/' ? `/${name}` : `${asked}/${name}`
  if (kind === 'no-parent' || to.endsWith('/'))
    throw new LagoError('LAGO_GUEST_NO_FILE', `there is no directory ${parentOf(kind, asked)} in ${guest.vm}`, {
      hint: `lago shell ${guest.vm} mkdir -p ...`,
      data: { vm: guest.vm, path: asked },
    })
  return asked
}

function parentOf(kind: GuestPlace['kind'], asked: string): string {
  return kind === 'no-parent' ? path.posix.dirname(asked) : asked
}

interface Put {
  readonly source: Source
  readonly final: string
  readonly what: string
}

/** $1: where it shall be, $2: a name beside it, $3: the name of the file in the archive. */
const RECEIVE_DIRECTORY = `
if [ -d "$1" ]; then exec tar -xpf - -C "$1"; fi
if [ -e "$1" ] || [ -L "$1" ]; then echo "$1 is there and not a directory" >&2; exit 1; fi
{ [ -d "$2" ] || mkdir -m 700 "$2"; } && tar -xpf - -C "$2" && mv "$2" "$1" && exit 0
rm -rf "$2"
exit 1
`
const RECEIVE_FILE = `
if [ -d "$1" ]; then echo "$1 is a directory" >&2; exit 1; fi
mkdir -m 700 "$2" && tar -xpf - -C "$2" && mv -f "$2/$3" "$1" && rmdir "$2" && exit 0
rm -rf "$2"
exit 1
`

/** Each takes a command of its own in the guest, and room in an argument list of the host; more go with the zeros. */
const MOST_SPARSE_FILES = 500

/** What has holes goes apart, and first: a directory gets its mode and time when it is full. */
async function putByPlainTar(task: Task, guest: Guest, put: Put & { readonly beside: string }): Promise<void> {
  const { source, final, what, beside } = put
  const found = await findSparseFiles(task, source.file)
  const sparse = found.length > 0 && (await canPutSparse(task, guest)) ? found.slice(0, MOST_SPARSE_FILES) : []
  const [only] = sparse
  if (!source.isDirectory && only !== undefined) return putSparse(task, guest, only, final)
  const exclude = sparse.map(({ file }) => path.relative(source.file, file))
  try {
    if (sparse.length > 0) {
      const { kind } = await askGuest(task, guest, final)
      if (kind !== 'directory' && kind !== 'missing') throw copyFailed(what, `${final} is there and not a directory`)
      const root = kind === 'directory' ? final : beside
      for (const [index, file] of sparse.entries())
        await putSparse(task, guest, file, `${root}/${exclude[index] ?? ''}`)
    }
    await putByTar(task, guest, { ...put, isGnu: false, exclude })
  } catch (error) {
    if (sparse.length > 0) await removeFromGuest(task, guest, { what, file: beside })
    throw error
  }
}

async function removeFromGuest(
  task: Task,
  guest: Guest,
  { what, file }: { what: string; file: string },
): Promise<void> {
  await task
    .shielded(CLEAN_UP_MS, async (task) => guest.run(task, ['rm', '-rf', file]))
    .catch((failure: unknown) => task.log('debug', `${what}: what was sent stays: ${messageOf(failure)}`))
}

interface TarPut extends Put {
  /** A name beside `final`. */
  readonly beside: string
  /** Of the guest's tar. */
  readonly isGnu: boolean
  /** Below the source. */
  readonly exclude: readonly string[]
}

async function putByTar(
  task: Task,
  guest: Guest,
  { source, final, what, beside, isGnu, exclude }: TarPut,
): Promise<void> {
  const { file, isDirectory, size } = source
  const name = path.basename(file)
  const [dir, member] = isDirectory ? [file, '.'] : [path.dirname(file), `./${name}`]
  const script = isDirectory ? RECEIVE_DIRECTORY : RECEIVE_FILE
  const receiver = guest.start(task, ['sh', '-c', script, 'sh', final, beside, name])
  const holes = isGnu ? ['-S'] : []
  const apart = ['--anchored', '--no-wildcards', ...exclude.map((below) => `--exclude=./${below}`)]
  const owners = ['--owner=0', '--group=0', '--numeric-owner']
  const argv = ['-c', '-f', '-', '--format=gnu', ...holes, ...owners, ...apart, '-C', dir, '--', member]
  const sender = startProgram(['tar', ...argv], { package: 'tar' })
  let said = ''
  sender.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4096)))
  receiver.stdout.resume()
  const sent = pipeline(sender.stdout, countBytes(task, isDirectory ? undefined : size), receiver.stdin).catch(
    () => sender.end(), // the receiver says why it ended early
  )
  try {
    const { exitCode, stderr } = await receiver.ended
    await sent
    const sentCode = await sender.ended // first: without a tar on the host the guest was sent nothing
    if (exitCode !== 0) throw copyFailed(what, stderr)
    // tar(1): 1 is a file that changed while it was read
    if (sentCode > 1) throw copyFailed(what, said)
  } finally {
    sender.end()
  }
}

const RECEIVE_BY_CAT = `
if [ -d "$1" ]; then echo "$1 is a directory" >&2; exit 1; fi
cat >"$2"
`
const KEEP = 'chmod "$3" "$2" && mv -f "$2" "$1"'
const CLEAN_UP_MS = 10_000

/** `cat` cannot tell a file's end from ours, so that what it wrote gets its name only when all of it was sent. */
async function putByCat(task: Task, guest: Guest, { source, final, what }: Put): Promise<void> {
  const words = ['sh', final, besides(final), source.mode.toString(8)]
  try {
    await sendToCat(task, guest, { source, what, words })
    const { exitCode, stderr } = await guest.run(task, ['sh', '-c', KEEP, ...words])
    if (exitCode !== 0) throw copyFailed(what, stderr)
  } catch (error) {
    await task
      .shielded(CLEAN_UP_MS, async (task) => guest.run(task, ['sh', '-c', 'rm -f "$2"', ...words]))
      .catch((failure: unknown) => task.log('debug', `${what}: what was sent stays: ${messageOf(failure)}`))
    throw error
  }
}

async function sendToCat(
  task: Task,
  guest: Guest,
  { source, what, words }: Pick<Put, 'source' | 'what'> & { readonly words: readonly string[] },
): Promise<void> {
  const receiver = guest.start(task, ['sh', '-c', RECEIVE_BY_CAT, ...words])
  receiver.stdout.resume()
  const file = createReadStream(source.file)
  const sent = pipeline(file, countBytes(task, source.size), receiver.stdin)
  sent.catch(() => undefined) // the receiver says why it ended early
  const { exitCode, stderr } = await receiver.ended.catch((error: unknown) => {
    throw readError(what, file) ?? error
  })
  const unread = readError(what, file)
  if (unread !== undefined) throw unread
  if (exitCode !== 0) throw copyFailed(what, stderr)
  await sent
}

/** The system's, not what came of the other end's going away. */
function readError(what: string, { errored }: ReadStream): LagoError | undefined {
  if (errored === null || !('syscall' in errored)) return undefined
  const explained = explainSystemError(errored)
  return isLagoError(explained) ? explained : copyFailed(what, `cannot read it: ${errored.message}`)
}

function besides(final: string): string {
  return path.posix.join(path.posix.dirname(final), `.lago-${randomBytes(6).toString('hex')}`)
}
