/** Artifacts out of a VM's first disk, when nobody answers in the guest. */
import { about, LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import type { Ext4 } from '../disk/ext4/file-system.js'
import { expandPath, type FoundPath } from '../disk/ext4/paths.js'
import { packTree } from '../disk/ext4/tar.js'
import { openImage } from '../disk/open-image.js'
import { findRoot } from '../disk/root-file-system.js'
import { unpackFromGuest } from '../guest/unpack.js'
import type { DiskPlan, VmPlan } from '../plan/types.js'
import { collectByLibguestfs, type DiskSource } from './collect-libguestfs.js'
import { collectNames } from './collect-names.js'

export interface StoppedGuest {
  readonly vm: VmPlan
  /** Relative paths are below this one, as with ssh. */
  readonly homeDir: string
}

/**
 * As `collectLive`, with the same result. What we cannot read ourselves libguestfs reads, where it is installed.
 * Throws `LAGO_DISK_UNREADABLE`, `LAGO_COMMAND_MISSING`.
 */
export async function collectStopped(
  task: Task,
  { vm, homeDir }: StoppedGuest,
  patterns: readonly string[],
  targetDir: string,
): Promise<readonly string[]> {
  const disk = rootDisk(vm)
  const named = disk.metadata['root-partition']
  const source = { vm: vm.spec.name, disk, homeDir, wanted: typeof named === 'string' ? named : undefined }
  const missing = await collectExt4(task, source, patterns, targetDir)
  if (missing !== undefined) return missing
  task.log('info', `${vm.spec.name}: no ext2, ext3 or ext4 with an /etc on its first disk; libguestfs is to read it`)
  return about(
    `the first disk of ${vm.spec.name}, ${disk.path}`,
    collectByLibguestfs(task, source, patterns, targetDir),
  )
}

/** Undefined: the file system is none of those. */
async function collectExt4(
  task: Task,
  { vm, disk, homeDir, wanted }: DiskSource,
  patterns: readonly string[],
  targetDir: string,
): Promise<readonly string[] | undefined> {
  await using image = await openImage(task, { path: disk.path, format: disk.driver })
  const fs = await findRoot(task, image, wanted)
  if (fs === undefined) return undefined
  const expanded = await expandAll(task, fs, patterns, homeDir)
  const found = [...new Map(expanded.flat().map((one) => [one.path, one])).values()]
  const names = collectNames(found.map(({ path }) => path))
  const roots = found.map(({ path, inode }) => ({ name: names.get(path) ?? '', inode }))
  const what = `artifacts of ${vm}`
  await unpackFromGuest(task, packTree(task, fs, roots), targetDir, { what, keepPartial: true })
  return patterns.filter((_, index) => expanded[index]?.length === 0)
}

async function expandAll(
  task: Task,
  fs: Ext4,
  patterns: readonly string[],
  homeDir: string,
): Promise<(readonly FoundPath[])[]> {
  const expanded: (readonly FoundPath[])[] = []
  for (const pattern of patterns) {
    if (pattern.startsWith('/')) expanded.push(await expandPath(task, fs, pattern))
    else {
      const found = await expandPath(task, fs, `${homeDir}/${pattern}`)
      expanded.push(found.map(({ path, inode }) => ({ path: path.slice(homeDir.length + 1), inode })))
    }
  }
  return expanded
}

function rootDisk(vm: VmPlan): DiskPlan {
  const disk = vm.disks.find(({ device }) => device === 'disk')
  if (disk === undefined) throw new LagoError('LAGO_DISK_UNREADABLE', `${vm.spec.name} has no disk to read`)
  return disk
}
