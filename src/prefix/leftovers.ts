/** What belongs to no environment any more, and its end: `lago gc`. What bears no mark of ours is never looked at. */
import { lstat, rm } from 'node:fs/promises'
import os from 'node:os'
import { about } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import { formatSubnet } from '../base/ipv4.js'
import { sweepScratchDirs } from '../base/scratch-dir.js'
import { socketDir } from '../base/socket-dir.js'
import type { Task } from '../base/task.js'
import type { OwnedNet } from '../net/lifecycle.js'
import { isHome } from '../register/register.js'
import type { OwnedVm } from '../vm/provider.js'
import { isUnfinished, lockPrefix, withClaim } from './claim.js'
import { livingPlaces, ownedVms } from './environments.js'
import type { Host } from './host.js'
import { leaseOwner, prefixLayout } from './layout.js'

export type LeftoverKind = 'domain' | 'network' | 'bridge' | 'lease' | 'prefix' | 'record'

export interface Leftover {
  readonly kind: LeftoverKind
  /** As libvirt or the kernel calls it; a subnet; a directory. */
  readonly name: string
  readonly uuid: string
  /** Where its environment was; undefined: nobody tells. */
  readonly dir: string | undefined
}

interface Owned {
  readonly uuid: string
  readonly prefixDir: string | undefined
}

/**
 * Machines, networks and bridges whose environment is gone, leases and records of such, and directories that an `init`
 * that was killed has left. An environment that cannot be looked at, as another user's, counts as there, and so does one
 * of which its objects do not say where it is: it may be in a register that we do not know.
 * Throws `LAGO_LIBVIRT_CONNECT`: without libvirt nothing is known.
 */
export async function findLeftovers(task: Task, host: Host): Promise<readonly Leftover[]> {
  const askVms = async (): Promise<readonly OwnedVm[]> => ownedVms(task, host)
  const askNets = async (): Promise<readonly OwnedNet[]> => host.nets.owned(task)
  const [allVms, allNets] = [await askVms(), await askNets()]
  const places = await livingPlaces(task, host, [...allVms, ...allNets])
  const isGone = ({ uuid, prefixDir }: Owned): boolean =>
    prefixDir !== undefined && !places.some((place) => place.uuid === uuid)
  const vms = await stillThere(allVms.filter(isGone), askVms, ({ libvirtName }) => libvirtName)
  const nets = await stillThere(allNets.filter(isGone), askNets, ({ name }) => name)
  const leases = await host.leases.listStale(task)
  const records = await host.register.listStale()
  const unfinished = await Promise.all(
    places.map(async ({ dir }) => (await isOwn(dir)) && (await isUnfinished(task, prefixLayout(dir)))),
  )
  return [
    ...vms.map(({ libvirtName, uuid, prefixDir }): Leftover => ({
      kind: 'domain',
      name: libvirtName,
      uuid,
      dir: prefixDir,
    })),
    ...nets.map(({ kind, name, uuid, prefixDir }): Leftover => ({ kind, name, uuid, dir: prefixDir })),
    ...leases.map(({ subnet, owner }): Leftover => {
      return { kind: 'lease', name: formatSubnet(subnet), uuid: owner.uuid, dir: owner.uuidPath.replace(/\/uuid$/, '') }
    }),
    ...places
      .filter((_, index) => unfinished[index])
      .map(({ uuid, dir }): Leftover => ({ kind: 'prefix', name: dir, uuid, dir })),
    ...records.map(({ uuid, dir }): Leftover => ({ kind: 'record', name: dir, uuid, dir })),
  ]
}

/** What is being destroyed may have had its machines when they were looked for, and no files when those were. */
async function stillThere<T extends Owned>(
  gone: readonly T[],
  ask: () => Promise<readonly T[]>,
  nameOf: (one: T) => string,
): Promise<readonly T[]> {
  if (gone.length === 0) return []
  const there = new Set((await ask()).map((one) => `${one.uuid} ${nameOf(one)}`))
  return gone.filter((one) => there.has(`${one.uuid} ${nameOf(one)}`))
}

/**
 * Removes what `findLeftovers` gave, machines before the networks that they are on. What has come to life meanwhile stays.
 * One that cannot be removed does not keep the others. Throws what stopping throws, `LAGO_PARTIAL` with several failures.
 */
export async function removeLeftovers(task: Task, host: Host, leftovers: readonly Leftover[]): Promise<void> {
  for (const kind of REMOVAL_ORDER)
    await fanOut(
      task,
      leftovers.filter((leftover) => leftover.kind === kind),
      async (leftover, task) =>
        task.step(`Removing ${leftover.kind} ${leftover.name}`, async (task) =>
          about(`${leftover.kind} ${leftover.name}`, removeOne(task, host, leftover)),
        ),
    )
  await host.leases.reclaim(task)
  await host.register.reclaim()
  await sweepScratchDirs(task, [os.tmpdir(), socketDir()])
}

const REMOVAL_ORDER: readonly LeftoverKind[] = ['domain', 'network', 'bridge', 'prefix']

/** Directories of other users are theirs to clear: files there could be made to lead anywhere meanwhile. */
async function isOwn(dir: string): Promise<boolean> {
  return (await lstat(dir).catch(() => undefined))?.uid === process.geteuid?.()
}

async function removeOne(task: Task, host: Host, { kind, name, uuid, dir }: Leftover): Promise<void> {
  if (kind === 'prefix') return removeUnfinished(task, host, name, uuid)
  if (dir !== undefined && (await isHome({ uuid, dir }))) return // it was moved back
  if (kind !== 'domain') return host.nets.stop(task, name)
  const providers = host.providers.names().map((provider) => host.providers.get(provider))
  await Promise.all(
    providers
      .filter((provider) => provider.owned !== undefined)
      .map(async (provider) => {
        await provider.stop(task, { libvirtName: name })
      }),
  )
}

async function removeUnfinished(task: Task, host: Host, dir: string, uuid: string): Promise<void> {
  const layout = prefixLayout(dir)
  await withClaim(task, dir, async () => {
    if (!(await isUnfinished(task, layout))) return
    await using _lock = await lockPrefix(task, dir, 0)
    await host.leases.release(task, leaseOwner(layout, uuid))
    await rm(dir, { recursive: true, force: true })
  })
}
