/** `ovirt start` and `ovirt stop`, with hosts and VMs of the engine (spec 7.8). */
import { fanOut } from '../../base/fan-out.js'
import type { Task } from '../../base/task.js'
import { activateHosts, deactivateHosts } from '../../engine/hosts.js'
import { listAttachedDomains, listClusters, listHosts, listVms } from '../../engine/resources.js'
import { waitForDomains } from '../../engine/storage-domains.js'
import type { Engine, EngineOptions } from '../../engine/types.js'
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
 * maintenance; in era 1.x hosts, after the clusters have been given a CPU that fits, and storage comes by itself.
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

/** Those that are down, once the storage is there that they need. */
export async function startAllVms(task: Task, engine: Engine, timeoutMs: number): Promise<void> {
  await waitForDomains(task, engine, await listAttachedDomains(task, engine), LIMITS.domainsActiveMs)
  const vms = ordinaryVms(await listVms(task, engine)).filter(({ status }) => status === 'down')
  await startVms(task, engine, vms, timeoutMs)
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
