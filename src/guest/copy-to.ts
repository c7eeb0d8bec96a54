/** Files and directories from the host into a guest. */
import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { explainSystemError, LagoError } from '../base/errors.js'
import { startProgram } from '../base/process.js'
import type { Task } from '../base/task.js'
import { asSsh, askGuest, copyFailed, guestPathOf, type GuestPlace } from './copy-ways.js'
import type { Guest } from './guest.js'
import { countBytes } from './progress.js'
import { copyBySftp } from './sftp.js'

/** Both paths as a user types them for scp(1). */
export interface CopyRequest {
  readonly from: string
  readonly to: string
}

/**
 * Copies a file or a directory; into `to` if that is a directory, else under the name `to`. Directories are merged.
 *
 * Permissions, times, links and, where the guest has GNU tar, holes are kept; in the guest everything is its user's. By
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
  if (place.tar !== 'none') return putByTar(task, guest, { source, final, what, tar: place.tar })
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
mkdir -m 700 "$2" && tar -xpf - -C "$2" && mv "$2" "$1" && exit 0
rm -rf "$2"
exit 1
`
const RECEIVE_FILE = `
if [ -d "$1" ]; then echo "$1 is a directory" >&2; exit 1; fi
mkdir -m 700 "$2" && tar -xpf - -C "$2" && mv -f "$2/$3" "$1" && rmdir "$2" && exit 0
rm -rf "$2"
exit 1
`

async function putByTar(
  task: Task,
  guest: Guest,
  { source, final, what, tar }: Put & { readonly tar: 'gnu' | 'plain' },
): Promise<void> {
  const { file, isDirectory, size } = source
  const name = path.basename(file)
  const [dir, member] = isDirectory ? [file, '.'] : [path.dirname(file), `./${name}`]
  const script = isDirectory ? RECEIVE_DIRECTORY : RECEIVE_FILE
  const receiver = guest.start(task, ['sh', '-c', script, 'sh', final, besides(final), name])
  const holes = tar === 'gnu' ? ['-S'] : []
  const owners = ['--owner=0', '--group=0', '--numeric-owner']
  const argv = ['-c', '-f', '-', '--format=gnu', ...holes, ...owners, '-C', dir, '--', member]
  const sender = startProgram(['tar', ...argv], { package: 'tar' })
  let said = ''
  sender.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4096)))
  receiver.stdout.resume()
  const sent = pipeline(sender.stdout, countBytes(task, isDirectory ? undefined : size), receiver.stdin).catch(
    () => sender.end(), // the receiver says why it ended early
  )
  try {
    const { exitCode, stderr } = await receiver.ended
    if (exitCode !== 0) throw copyFailed(what, stderr)
    await sent
    // tar(1): 1 is a file that changed while it was read
    if ((await sender.ended) > 1) throw copyFailed(what, said)
  } finally {
    sender.end()
  }
}

const RECEIVE_BY_CAT = `
if [ -d "$1" ]; then echo "$1 is a directory" >&2; exit 1; fi
cat >"$2" && chmod "$3" "$2" && mv -f "$2" "$1" && exit 0
rm -f "$2"
exit 1
`

async function putByCat(task: Task, guest: Guest, { source, final, what }: Put): Promise<void> {
  const mode = source.mode.toString(8)
  const receiver = guest.start(task, ['sh', '-c', RECEIVE_BY_CAT, 'sh', final, besides(final), mode])
  receiver.stdout.resume()
  const sent = pipeline(createReadStream(source.file), countBytes(task, source.size), receiver.stdin)
  sent.catch(() => undefined) // the receiver says why it ended early
  const { exitCode, stderr } = await receiver.ended
  if (exitCode !== 0) throw copyFailed(what, stderr)
  await sent
}

function besides(final: string): string {
  return path.posix.join(path.posix.dirname(final), `.lago-${randomBytes(6).toString('hex')}`)
}
