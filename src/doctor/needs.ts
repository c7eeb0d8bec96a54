/** What an environment asks of its host, added up from what is written down about it. */
import { stat } from 'node:fs/promises'
import type { DiskPlan, VmPlan } from '../plan/types.js'
import type { DiskSpec, DomainSpec, EnvSpec } from '../spec/types.js'

export interface EnvNeeds {
  /** For messages: `the init file /srv/LagoInitFile`, `the environment in /srv/.lago/default`. */
  readonly source: string
  /** VMs that are to be started on this host. */
  readonly vms: number
  readonly memoryMiB: number
  /** What their disks may still come to take, as far as their sizes are known. */
  readonly growthBytes: number
  /** Where the disks are, or will be; absolute. */
  readonly imagesDir: string
  readonly wantsKvm: boolean
}

export interface NeedsOptions {
  readonly source: string
  readonly imagesDir: string
  /** Whose VMs are made on this host by libvirt. */
  readonly isLocal: (spec: DomainSpec) => boolean
}

/** Of an environment that is still to be made. */
export function needsOfSpec({ domains }: EnvSpec, { isLocal, ...place }: NeedsOptions): EnvNeeds {
  const specs = [...domains.values()].filter(isLocal)
  const growthBytes = sum(specs.flatMap(({ disks }) => disks.map((disk) => sizeOf(disk) ?? 0)))
  return { ...place, ...needsOf(specs), growthBytes }
}

/** Of one that is there: of those of its VMs that are not up. */
export async function needsOfVms(down: readonly VmPlan[], { isLocal, ...place }: NeedsOptions): Promise<EnvNeeds> {
  const vms = down.filter(({ spec }) => isLocal(spec))
  const specs = vms.map(({ spec }) => spec)
  const growth = await Promise.all(vms.flatMap(({ disks }) => disks.map(growthOf)))
  return { ...place, ...needsOf(specs), growthBytes: sum(growth) }
}

function needsOf(specs: readonly DomainSpec[]): Pick<EnvNeeds, 'vms' | 'memoryMiB' | 'wantsKvm'> {
  return {
    vms: specs.length,
    memoryMiB: sum(specs.map(({ memoryMiB }) => memoryMiB)),
    wantsKvm: specs.some(({ accel }) => accel === 'kvm'),
  }
}

/** An image may grow to the size that its guest sees. */
async function growthOf({ spec, path, backing, device }: DiskPlan): Promise<number> {
  if (device === 'cdrom') return 0
  const sizeBytes = sizeOf(spec) ?? backing?.sizeBytes ?? 0
  const allocated = await stat(path).then(
    ({ blocks }) => blocks * 512,
    () => 0,
  )
  return Math.max(0, sizeBytes - allocated)
}

function sizeOf(disk: DiskSpec): number | undefined {
  return 'sizeBytes' in disk ? disk.sizeBytes : undefined
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
