/** `ovirt snapshot` and `ovirt revert`: points in time at which nothing of oVirt is at work (spec 7.8). */
import { factsOf, isLagoError, LagoError, messageOf } from '../../base/errors.js'
import type { Task } from '../../base/task.js'
import { activateHosts } from '../../engine/hosts.js'
import { listAttachedDomains, listHosts } from '../../engine/resources.js'
import { activateDomains } from '../../engine/storage-domains.js'
import type { EngineOptions } from '../../engine/types.js'
import type { Env } from '../../index.js'
import { requireSnapshotName } from '../../vm/snapshot-name.js'
import { withEngine } from './engine-access.js'
import { ENGINE_SERVICE, servicesOfHosts, startServices } from './guest-services.js'
import { LIMITS } from './limits.js'
import { bringBack, nothingTaken, putIntoMaintenance, stopServices, type Taken } from './quiet.js'
import { engineVm } from './roles.js'
import { waitForGuests } from './wait-for-guests.js'

/** For bringing all back after a failure, Ctrl-C included. */
const BRING_BACK_MS = 900_000

/**
 * Storage domains and hosts go into maintenance, the services are stopped, the snapshot is taken, and with `restore` all
 * of that is taken back. When something fails, or is aborted, it is taken back in any case, and what does not come back is
 * told as an error of its own; the first error is thrown.
 *
 * Throws `LAGO_SNAPSHOT_NAME` and `LAGO_SNAPSHOT_EXISTS` before anything is touched, and `LAGO_ENGINE_NOT_RESTORED` when the
 * snapshot was taken and not all came back.
 */
export async function snapshotEngine(
  task: Task,
  env: Env,
  access: EngineOptions,
  { name, restore }: { readonly name: string; readonly restore: boolean },
): Promise<void> {
  requireSnapshotName(name)
  await requireFree(env, name)
  const taken = nothingTaken()
  try {
    await withEngine(task, access, async (engine) => putIntoMaintenance(task, engine, taken))
    await stopServices(task, env, taken)
    await env.snapshot(name)
    if (restore) await bringBack(task, env, access, taken)
    else task.log('info', `oVirt stays at rest; lago ovirt revert ${name}, or lago ovirt start, brings it back`)
  } catch (error) {
    if (!isLagoError(error, 'LAGO_ENGINE_NOT_RESTORED')) await bringBackAnyway(task, env, access, taken)
    throw error
  }
}

/** The snapshot itself would refuse it, minutes later. */
async function requireFree(env: Env, name: string): Promise<void> {
  const snapshots = await env.snapshots()
  const [vm] = [...snapshots].find(([, ofVm]) => ofVm.has(name)) ?? []
  if (vm !== undefined)
    throw new LagoError('LAGO_SNAPSHOT_EXISTS', `the VM ${vm} has a snapshot ${name} already`, {
      hint: `lago snapshot --delete ${name}`,
      data: { vm, name },
    })
}

async function bringBackAnyway(task: Task, env: Env, access: EngineOptions, taken: Taken): Promise<void> {
  try {
    await env.shielded(BRING_BACK_MS, async (env) =>
      task.shielded(BRING_BACK_MS, async (task) => bringBack(task, env, access, taken)),
    )
  } catch (error) {
    task.log('error', messageOf(error), factsOf(error))
  }
}

/** The plain revert, and then services, hosts and storage domains. Throws as `activateAll`. */
export async function revertEngine(task: Task, env: Env, access: EngineOptions, name: string): Promise<void> {
  await env.revert(name)
  await waitForGuests(task, env)
  // a point in time has its services as they were: stopped, when they were stopped for it
  await startServices(task, env, [...servicesOfHosts(env), { vm: engineVm(env).name, service: ENGINE_SERVICE }])
  await activateAll(task, access)
}

/** All hosts and storage domains that are in maintenance. Throws as `connectEngine`, `activateHosts`, `activateDomains`. */
export async function activateAll(task: Task, access: EngineOptions): Promise<void> {
  await withEngine(
    task,
    access,
    async (engine) => {
      await activateHosts(task, engine, await listHosts(task, engine), LIMITS.oldHostMs)
      await activateDomains(task, engine, await listAttachedDomains(task, engine), LIMITS.storageDomainMs)
    },
    LIMITS.engineApiMs,
  )
}
