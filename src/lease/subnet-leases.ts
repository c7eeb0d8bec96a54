/**
 * Subnets for networks, leased from one directory that all prefixes of a host share, upstream's included: same files,
 * same lock (spec 5.5). Knows nothing of networks or prefixes beyond the path of a prefix's uuid file.
 */
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError } from '../base/errors.js'
import { makeSharedDirs, removeTemporaries } from '../base/files.js'
import { formatSubnet } from '../base/ipv4.js'
import { withLock } from '../base/lock.js'
import { holdsUuid } from '../base/uuid-file.js'
import type { Task } from '../base/task.js'
import { chooseSubnet } from './choose-subnet.js'
import { dirInTheWay, permissionError } from './errors.js'
import { readHostRoutes } from './host-routes.js'
import { isSameOwner, readLeaseOwner, removeLease, writeLease } from './lease-file.js'
import { isShadow, leaseName, shadowNames, subnetOfName } from './lease-names.js'
import type { LeaseOwner, Neighbour, SubnetLease, SubnetLeases, SubnetWish } from './types.js'

export interface SubnetLeasesOptions {
  /** Where subnets are chosen; default upstream's, 192.168.200.0 to 192.168.255.255. */
  readonly range?: string
  /** Limit for the wait for the directory's lock; default a minute: on a busy host many `init`s take their turns. */
  readonly lockWaitMs?: number
  /** What else uses addresses; default: the routes of this host. */
  readonly neighbours?: (task: Task) => Promise<readonly Neighbour[]>
}

export const DEFAULT_RANGE = '192.168.200.0/24 - 192.168.255.0/24'

/**
 * The leases kept in `dir` (absolute), which is made by the first `acquire`, group-writable.
 *
 * `acquire` gives the subnet that is wished for (the owner may take its own again), or the lowest one of that length that
 * overlaps nothing. Leases of prefixes that are gone, and files that cannot be anybody's, are reclaimed on the way.
 * It throws `LAGO_SUBNET_TAKEN` and `LAGO_SUBNETS_EXHAUSTED`; every change throws `LAGO_LOCKED` and `LAGO_PERMISSION`.
 * `list` and `listStale` do not wait for the lock.
 */
export function openSubnetLeases(dir: string, options: SubnetLeasesOptions = {}): SubnetLeases {
  const { range = DEFAULT_RANGE, neighbours = async () => readHostRoutes() } = options
  const locked = async <T>(task: Task, body: () => Promise<T>): Promise<T> => {
    const lock = { path: path.join(dir, LOCK_NAME), what: `the lease directory ${dir}` }
    return withLock(task, { ...lock, waitMs: options.lockWaitMs ?? LOCK_WAIT_MS }, async () => {
      await removeTemporaries(dir)
      return body()
    })
  }
  return {
    async acquire(task, owner, wish) {
      await ensureDir(dir)
      // asked for before the lock is taken, and not at all by an owner that takes its own again
      const others = isHeld(await readLeases(dir), owner, wish) ? [] : await neighbours(task)
      return locked(task, async () => {
        const leases = (await readLeases(dir)).filter((lease) => lease.isLive)
        const subnet = chooseSubnet(task, { wish, owner, range, leases, neighbours: others })
        for (const name of [...shadowNames(subnet), leaseName(subnet)]) await writeLease(path.join(dir, name), owner)
        task.log('debug', `leased ${formatSubnet(subnet)} to ${owner.uuidPath}`)
        return { subnet, owner }
      })
    },

    async release(task, owner) {
      return change(task, (lease) => isSameOwner(lease.owner, owner))
    },

    list: async () => publicLeases((await readLeases(dir)).filter((lease) => lease.isLive)),

    listStale: async () => publicLeases((await readLeases(dir)).filter((lease) => !lease.isLive)),

    async reclaim(task) {
      return change(task, (lease) => !lease.isLive)
    },
  }

  /** Removes the leases that `isOver` picks. */
  async function change(task: Task, isOver: (lease: LeaseOnDisk) => boolean): Promise<readonly SubnetLease[]> {
    if (!(await isDir(dir))) return []
    return locked(task, async () => {
      const over = (await readLeases(dir)).filter(isOver)
      for (const { name } of over) await removeLease(path.join(dir, name))
      return publicLeases(over)
    })
  }
}

const LOCK_NAME = 'subnet-lease.lock' // upstream's name
const LOCK_WAIT_MS = 60_000

interface LeaseOnDisk extends SubnetLease {
  readonly name: string
  /** Its prefix is there. */
  readonly isLive: boolean
}

async function readLeases(dir: string): Promise<readonly LeaseOnDisk[]> {
  const names = await readdir(dir).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return []
    throw permissionError(path.join(dir, LOCK_NAME), error)
  })
  const leases = (await Promise.all(names.map(async (name) => readLease(dir, name)))).flat()
  return leases.sort((a, b) => a.subnet.network - b.subnet.network)
}

function isHeld(leases: readonly LeaseOnDisk[], owner: LeaseOwner, wish: SubnetWish): boolean {
  if (!('subnet' in wish)) return false
  const name = leaseName(wish.subnet)
  return leases.some((lease) => lease.name === name && isSameOwner(lease.owner, owner))
}

async function readLease(dir: string, name: string): Promise<readonly LeaseOnDisk[]> {
  const subnet = subnetOfName(name)
  const owner = subnet === undefined ? undefined : await readLeaseOwner(path.join(dir, name))
  if (subnet === undefined || owner === undefined) return []
  return [{ name, subnet, owner, isLive: await holdsUuid(owner) }]
}

/** Without the files that only stand beside a lease. */
function publicLeases(leases: readonly LeaseOnDisk[]): readonly SubnetLease[] {
  return leases
    .filter(({ subnet, owner }) => {
      return !leases.some((other) => isSameOwner(other.owner, owner) && isShadow(subnet, other.subnet))
    })
    .map(({ subnet, owner }) => ({ subnet, owner }))
}

async function ensureDir(dir: string): Promise<void> {
  try {
    await makeSharedDirs(dir)
  } catch (error) {
    if (isSystemError(error, 'EEXIST', 'ENOTDIR')) throw dirInTheWay(dir, error)
    throw permissionError(path.join(dir, LOCK_NAME), error)
  }
}

async function isDir(dir: string): Promise<boolean> {
  try {
    return (await stat(dir)).isDirectory()
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return false
    throw permissionError(path.join(dir, LOCK_NAME), error)
  }
}
