/** `ovirt start` and `ovirt stop`, with hosts and VMs of the engine (spec 7.8). */
import { LagoError } from '../../base/errors.js'
import { fanOut } from '../../base/fan-out.js'
import type { Task } from '../../base/task.js'
import { activateHosts, deactivateHosts } from '../../engine/hosts.js'
import { listAttachedDomains, listClusters, listHosts, listVms } from '../../engine/resources.js'
import { activateDomains, waitForDomains } from '../../engine/storage-domains.js'
import type { Engine, EngineOptions, StorageDomain } from '../../engine/types.js'
import { ordinaryVms, startVms, stopVms } from '../../engine/vms.js'
import type { CommandContext, Env } from '../../index.js'
import { cpuFamilyOf } from './cpu-families.js'
import { withEngine } from './engine-access.js'
import { prefixEra } from '../../base/prefix-era.js'
import { ENGINE_SERVICE, waitForService } from './guest-services.js'
import { LIMITS } from './limits.js'
import { nothingTaken, putIntoMaintenance } from './quiet.js'
import { engineVm, hostVms } from './roles.js'
import { activateAll } from './snapshot-engine.js'
import { waitForGuests } from './wait-for-guests.js'

export interface StartEngineOptions {
  /** Start the VMs of the engine, too. */
  readonly withVms: boolean
  readonly vmsTimeoutMs: number
  /** Of the user, for a file that metadata name. */
  readonly surroundings: Pick<CommandContext, 'cwd' | 'env'>
}

/**
 * Starts the VMs of the environment, and brings oVirt into service: in era 0.x all hosts and storage domains that are in
 * maintenance; in era 1.x the same, after the clusters have been given a CPU that fits.
 * When something of it fails, the VMs go on running.
 */
export async function startEngine(
  task: Task,
  env: Env,
  access: EngineOptions,
  options: StartEngineOptions,
): Promise<void> {
  const vm = engineVm(env)
  const everyMs = access.everyMs ?? POLL_MS
  const isOld = (await prefixEra(env.prefixDir)) === '0.x'
  await env.start()
  if (isOld) {
    await waitForGuests(task, env)
    await waitForService(task, vm, ENGINE_SERVICE, { timeoutMs: LIMITS.engineServiceMs, everyMs })
    await activateAll(task, access)
    if (options.withVms)
      await withEngine(task, access, async (engine) => startAllVms(task, engine, options.vmsTimeoutMs))
    return
  }
  await waitForService(task, vm, ENGINE_SERVICE, { timeoutMs: LIMITS.serviceMs, everyMs })
  await fanOut(
    task,
    hostVms(env),
    async (host, task) => waitForService(task, host, 'vdsmd', { timeoutMs: LIMITS.serviceMs, everyMs }),
    { limit: Infinity }, // it is the guests that work
  )
  await withEngine(
    task,
    access,
    async (engine) => {
      await fitClusters(task, env, engine, options.surroundings)
      await startAllHosts(task, engine)
      const resting = (await listAttachedDomains(task, engine)).filter(({ status }) => status === 'maintenance')
      await activateDomains(task, engine, resting, LIMITS.storageDomainMs)
      if (options.withVms) await startAllVms(task, engine, options.vmsTimeoutMs)
    },
    LIMITS.engineApiMs,
  )
}

const POLL_MS = 1000

/** Those in maintenance. */
export async function startAllHosts(task: Task, engine: Engine): Promise<void> {
  const hosts = (await listHosts(task, engine)).filter(({ status }) => status === 'maintenance')
  await activateHosts(task, engine, hosts, LIMITS.hostMs)
}

/** All that are not in maintenance. */
export async function stopAllHosts(task: Task, engine: Engine): Promise<void> {
  const hosts = (await listHosts(task, engine)).filter(({ status }) => status !== 'maintenance')
  await deactivateHosts(task, engine, hosts, LIMITS.hostMs)
}

/**
 * Those that are down, once the storage is there that they need; what is in maintenance is no part of that, unless it is the
 * master. Throws `LAGO_ENGINE_STATE` for storage that will not come by itself.
 */
