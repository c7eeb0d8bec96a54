/** What `lago snapshot --list` tells (spec 5.9). */
import type { Task } from '../base/task.js'
import type { SnapshotPlan, VmPlan } from '../plan/types.js'
import { fromStoredPath } from './stored-paths.js'
import { encodeUpstreamDisks } from './stored-snapshot.js'
import type { JsonObject } from './stored.js'
import type { Host } from './host.js'
import { providerOf, type Prefix } from './prefix.js'

export interface SnapshotListing {
  /** Names of the VM's disks and where their content is. */
  readonly disks: readonly JsonObject[]
  readonly takenAt: Date | undefined
  readonly withMemory: boolean
  readonly diskUseBytes: number
}

/** By VM and snapshot, oldest first. */
export async function listSnapshots(
  task: Task,
  host: Host,
  prefix: Prefix,
): Promise<ReadonlyMap<string, ReadonlyMap<string, SnapshotListing>>> {
  const all = new Map<string, ReadonlyMap<string, SnapshotListing>>()
  for (const vm of prefix.plan.vms.values()) all.set(vm.spec.name, await listingOf(task, host, prefix, vm))
  return all
}

/**
 * In upstream's shape: every disk of a snapshot as its spec, and with the first what the whole snapshot takes. Brief:
 * what the whole snapshot takes alone.
 */
export function listingOutput(
  all: ReadonlyMap<string, ReadonlyMap<string, SnapshotListing>>,
  { brief }: { readonly brief: boolean },
): Readonly<Record<string, unknown>> {
  return mapValues(all, (snapshots) =>
    mapValues(snapshots, (snapshot) => {
      const { disks, takenAt, withMemory, diskUseBytes } = snapshot
      if (brief) return briefly(snapshot)
      const facts = { taken_at: takenAt?.toISOString(), memory: withMemory, disk_use_bytes: diskUseBytes }
      return disks.map((disk, index) => (index === 0 ? { ...disk, ...facts } : disk))
    }),
  )
}

function briefly({ takenAt, withMemory, diskUseBytes }: SnapshotListing): string {
  const kept = withMemory ? 'memory and disks' : 'disks'
  const when = takenAt === undefined ? 'at an unknown time' : takenAt.toISOString()
  return `${kept}, ${when}, ${(diskUseBytes / 1024 ** 2).toFixed(1)} MiB`
}

async function listingOf(
  task: Task,
  host: Host,
  prefix: Prefix,
  vm: VmPlan,
): Promise<ReadonlyMap<string, SnapshotListing>> {
  const sizes = (await providerOf(host, vm).snapshots?.sizes(task, vm)) ?? new Map<string, number>()
  return new Map(
    oldestFirst(vm).map(([name, snapshot]) => [
      name,
      {
        disks: encodeUpstreamDisks(vm, snapshot, prefix.dir).map((disk) => withRealPath(disk, prefix.dir)),
        takenAt: snapshot.takenAtMs === 0 ? undefined : new Date(snapshot.takenAtMs),
        withMemory: snapshot.memory !== undefined,
        diskUseBytes: sizes.get(name) ?? 0,
      },
    ]),
  )
}

function oldestFirst({ snapshots }: VmPlan): readonly (readonly [string, SnapshotPlan])[] {
  return [...snapshots].sort(([, one], [, other]) => one.takenAtMs - other.takenAtMs)
}

function withRealPath(disk: JsonObject, prefixDir: string): JsonObject {
  return { ...disk, path: fromStoredPath(String(disk['path']), prefixDir) }
}

function mapValues<T, R>(map: ReadonlyMap<string, T>, change: (value: T) => R): Readonly<Record<string, R>> {
  return Object.fromEntries([...map].map(([name, value]) => [name, change(value)]))
}
