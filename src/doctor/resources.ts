/** Memory and disk space, against what an environment asks where one is in question. */
import { isSystemError } from '../base/errors.js'
import type { HostFacts } from './facts.js'
import type { EnvNeeds } from './needs.js'
import { failed, ok, warning, type Check, type Finding } from './types.js'

const MIB = 1024 ** 2
const GIB = 1024 ** 3

export const memory: Check = {
  id: 'memory',
  title: 'free memory',
  run: async (_task, { facts, needs }) => memoryOf(facts, needs),
}

export const diskSpace: Check = {
  id: 'disk-space',
  title: 'free disk space',
  run: async (_task, { facts, needs, dirs }) => {
    const asked = [...(needs === undefined ? dirs.slice(0, 1) : [needs.imagesDir]), facts.settings.storeDir]
    const places = await Promise.all(asked.map(async (dir) => freeAt(facts, dir)))
    return diskFinding(places, needs)
  },
}

export async function memoryOf(facts: Pick<HostFacts, 'readFile'>, needs: EnvNeeds | undefined): Promise<Finding> {
  const overcommit = (await facts.readFile('/proc/sys/vm/overcommit_memory')) ?? '0'
  return memoryFinding(await facts.readFile('/proc/meminfo'), needs, overcommit.trim())
}

/** Beside the guest's own memory, what qemu takes for itself; measured as 40 to 100 MiB. */
const PER_VM_MIB = 64
/** What the host itself should keep. */
const RESERVE_MIB = 512
/** A small guest, for when no environment is in question. */
const SMALLEST_MIB = 256

/**
 * `meminfo`: the text of /proc/meminfo. Guests take memory as they touch it, so that more can be asked than there is;
 * `failed` is only what exceeds all that could be free, swap included. `overcommit`: proc(5), vm.overcommit_memory; 2 is
 * strict.
 */
export function memoryFinding(meminfo: string | undefined, needs: EnvNeeds | undefined, overcommit: string): Finding {
  const field = (name: string): number | undefined => {
    const [, kib] = new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(meminfo ?? '') ?? []
    return kib === undefined ? undefined : Math.floor(Number(kib) / 1024)
  }
  const available = field('MemAvailable')
  if (available === undefined) return warning('cannot be told: /proc/meminfo has no MemAvailable')
  const swap = field('SwapFree') ?? 0
  const limit = Math.min(available + swap, overcommit === '2' ? committable(field) : Infinity)
  const there = `${inMib(available)} can be had without swapping${swap > 0 ? `, ${inMib(swap)} of swap is free` : ''}`
  if (needs === undefined || needs.vms === 0)
    return available < SMALLEST_MIB ? warning(`${there}: hardly a guest fits`) : ok(there)
  const asked = needs.memoryMiB + needs.vms * PER_VM_MIB
  const question = `${plural(needs.vms, 'VM')} of ${needs.source} may take ${inMib(asked)}`
  if (asked > limit) return failed(`${question}; ${there}${strictly(overcommit)}`)
  if (asked + RESERVE_MIB > available) return warning(`${question}, which is tight: ${there}`)
  return ok(`${there}; ${question}`)
}

/** What the kernel will still promise where it promises no more than it has. */
function committable(field: (name: string) => number | undefined): number {
  const [limit, committed] = [field('CommitLimit'), field('Committed_AS')]
  return limit === undefined || committed === undefined ? Infinity : Math.max(0, limit - committed)
}

function strictly(overcommit: string): string {
  return overcommit === '2' ? ', and vm.overcommit_memory=2 lets nothing be promised beyond that' : ''
}

export interface FreeSpace {
  readonly dir: string
  readonly freeBytes: number
}

/** Below it a guest's first writes may fail: qemu then pauses the VM. */
const LEAST_PER_VM_BYTES = 32 * MIB
const TIGHT_BYTES = 2 * GIB

/** The first of `places` has the environment's disks. */
export function diskFinding(places: readonly FreeSpace[], needs: EnvNeeds | undefined): Finding {
  const there = places.map(({ dir, freeBytes }) => `${inBytes(freeBytes)} in ${dir}`).join(', ')
  const [images] = places
  if (images !== undefined && needs !== undefined && needs.vms > 0) {
    if (images.freeBytes < needs.vms * LEAST_PER_VM_BYTES)
      return failed(`${plural(needs.vms, 'VM')} of ${needs.source} cannot write to their disks: free is ${there}`)
    if (images.freeBytes < needs.growthBytes)
      return warning(`disks of ${needs.source} may grow by ${inBytes(needs.growthBytes)}; free is ${there}`)
  }
  const least = Math.min(...places.map(({ freeBytes }) => freeBytes))
  return least < TIGHT_BYTES ? warning(`tight: free is ${there}`) : ok(`free is ${there}`)
}

/** Of a directory that is not there yet, the space where it would be made. */
export async function freeAt(facts: Pick<HostFacts, 'realPath' | 'freeBytes'>, dir: string): Promise<FreeSpace> {
  for (let at = dir; ; at = parentOf(at)) {
    const there = await facts.realPath(at).catch((error: unknown) => {
      if (isSystemError(error, 'EACCES')) return undefined
      throw error
    })
    if (there !== undefined) return { dir, freeBytes: await facts.freeBytes(there) }
    if (at === '/') return { dir, freeBytes: await facts.freeBytes('/') }
  }
}

export function parentOf(filePath: string): string {
  return filePath.slice(0, filePath.lastIndexOf('/')) || '/'
}

function inMib(mebibytes: number): string {
  return mebibytes >= 10 * 1024 ? `${(mebibytes / 1024).toFixed(1)} GiB` : `${mebibytes} MiB`
}

function inBytes(bytes: number): string {
  return inMib(Math.floor(bytes / MIB))
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
