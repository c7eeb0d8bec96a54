/** Every environment of this host, wherever its directory is: `lago list --all`. */
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { messageOf } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import { diskUse } from '../disk/disk-use.js'
import { isHome, type RegisterEntry } from '../register/register.js'
import type { OwnedVm } from '../vm/provider.js'
import { readExpiry } from './expiry.js'
import { isDescribed, readNames } from './files.js'
import type { Host } from './host.js'
import { prefixLayout, type PrefixLayout } from './layout.js'

export interface Environment extends RegisterEntry {
  /** Who the directory belongs to: a name, else a number. */
  readonly owner: string
  /** The directory is the user's own who runs this. */
  readonly isOwn: boolean
  /** Undefined where it may not be looked at. */
  readonly createdAtMs: number | undefined
  /** Undefined: wanted until it is destroyed. */
  readonly expiresAtMs: number | undefined
  /**
   * `partly`: some machines are up. `unfinished`: `init` is at it, or was killed. `private`: its files may not be read;
   * `unknown`: libvirt did not answer.
   */
  readonly state: 'running' | 'partly' | 'down' | 'unfinished' | 'private' | 'unknown'
  /** Undefined where the files may not be read. */
  readonly vmCount: number | undefined
  readonly runningCount: number
  /** Of the machines that run. */
  readonly memoryMiB: number
  /** On the host's disk, without templates. */
  readonly diskBytes: number
}

/**
 * Those that the register, the leases and libvirt's objects tell of and that are where these say, by directory. Where
 * libvirt does not answer, which is told at warning level, nobody knows what runs.
 */
export async function listEnvironments(task: Task, host: Host): Promise<readonly Environment[]> {
  const vms = await ownedVms(task, host).catch((error: unknown) => {
    task.signal.throwIfAborted()
    task.log('warning', `what runs is not known: ${messageOf(error)}`)
    return undefined
  })
  const places = await livingPlaces(task, host, vms ?? [])
  const found = await fanOut(task, places, async (place) => describe(place, vms))
  return found.sort((a, b) => a.dir.localeCompare(b.dir))
}

/** The machines of all environments, of whatever provider tells. */
export async function ownedVms(task: Task, host: Host): Promise<readonly OwnedVm[]> {
  const providers = host.providers.names().map((name) => host.providers.get(name))
  return (await Promise.all(providers.map(async (provider) => provider.owned?.(task) ?? []))).flat()
}

/** Where environments are, from all who tell of one; each directory once. */
export async function livingPlaces(
  task: Task,
  host: Host,
  owned: readonly { readonly uuid: string; readonly prefixDir: string | undefined }[],
): Promise<readonly RegisterEntry[]> {
  const leased = (await host.leases.list(task)).map(({ owner }) => owner)
  const told: readonly RegisterEntry[] = [
    ...(await host.register.list()),
    ...leased.map(({ uuid, uuidPath }) => ({ uuid: uuid.trim(), dir: path.dirname(uuidPath) })),
    ...owned.flatMap(({ uuid, prefixDir }) => (prefixDir === undefined ? [] : [{ uuid, dir: prefixDir }])),
  ]
  const places = [...new Map(told.map((place) => [`${place.uuid} ${place.dir}`, place])).values()]
  const living = await Promise.all(places.map(isHome))
  return places.filter((_, index) => living[index])
}

async function describe({ uuid, dir }: RegisterEntry, vms: readonly OwnedVm[] | undefined): Promise<Environment> {
  const layout = prefixLayout(dir)
  const running = (vms ?? []).filter((vm) => vm.uuid === uuid && isUp(vm))
  const names = await readNames(layout).catch(() => undefined)
  const made = await stat(layout.uuid).catch(() => undefined)
  const uid = (await stat(dir).catch(() => undefined))?.uid
  return {
    uuid,
    dir,
    owner: await userName(uid),
    isOwn: uid === process.geteuid?.(),
    createdAtMs: made?.mtimeMs,
    expiresAtMs: await readExpiry(layout),
    state: await stateOf(layout, {
      vmCount: names?.vms.length,
      runningCount: running.length,
      isKnown: vms !== undefined,
    }),
    vmCount: names?.vms.length,
    runningCount: running.length,
    memoryMiB: running.reduce((sum, vm) => sum + vm.memoryMiB, 0),
    diskBytes: await diskUse(dir),
  }
}

interface Counts {
  readonly vmCount: number | undefined
  readonly runningCount: number
  readonly isKnown: boolean
}

async function stateOf(
  layout: PrefixLayout,
  { vmCount, runningCount, isKnown }: Counts,
): Promise<Environment['state']> {
  if (vmCount === undefined && !(await isReadable(layout))) return 'private'
  if (vmCount === undefined || !(await isDescribed(layout))) return 'unfinished'
  if (!isKnown) return 'unknown'
  if (runningCount === 0) return 'down'
  return runningCount < vmCount ? 'partly' : 'running'
}

function isUp({ state }: OwnedVm): boolean {
  return state !== 'down' && state !== 'shut off'
}

async function isReadable({ uuid }: PrefixLayout): Promise<boolean> {
  return readFile(uuid).then(
    () => true,
    () => false,
  )
}

/** passwd(5); users of a directory service are numbers. */
async function userName(uid: number | undefined): Promise<string> {
  if (uid === undefined) return 'unknown'
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '')
  const line = passwd.split('\n').find((line) => line.split(':')[2] === String(uid))
  return line?.split(':')[0] ?? String(uid)
}
