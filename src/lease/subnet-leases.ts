/**
 * Subnets for NAT networks, leased from one directory that all prefixes of a host share, upstream's included: same
 * files, same lock (spec 5.5). Knows nothing of networks or prefixes beyond the path of a prefix's uuid file.
 */
import { chmod, stat } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError, LagoError } from '../base/errors.js'
import { makeDirs } from '../base/files.js'
import { withLock } from '../base/lock.js'
import type { Task } from '../base/task.js'
import { readHostRoutes } from './host-routes.js'
import {
  isLive,
  isSameOwner,
  leasePathOf,
  permissionError,
  readLeaseOwner,
  removeLease,
  writeLease,
} from './lease-file.js'
import { cidrOf, gatewayOf, OCTETS, octetOf, RANGE_TEXT } from './range.js'
import type { LeaseOwner, SubnetLease, SubnetLeases } from './types.js'

export interface SubnetLeasesOptions {
  /** Limit for the wait for the directory's lock; default 5000. */
  readonly lockWaitMs?: number
  /** True for a /24 that the host has a route into; default: the routes in /proc/net/route. */
  readonly isUsedByHost?: (cidr: string) => boolean
}

/**
 * The leases kept in `dir` (absolute), which is made by the first `acquire`, group-writable.
 *
 * `acquire` gives the lowest /24 that nobody leases and the host does not use; stale leases and files that cannot be
 * anybody's are reclaimed on the way. `want` names a subnet by its gateway or as `192.168.200.0/24`; the owner may take
 * its own again.
 * `acquire` throws `LAGO_SUBNET_TAKEN`, `LAGO_SUBNET_RANGE`, `LAGO_SUBNETS_EXHAUSTED`; it and `release` throw
 * `LAGO_LOCKED` and `LAGO_PERMISSION`. `list` gives the live leases, lowest first, without waiting for the lock.
 */
export function openSubnetLeases(dir: string, options: SubnetLeasesOptions = {}): SubnetLeases {
  const locked = async <T>(task: Task, body: () => Promise<T>): Promise<T> => {
    const lock = { path: path.join(dir, LOCK_NAME), what: `the lease directory ${dir}` }
    return withLock(task, { ...lock, waitMs: options.lockWaitMs ?? 5000 }, body)
  }
  return {
    async acquire(task, owner, want) {
      const wanted = want === undefined ? undefined : octetOf(want)
      await ensureDir(dir)
      const isUsedByHost = options.isUsedByHost ?? (await readHostRoutes())
      return locked(task, async () => {
        const octet =
          wanted === undefined
            ? await findFree(task, dir, isUsedByHost)
            : await checkWanted(dir, wanted, owner, isUsedByHost)
        await writeLease(leasePathOf(dir, octet), owner)
        task.log('debug', `leased ${cidrOf(octet)} to ${owner.uuidPath}`)
        return leaseOf(octet, owner)
      })
    },
    async release(task, owner) {
      if (!(await isDir(dir))) return []
      return locked(task, async () => {
        const own = (await readLeases(dir)).filter((lease) => isSameOwner(lease.owner, owner))
        for (const { octet } of own) await removeLease(leasePathOf(dir, octet))
        return own.map((lease) => leaseOf(lease.octet, lease.owner))
      })
    },
    async list() {
      const live: SubnetLease[] = []
      for (const { octet, owner } of await readLeases(dir)) if (await isLive(owner)) live.push(leaseOf(octet, owner))
      return live
    },
  }
}

const LOCK_NAME = 'subnet-lease.lock' // upstream's name

interface LeaseOnDisk {
  readonly octet: number
  readonly owner: LeaseOwner
}

function leaseOf(octet: number, owner: LeaseOwner): SubnetLease {
  return { cidr: cidrOf(octet), gateway: gatewayOf(octet), owner }
}

async function readLeases(dir: string): Promise<readonly LeaseOnDisk[]> {
  const leases: LeaseOnDisk[] = []
  for (const octet of OCTETS) {
    const owner = await readLeaseOwner(leasePathOf(dir, octet))
    if (owner !== undefined) leases.push({ octet, owner })
  }
  return leases
}

