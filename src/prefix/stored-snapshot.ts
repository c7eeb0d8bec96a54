/** Snapshots as their entries in the VM's file: upstream's list of disks (spec 5.9), and beside it what ours have more. */
import type { SnapshotDisk, SnapshotMemory, SnapshotPlan, VmPlan } from '../plan/types.js'
import { backingAt, encodeBacking, encodeDisk } from './stored-disk.js'
import { fromStoredPath, toStoredPath } from './stored-paths.js'
import { choiceAt, has, mappingAt, mappingsAt, optionalTextAt, textAt, wholeNumberAt } from './stored.js'
import type { JsonObject, Stored } from './stored.js'

const RECORDS = 'lago-snapshots'

export function encodeSnapshots(vm: VmPlan, prefixDir: string): JsonObject {
  const entries = [...vm.snapshots]
  return {
    snapshots: Object.fromEntries(
      entries.map(([name, snapshot]) => [name, encodeUpstreamDisks(vm, snapshot, prefixDir)]),
    ),
    [RECORDS]: Object.fromEntries(entries.map(([name, snapshot]) => [name, encodeSnapshot(snapshot, prefixDir)])),
  }
}

/** A snapshot without a record of ours is upstream's: the disks alone, frozen. */
export function snapshotsAt(stored: Stored, prefixDir: string): ReadonlyMap<string, SnapshotPlan> {
  const records = mappingAt(stored, RECORDS)
  const lists = mappingAt(stored, 'snapshots')
  const read = (name: string): SnapshotPlan =>
    has(records, name) ? snapshotAt(mappingAt(records, name), prefixDir) : upstreamSnapshotAt(lists, name, prefixDir)
  const snapshots = Object.keys(lists.values).map((name) => [name, read(name)] as const)
  return new Map(snapshots.sort(([, first], [, second]) => first.takenAtMs - second.takenAtMs))
}

/** The disks of a snapshot as specs whose `path` is where their content is. */
export function encodeUpstreamDisks(vm: VmPlan, snapshot: SnapshotPlan, prefixDir: string): readonly JsonObject[] {
  return vm.disks.map((disk, index) => {
    const { path, driver } = { path: disk.path, driver: disk.driver, ...imageOf(snapshot, index) }
    return encodeDisk({ ...disk, path, driver, backing: undefined }, prefixDir)
  })
}

function imageOf({ disks }: SnapshotPlan, index: number): { path: string; driver: 'qcow2' | 'raw' } | undefined {
  const image = disks.find((disk) => disk.index === index)
  return image && { path: image.path, driver: image.format }
}

function encodeSnapshot({ takenAtMs, form, disks, memory }: SnapshotPlan, prefixDir: string): JsonObject {
  return {
    taken_at_ms: takenAtMs,
    form,
    disks: disks.map(({ index, ...image }) => ({ index, ...encodeBacking(image, prefixDir) })),
    memory: memory === undefined ? null : encodeMemory(memory, prefixDir),
  }
}

function encodeMemory({ domainXmlPath, filePath }: SnapshotMemory, prefixDir: string): JsonObject {
  return {
    domain_xml: toStoredPath(domainXmlPath, prefixDir),
    file: filePath === undefined ? null : toStoredPath(filePath, prefixDir),
  }
}

function snapshotAt(record: Stored, prefixDir: string): SnapshotPlan {
  return {
    takenAtMs: wholeNumberAt(record, 'taken_at_ms'),
    form: choiceAt<'internal' | 'external'>(record, 'form', ['internal', 'external']),
    disks: mappingsAt(record, 'disks').map((disk) => snapshotDiskAt(disk, wholeNumberAt(disk, 'index'), prefixDir)),
    memory: has(record, 'memory') ? memoryAt(mappingAt(record, 'memory'), prefixDir) : undefined,
  }
}

function snapshotDiskAt(disk: Stored, index: number, prefixDir: string): SnapshotDisk {
  return { index, ...backingAt(disk, prefixDir) }
}

function memoryAt(memory: Stored, prefixDir: string): SnapshotMemory {
  const file = optionalTextAt(memory, 'file')
  return {
    domainXmlPath: fromStoredPath(textAt(memory, 'domain_xml'), prefixDir),
    filePath: file === undefined ? undefined : fromStoredPath(file, prefixDir),
  }
}

function upstreamSnapshotAt(lists: Stored, name: string, prefixDir: string): SnapshotPlan {
  const writable = mappingsAt(lists, name).flatMap((disk, index) =>
    choiceAt(disk, 'format', ['qcow2', 'raw', 'iso'], 'qcow2') === 'iso' ? [] : [{ disk, index }],
  )
  return {
    takenAtMs: 0,
    form: 'external',
    disks: writable.map(({ disk, index }) => snapshotDiskAt(disk, index, prefixDir)),
    memory: undefined,
  }
}
