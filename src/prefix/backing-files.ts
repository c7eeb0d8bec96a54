/**
 * The files outside of a prefix that its disks are laid over, as they were when the disks were made. An overlay over a
 * file that has changed since shows a mixture of two disks, which a guest meets as a damaged file system.
 */
import { stat } from 'node:fs/promises'
import { isSystemError, LagoError } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import type { DiskBacking, DiskPlan, VmPlan } from '../plan/types.js'

/** The disk with size and time of change of what it is laid over. */
export async function fingerprinted(disk: DiskPlan): Promise<DiskPlan> {
  if (disk.backing === undefined) return disk
  return { ...disk, backing: await withFingerprint(disk.backing) }
}

async function withFingerprint(backing: DiskBacking): Promise<DiskBacking> {
  const { size, mtimeMs } = await stat(backing.path)
  return { ...backing, sizeBytes: size, changedAtMs: Math.floor(mtimeMs) }
}

/**
 * Every file below the disks of `vms` is there, and those that are known are as they were.
 * Throws `LAGO_DISK_BACKING`, or `LAGO_PARTIAL` with several.
 */
export async function requireBackingFiles(task: Task, vms: readonly VmPlan[]): Promise<void> {
  const all = vms.flatMap((vm) => vm.disks.map((disk) => ({ name: `${vm.spec.name}:${disk.spec.name}`, disk })))
  await fanOut(task, all, async ({ name, disk }) => {
    for (let below = disk.backing; below !== undefined; below = below.backing) await requireFile(name, below)
  })
}

async function requireFile(disk: string, { path, sizeBytes, changedAtMs }: DiskBacking): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR'))
      throw backingError(
        disk,
        path,
        'is not there any more',
        'put it back; templates: lago template fetch NAME:VERSION',
        error,
      )
    throw error
  })
  if (sizeBytes === undefined || changedAtMs === undefined) return
  if (found.size === sizeBytes && Math.floor(found.mtimeMs) === changedAtMs) return
  const was = `${sizeBytes} bytes of ${new Date(changedAtMs).toISOString()}`
  const is = `${found.size} bytes of ${found.mtime.toISOString()}`
  const hint =
    found.size === sizeBytes
      ? `if its content is the same (templates: lago template verify): touch -d @${changedAtMs / 1000} ${path}`
      : 'put the file of that time back, or make the environment anew: lago destroy, lago init'
  throw backingError(disk, path, `has changed since the disk was made: it was ${was}, now it is ${is}`, hint)
}

function backingError(disk: string, path: string, what: string, hint: string, cause?: unknown): LagoError {
  return new LagoError('LAGO_DISK_BACKING', `disk ${disk} is laid over ${path}, which ${what}`, {
    hint,
    data: { disk, path },
    cause,
  })
}