export async function startAllVms(task: Task, engine: Engine, timeoutMs: number): Promise<void> {
  await waitForStorage(task, engine)
  const vms = ordinaryVms(await listVms(task, engine)).filter(({ status }) => status === 'down')
  await startVms(task, engine, vms, timeoutMs)
}

async function waitForStorage(task: Task, engine: Engine): Promise<void> {
  const domains = await listAttachedDomains(task, engine)
  const resting = domains.filter(({ status }) => status === 'maintenance')
  const masters = resting.filter(({ isMaster }) => isMaster)
  if (masters.length > 0) throw willNotCome(masters, 'it is in maintenance', 'activate it in the web interface')
  const wanted = domains.filter((domain) => !resting.includes(domain))
  const missing = wanted.filter(({ status }) => status !== 'active')
  if (missing.length > 0 && (await listHosts(task, engine)).every(({ status }) => status === 'maintenance'))
    throw willNotCome(missing, 'all hosts are in maintenance', 'lago ovirt start-hosts')
  if (resting.length > 0) task.log('warning', `storage domain ${namesOf(resting)} stays in maintenance`)
  await waitForDomains(task, engine, wanted, LIMITS.domainsActiveMs)
}

function willNotCome(domains: readonly StorageDomain[], reason: string, hint: string): LagoError {
  return new LagoError('LAGO_ENGINE_STATE', `storage domain ${namesOf(domains)} will not come: ${reason}`, {
    hint,
    data: { domains: domains.map(({ name, status }) => ({ name, status })) },
  })
}

function namesOf(domains: readonly StorageDomain[]): string {
  return domains.map(({ name }) => name).join(', ')
}

export async function stopAllVms(task: Task, engine: Engine): Promise<void> {
  const vms = ordinaryVms(await listVms(task, engine)).filter(({ status }) => status !== 'down')
  await stopVms(task, engine, vms, LIMITS.vmsDownMs)
}

/**
 * Takes oVirt out of service, and ends the VMs of the environment: in era 0.x storage domains and hosts, and a power-off; in
 * era 1.x the engine's VMs and hosts, and a shutdown. An engine whose VM is down has nothing to be told.
 */
export async function stopEngine(task: Task, env: Env, access: EngineOptions): Promise<void> {
  const vm = engineVm(env)
  const isOld = (await prefixEra(env.prefixDir)) === '0.x'
  if ((await vm.state()) === 'running')
    await withEngine(task, access, async (engine) => {
      if (isOld) return putIntoMaintenance(task, engine, nothingTaken())
      await stopAllVms(task, engine)
      await stopAllHosts(task, engine)
    })
  else task.log('warning', `${vm.name} does not run, so that oVirt is not taken out of service first`)
  await (isOld ? env.stop() : env.shutdown())
}

/** A cluster takes no host whose CPU is less than the cluster's; suites come from other hosts than this one. */
async function fitClusters(
  task: Task,
  env: Env,
  engine: Engine,
  surroundings: StartEngineOptions['surroundings'],
): Promise<void> {
  const [host] = hostVms(env)
  if (host === undefined) return
  const cpu = await host.cpu()
  if (cpu === undefined)
    return task.log('info', `what CPU ${host.name} has is not known, so that the clusters keep theirs`)
  const family = await cpuFamilyOf(host, cpu, surroundings)
  if (family === undefined)
    return task.log(
      'warning',
      `no cluster type is known for the CPU ${cpu.model} (${cpu.vendor}) of ${host.name}, so that the clusters keep theirs; ` +
        'metadata.ovirt-cpu-map of the host can name one',
    )
  for (const { id, name, cpuType } of await listClusters(task, engine)) {
    if (cpuType === family) continue
    task.log('info', `the cluster ${name} gets the CPU type ${family} instead of ${cpuType ?? 'none'}`)
    await engine.change(task, `clusters/${id}`, 'cluster', { cpu: { type: family } })
  }
}
