/** Which disks an export takes, and what their files are called there. Pure. */
import path from 'node:path'
import type { DiskPlan, VmPlan } from '../plan/types.js'
import { flagAt, type JsonObject } from './stored.js'

export interface DiskExport {
  readonly vm: string
  readonly disk: DiskPlan
  /** In the destination, before it is compressed. */
  readonly fileName: string
}

/** True for what the init file wants left out; `raw` is a VM or a disk as it was written there. */
export function isSkipped(raw: JsonObject): boolean {
  return flagAt({ file: '', path: '', values: raw }, 'skip-export', false)
}

/**
 * The disks of `vms` that are exported, in their order. A file that several VMs use in place is one file afterwards as
 * well; otherwise a name that is taken gives way to `<vm>_<disk>.<format>`.
 */
export function planDiskExports(vms: readonly VmPlan[]): readonly DiskExport[] {
  const owners = new Map<string, string>()
  const wanted = vms.flatMap((vm) =>
    vm.disks.filter(({ spec }) => !isSkipped(spec.raw)).map((disk) => ({ vm: vm.spec.name, disk })),
  )
  return wanted.map(({ vm, disk }) => {
    const own = `${vm}_${disk.spec.name}.${disk.spec.format}`
    const owner = isShared(disk) ? `file ${disk.path}` : `disk ${own}`
    const isFree = (name: string): boolean => (owners.get(name) ?? owner) === owner
    const fileName = [fileNameOf(disk) ?? own, own, `disk-${own}`].find(isFree)
    if (fileName === undefined) throw new Error(`unreachable: no file name for the disk ${own}`)
    owners.set(fileName, owner)
    return { vm, disk, fileName }
  })
}

function isShared({ spec }: DiskPlan): boolean {
  return spec.type === 'file' && !spec.copy
}

/** A file of the user's keeps its name, if that can stand in an init file and in a list of files. */
function fileNameOf(disk: DiskPlan): string | undefined {
  if (disk.spec.type !== 'file') return undefined
  const name = path.basename(lowestPath(disk))
  return /^[\p{L}\p{N}_][\p{L}\p{N} ._+@=-]*$/u.test(name) ? name : undefined
}

/** Without the layers that snapshots put over it. */
function lowestPath({ path: top, backing }: DiskPlan): string {
  let lowest = top
  for (let below = backing; below !== undefined; below = below.backing) lowest = below.path
  return lowest
}
