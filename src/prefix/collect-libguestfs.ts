/** Artifacts out of a disk with a file system that only Linux itself reads: xfs, btrfs, LVM and the like. */
import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { isLagoError, LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { expandMounted, packMounted } from '../disk/libguestfs/files.js'
import { mountRoot } from '../disk/libguestfs/root.js'
import { LIBGUESTFS_HINT, openGuestfish, type Guestfish } from '../disk/libguestfs/session.js'
import { unpackFromGuest } from '../guest/unpack.js'
import type { DiskPlan } from '../plan/types.js'
import { collectNames } from './collect-names.js'

export interface DiskSource {
  /** Name of the VM, for messages. */
  readonly vm: string
  readonly disk: DiskPlan
  /** Relative paths are below this one. */
  readonly homeDir: string
  /** The metadata's word for the root file system. */
  readonly wanted: string | undefined
}

/** As `collectLive`. Takes as long as a machine takes to boot. Throws `LAGO_DISK_UNREADABLE`. */
export async function collectByLibguestfs(
  task: Task,
  source: DiskSource,
  patterns: readonly string[],
  targetDir: string,
): Promise<readonly string[]> {
  // beside the target, for it takes a copy of each artifact in turn
  const workDir = await mkdtemp(path.join(path.dirname(targetDir), `.${path.basename(targetDir)}.guestfish-`))
  try {
    await using fish = await openGuestfish(task, workDir)
    const { path: file, driver } = source.disk
    await mountRoot(task, fish, { path: file, format: driver }, source.wanted)
    return await collectMounted(task, fish, { ...source, patterns, targetDir })
  } catch (error) {
    if (!isLagoError(error, 'LAGO_COMMAND_MISSING')) throw error
    throw new LagoError('LAGO_DISK_UNREADABLE', 'it has no ext2, ext3 or ext4 file system with an /etc', {
      hint: `other file systems are read by libguestfs: ${LIBGUESTFS_HINT}`,
      data: { vm: source.vm, path: source.disk.path },
      cause: error,
    })
  } finally {
    await rm(workDir, { recursive: true, force: true })
  }
}

interface Wish extends DiskSource {
  readonly patterns: readonly string[]
  readonly targetDir: string
}

async function collectMounted(task: Task, fish: Guestfish, wish: Wish): Promise<readonly string[]> {
  const { vm, homeDir, patterns, targetDir } = wish
  const found = new Map<string, string>() // as it was asked for: in the guest
  const missing: string[] = []
  for (const pattern of patterns) {
    const above = pattern.startsWith('/') ? '' : `${homeDir}/`
    const met = await expandMounted(task, fish, `${above}${pattern}`)
    for (const one of met) found.set(one.slice(above.length), one)
    if (met.length === 0) missing.push(pattern)
  }
  const names = collectNames([...found.keys()])
  for (const [asked, guestPath] of found) {
    const name = names.get(asked) ?? ''
    const what = `${asked} of ${vm}`
    const taking = packMounted(task, fish, guestPath, async (stream, kind) => {
      const rename = (member: string, type: string): string | undefined => {
        if (type === 'device') return undefined // as on an ext4 disk
        return kind === 'file' ? name : member
      }
      const into = kind === 'file' ? targetDir : path.join(targetDir, name)
      await unpackFromGuest(task, stream, into, { what, rename, keepPartial: true })
    })
    await taking.catch((error: unknown) => {
      if (!isLagoError(error, 'LAGO_DISK_UNREADABLE') || fish.hasEnded) throw error
      task.log('warning', `left out ${what}: ${error.message}`) // a damaged file is no reason to lose the others
    })
  }
  return missing
}
