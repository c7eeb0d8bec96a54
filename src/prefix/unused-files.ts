/** Files of the prefix that belong to its VMs, and those that a change has made needless. */
import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { DiskBacking, EnvPlan, VmPlan } from '../plan/types.js'
import type { PrefixLayout } from './layout.js'

/** Deletes what `before` had below the prefix and `after` has not. To be called when `after` is written down. */
export async function removeUnused(layout: PrefixLayout, before: EnvPlan, after: EnvPlan): Promise<void> {
  const needed = filesOf(layout, after)
  for (const file of filesOf(layout, before))
    if (!needed.has(file) && isBelow(layout.dir, file)) await rm(file, { force: true })
  for (const name of await readdir(layout.images)) {
    const file = path.join(layout.images, name)
    if (isOverlay(name, after) && !needed.has(file)) await rm(file, { force: true })
  }
}

/** Named as only snapshots name images: one that no plan knows is what a killed run has left. */
function isOverlay(name: string, { vms }: EnvPlan): boolean {
  const [, stem] = /^(.*)\.\d+\.qcow2$/.exec(name) ?? []
  return [...vms.values()].some((vm) => vm.disks.some((disk) => stem === `${vm.spec.name}_${disk.spec.name}`))
}

/** The files of snapshots that no VM has: those that a run was taking when it was killed. */
export async function removeUnknownSnapshots(layout: PrefixLayout, plan: EnvPlan): Promise<void> {
  const known = filesOf(layout, plan)
  for (const vm of plan.vms.keys())
    for (const [dir, start] of [
      [layout.virt, `snapshot-${vm}.`],
      [layout.images, `${vm}.`],
    ] as const)
      for (const name of await readdir(dir)) {
        const file = path.join(dir, name)
        const isOfSnapshot = name.startsWith(start) && /\.(memory|xml|known_hosts|deployed)$/.test(name)
        if (isOfSnapshot && !known.has(file)) await rm(file, { force: true })
      }
}

function filesOf(layout: PrefixLayout, { vms }: EnvPlan): ReadonlySet<string> {
  return new Set([...vms.values()].flatMap((vm) => [...imagesOf(vm), ...snapshotFilesOf(layout, vm)]))
}

function imagesOf({ disks, snapshots }: VmPlan): readonly string[] {
  const frozen = [...snapshots.values()].flatMap((snapshot) => snapshot.disks)
  return [...disks, ...frozen].flatMap(chainOf)
}

function chainOf({ path, backing }: { readonly path: string; readonly backing?: DiskBacking | undefined }): string[] {
  return backing === undefined ? [path] : [path, ...chainOf(backing)]
}

function snapshotFilesOf(layout: PrefixLayout, vm: VmPlan): readonly string[] {
  return [...vm.snapshots.keys()].flatMap((name) => {
    const { memory, xml, knownHosts, deployed } = layout.snapshot(vm.spec.name, name)
    return [memory, xml, knownHosts, deployed]
  })
}

function isBelow(dir: string, file: string): boolean {
  return file.startsWith(`${dir}${path.sep}`)
}