async function findFree(task: Task, dir: string, isUsedByHost: (cidr: string) => boolean): Promise<number> {
  const holders: LeaseOnDisk[] = []
  for (const octet of OCTETS) {
    const owner = await readLeaseOwner(leasePathOf(dir, octet))
    if (owner !== undefined && (await isLive(owner))) holders.push({ octet, owner })
    else if (isUsedByHost(cidrOf(octet))) task.log('debug', `${cidrOf(octet)} is used by this host, not leased`)
    else return octet
  }
  throw exhausted(holders)
}

async function checkWanted(
  dir: string,
  octet: number,
  owner: LeaseOwner,
  isUsedByHost: (cidr: string) => boolean,
): Promise<number> {
  const holder = await readLeaseOwner(leasePathOf(dir, octet))
  if (holder !== undefined && isSameOwner(holder, owner)) return octet // its own network may be up: no look at the host
  if (holder !== undefined && (await isLive(holder))) throw taken(octet, holder)
  if (isUsedByHost(cidrOf(octet))) throw usedByHost(octet)
  return octet
}

function taken(octet: number, holder: LeaseOwner): LagoError {
  return new LagoError(
    'LAGO_SUBNET_TAKEN',
    `Can't acquire subnet ${cidrOf(octet)}, already taken by ${holder.uuidPath}`,
    {
      hint: `destroy the environment in ${path.dirname(holder.uuidPath)}, or choose another "gw"`,
      data: { subnet: cidrOf(octet), holder: holder.uuidPath },
    },
  )
}

function usedByHost(octet: number): LagoError {
  return new LagoError('LAGO_SUBNET_TAKEN', `Can't acquire subnet ${cidrOf(octet)}, this host has a route to it`, {
    hint: 'see who has it with "ip route", or choose another "gw"',
    data: { subnet: cidrOf(octet) },
  })
}

const HOLDERS_SHOWN = 3

function exhausted(holders: readonly LeaseOnDisk[]): LagoError {
  const paths = [...new Set(holders.map(({ owner }) => path.dirname(owner.uuidPath)))]
  const shown = paths.slice(0, HOLDERS_SHOWN).join(', ')
  const more = paths.length > HOLDERS_SHOWN ? ` and ${paths.length - HOLDERS_SHOWN} more` : ''
  const byHost = OCTETS.length - holders.length
  const counts = `${holders.length} are leased (by ${shown || 'nobody'}${more}), ${byHost} are used by this host itself`
  return new LagoError('LAGO_SUBNETS_EXHAUSTED', `Can't acquire subnet from range ${RANGE_TEXT}: ${counts}`, {
    hint: 'run "lago destroy" in environments that are not needed; a lease is free once its prefix is removed',
    data: { leased: holders.length, usedByHost: byHost, holders: paths },
  })
}

async function ensureDir(dir: string): Promise<void> {
  try {
    const firstMade = await makeDirs(dir, 0o775)
    if (firstMade !== undefined) await makeGroupWritable(dir)
  } catch (error) {
    if (isSystemError(error, 'EEXIST', 'ENOTDIR'))
      throw new LagoError('LAGO_PERMISSION', `the lease directory ${dir} cannot be made: a file is in its way`, {
        hint: 'remove the file, or choose another directory with --lease_dir',
        data: { path: dir },
        cause: error,
      })
    throw permissionError(path.join(dir, LOCK_NAME), error)
  }
}

/** Against the umask, and with the setgid bit that the directory may have from its parent. */
async function makeGroupWritable(dir: string): Promise<void> {
  const { mode } = await stat(dir)
  await chmod(dir, (mode & 0o7000) | 0o775)
}

async function isDir(dir: string): Promise<boolean> {
  try {
    return (await stat(dir)).isDirectory()
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return false
    throw permissionError(path.join(dir, LOCK_NAME), error)
  }
}
