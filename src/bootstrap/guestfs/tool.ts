/**
 * virt-sysprep and virt-customize: each boots a small machine that changes an image with Linux's own file systems, in
 * half a minute under emulation. Knows nothing of what is to be changed.
 */
import { endWithParent, SETPRIV_NOT_FOUND } from '../../base/end-with-us.js'
import { isLagoError, LagoError } from '../../base/errors.js'
import { lastLines } from '../../base/plain-text.js'
import { runCommand } from '../../base/process.js'
import type { Task } from '../../base/task.js'
import type { RootDisk } from '../types.js'
import type { WorkDir } from './work-dir.js'

export type GuestfsTool = 'virt-sysprep' | 'virt-customize'

export interface GuestfsOptions {
  /** For messages. */
  readonly vm: string
  /** False: the machine is emulated from the start; one with a KVM that does not work would hang or fail. */
  readonly kvmWorks: boolean
}

export interface GuestfsRequest extends GuestfsOptions {
  readonly words: readonly string[]
  /** For libguestfs's own files, too, which it leaves when it is ended. */
  readonly dir: WorkDir
}

/**
 * Runs the program on a disk that nobody has open. An abort, or a failure, may leave the disk half changed.
 *
 * Throws `LAGO_COMMAND_MISSING` without the program, `LAGO_BOOTSTRAP` with what it said last, `LAGO_NO_SPACE`.
 */
export async function runGuestfsTool(
  task: Task,
  tool: GuestfsTool,
  disk: Pick<RootDisk, 'path' | 'format'>,
  { words, dir, vm, kvmWorks }: GuestfsRequest,
): Promise<void> {
  const guard = await endWithParent(task)
  // the format is told: a guest may have written another one's header to the start of a raw disk
  const argv = [...guard, tool, '--format', disk.format, '-a', disk.path, ...words] as [string, ...string[]] // a tool
  const env = {
    LIBGUESTFS_BACKEND: 'direct',
    LIBGUESTFS_TMPDIR: dir.path,
    ...(kvmWorks ? {} : { LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg' }),
  }
  try {
    await runCommand(task, argv, { env, package: PACKAGE })
  } catch (error) {
    if (!isLagoError(error, 'LAGO_COMMAND_FAILED')) throw error
    const { exitCode, stderr } = error.data
    if (guard.length > 0 && exitCode === SETPRIV_NOT_FOUND) throw missing(tool)
    const said = lastWords(tool, String(stderr))
    throw new LagoError('LAGO_BOOTSTRAP', `${tool} could not prepare ${disk.path} of ${vm}: ${said}`, {
      hint: 'libguestfs-test-tool tells whether libguestfs itself works on this host',
      data: { vm, path: disk.path, tool, exitCode, said },
    })
  }
}

const PACKAGE = 'guestfs-tools (of Debian 12, of Fedora; earlier ones: libguestfs-tools)'

function missing(tool: string): LagoError {
  return new LagoError('LAGO_COMMAND_MISSING', `the program "${tool}" is not on this host`, {
    hint: `install the package ${PACKAGE}`,
    data: { program: tool },
  })
}

/** Its complaint; lines about bug reports follow. */
function lastWords(tool: string, stderr: string): string {
  const lines = lastLines(stderr, 5)
  const complaint = lines.findLast((line) => line.startsWith(`${tool}: `))
  return complaint?.slice(tool.length + 2).replace(/^error: /, '') ?? lines.join('; ')
}
