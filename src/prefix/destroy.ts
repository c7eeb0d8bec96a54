/** `lago destroy`: stop, free the leases, delete the files, in that order, so that a failure loses nothing. */
import { lstat, readdir, readFile, realpath, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { pathExists } from 'fs-extra/esm'
import { isLagoError, LagoError } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import { prefixEra } from '../base/prefix-era.js'
import { sweepScratchDirs } from '../base/scratch-dir.js'
import { socketDir } from '../base/socket-dir.js'
import type { Task } from '../base/task.js'
import { domainLibvirtName, netLibvirtName } from '../plan/names.js'
import { lockPrefix } from './claim.js'
import { isDescribed, readNames } from './files.js'
import type { Host } from './host.js'
import { forgetEnvironment, originalOf } from './known.js'
import { leaseOwner, prefixLayout, type PrefixLayout } from './layout.js'
import { openPrefix } from './prefix.js'
import { cleanupPrefix } from './stop.js'
import { noteUnderWay, readUnderWay, removeUnfinished, tellInterrupted } from './under-way.js'

/**
 * Leaves nothing of the prefix, on disk or in libvirt, however damaged it is; with `keepFiles` its files and its subnets
 * stay.
 *
 * Throws `LAGO_NO_PREFIX` for a directory that is none, `LAGO_PREFIX_CORRUPT` when what it runs cannot be found out, and
 * what stopping throws; then nothing has been deleted.
 */
export async function destroyPrefix(
  task: Task,
  host: Host,
  dir: string,
  options: { readonly keepFiles: boolean; readonly lockWaitMs?: number } = { keepFiles: false },
): Promise<void> {
  const layout = prefixLayout(await realpath(dir))
  if (!(await looksLikePrefix(layout))) throw notAPrefix(layout)
  await using _lock = await lockPrefix(task, layout.dir, options.lockWaitMs)
  const uuid = (await readFile(layout.uuid, 'utf8').catch(() => undefined))?.trim()
  await settleBefore(task, layout)
  const isNoted = await isOwnDir(layout.virt)
  if (isNoted && !options.keepFiles) await noteUnderWay(layout, { verb: 'destroy', era: await prefixEra(layout.dir) })
  const original = uuid === undefined ? undefined : await originalOf(host, { uuid, dir: layout.dir })
  if (original === undefined) await stopAll(task, host, layout, uuid)
  else task.log('warning', `${layout.dir} is a copy of ${original}, whose machines go on; only files are deleted`)
  if (options.keepFiles) return
  if (uuid !== undefined) await host.leases.release(task, leaseOwner(layout, uuid))
  if (isNoted) await rm(layout.env, { force: true }) // first: without its description nobody takes it for an environment
  await removeAll(layout.dir, layout.virt)
  // last: until then it is told what is going on; where it is a link, what it leads to stays
  if (await isOwnDir(layout.virt)) await removeAll(layout.virt, layout.underWay)
  await rm(layout.dir, { recursive: true, force: true })
  await forgetEnvironment(task, host, { uuid: uuid ?? 'none', dir: layout.dir })
}

/** Not a link to one. */
async function isOwnDir(dir: string): Promise<boolean> {
  return lstat(dir).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

async function removeAll(dir: string, but: string): Promise<void> {
  for (const name of await readdir(dir).catch(() => [])) {
    const file = path.join(dir, name)
    if (file !== but) await rm(file, { recursive: true, force: true })
  }
}

/** What was interrupted goes with the rest; it may have files elsewhere. */
async function settleBefore(task: Task, layout: PrefixLayout): Promise<void> {
  await sweepScratchDirs(task, [os.tmpdir(), socketDir()])
  const note = await readUnderWay(layout)
  if (note === undefined) {
    if (!(await isDescribed(layout))) task.log('warning', `an init of ${layout.dir} was interrupted: it is undone`)
    return
  }
  await removeUnfinished(layout, note)
  tellInterrupted(task, note, note.verb === 'destroy' ? 'it is finished now' : 'it is undone')
}

/** For `init` in the place of a prefix whose `destroy` did not come to its end. */
export async function finishDestroy(task: Task, host: Host, layout: PrefixLayout): Promise<void> {
  if ((await readUnderWay(layout))?.verb === 'destroy') await destroyPrefix(task, host, layout.dir)
}

/** A directory that `lago` has made, complete or not. */
export async function looksLikePrefix(layout: PrefixLayout): Promise<boolean> {
  for (const sign of [layout.uuid, layout.initialized, layout.virt]) if (await pathExists(sign)) return true
  return false
}

async function stopAll(task: Task, host: Host, layout: PrefixLayout, uuid: string | undefined): Promise<void> {
  const names = await namesIn(layout)
  if (names.vms.length + names.nets.length === 0) return // its init was interrupted: nothing was ever started
  try {
    await cleanupPrefix(task, host, await openPrefix(layout.dir))
  } catch (error) {
    if (!isLagoError(error, 'LAGO_PREFIX_CORRUPT') || uuid === undefined) throw error
    task.log('warning', `${error.message}; stopping by name what may run`)
    await stopByName(task, host, names, uuid)
  }
}

interface Names {
  readonly vms: readonly string[]
  readonly nets: readonly string[]
}

/** From the list of names, where it can be read, and from the files beside it, whatever is in them. */
async function namesIn(layout: PrefixLayout): Promise<Names> {
  const listed = await readNames(layout).catch((): Names => ({ vms: [], nets: [] }))
  const files = await readdir(layout.virt).catch(() => [])
  const after = (start: string): string[] =>
    files.filter((file) => file.startsWith(start)).map((file) => file.slice(start.length))
  return {
    vms: [...new Set([...listed.vms, ...after('vm-')])],
    nets: [...new Set([...listed.nets, ...after('net-')])],
  }
}

async function stopByName(task: Task, host: Host, names: Names, uuid: string): Promise<void> {
  const provider = host.providers.get(host.config.vm.defaultProvider)
  await fanOut(task, names.vms, async (name, task) =>
    provider.stop(task, { libvirtName: domainLibvirtName(uuid, name) }),
  )
  const nets = names.nets.map((name) => netLibvirtName(uuid, name))
  await fanOut(task, [...(await host.nets.active(task, nets, uuid))], async (name, task) => host.nets.stop(task, name))
}

function notAPrefix({ dir }: PrefixLayout): LagoError {
  return new LagoError(
    'LAGO_NO_PREFIX',
    `${dir} is not a prefix: it has neither a uuid nor a description of machines`,
    {
      hint: 'nothing was deleted; remove it by hand if it is not needed',
      data: { dir },
    },
  )
}
