/**
 * libvirt for the rest of the program: promises and names outside, a pool of threads inside (lane.ts), because
 * libvirt's calls block for seconds and its last error belongs to the thread that made the call. Knows nothing of
 * VMs, prefixes or plans.
 */
import { answerOf } from './answer.js'
import { openConsole } from './console.js'
import { nameInXml } from './errors.js'
import { joinEventLoop } from './event-loop.js'
import { watchDomains } from './events.js'
import { startLane } from './lane.js'
import { createLanePool } from './pool.js'
import type { LaneCall } from './protocol.js'
import type { LibvirtConnection } from './types.js'

export interface LibvirtOptions {
  readonly uri: string
  readonly user?: string | undefined
  readonly password?: string | undefined
  /** Threads, and with them connections, at most; default 8. */
  readonly maxLanes?: number
  /** How long `close` waits for calls in progress, so that what was given up can be taken back. Default 60,000. */
  readonly closeLimitMs?: number
}

const CLOSE_LIMIT_MS = 60_000

/**
 * Touches nothing yet: libvirt is loaded and reached with the first call, or by `warmUp`.
 *
 * Every call throws `LAGO_LIBVIRT_CONNECT` when libvirt is not reached and `LAGO_LIBVIRT` when it refuses, and rejects
 * with the signal's reason as soon as the task is aborted. A domain or network whose creation was aborted is destroyed
 * again in the background; `close` waits for that.
 */
export function openLibvirt({
  uri,
  user,
  password,
  maxLanes = 8,
  closeLimitMs = CLOSE_LIMIT_MS,
}: LibvirtOptions): LibvirtConnection {
  const target = { uri, user, password }
  const pool = createLanePool({ maxLanes, startLane: () => startLane(target) })
  const loop = joinEventLoop(target)
  const close = async (): Promise<void> => {
    await Promise.all([loop.close(), pool.close(closeLimitMs)])
  }
  return {
    uri,
    warmUp: () => pool.warmUp(),
    capabilities: async (task) => pool.run(task, { name: 'capabilities', args: [] }),
    createDomain: async (task, xml, options = {}) =>
      pool.run(task, { name: 'createDomain', args: [xml, options] }, undoOf('destroyDomain', xml)),
    domainInfos: async (task, names) => pool.run(task, { name: 'domainInfos', args: [names] }),
    domainXml: async (task, name, form = 'live') => pool.run(task, { name: 'domainXml', args: [name, form] }),
    destroyDomain: async (task, name) => pool.run(task, { name: 'destroyDomain', args: [name] }),
    shutdownDomain: async (task, name, how) => pool.run(task, { name: 'shutdownDomain', args: [name, how] }),
    suspendDomain: async (task, name) => pool.run(task, { name: 'suspendDomain', args: [name] }),
    resumeDomain: async (task, name) => pool.run(task, { name: 'resumeDomain', args: [name] }),
    saveDomain: async (task, name, filePath) => pool.run(task, { name: 'saveDomain', args: [name, filePath] }),
    restoreDomain: async (task, { name, filePath, xml }, options = {}) =>
      pool.run(
        task,
        { name: 'restoreDomain', args: [name, filePath, xml, options] },
        { name: 'destroyDomain', args: [name] },
      ),
    snapshotDomain: async (task, name, xml, options = {}) =>
      pool.run(task, { name: 'snapshotDomain', args: [name, xml, options] }),
    updateDevice: async (task, name, xml) => pool.run(task, { name: 'updateDevice', args: [name, xml] }),
    limitInterface: async (task, name, mac, kilobytesPerS) =>
      pool.run(task, { name: 'limitInterface', args: [name, mac, kilobytesPerS] }),
    monitorCommand: async (task, name, command) =>
      answerOf(await pool.run(task, { name: 'monitorCommand', args: [name, JSON.stringify(command)] }), command, name),
    agentCommand: async (task, name, command, timeoutS) =>
      answerOf(
        await pool.run(task, { name: 'agentCommand', args: [name, JSON.stringify(command), timeoutS] }),
        command,
        name,
      ),
    watchDomains: async (task, names, onEvent) => watchDomains(task, loop, names, onEvent),
    openConsole: async (task, name, options = {}) => openConsole(task, loop, { uri, name, ...options }),
    createNetwork: async (task, xml) =>
      pool.run(task, { name: 'createNetwork', args: [xml] }, undoOf('destroyNetwork', xml)),
    activeNetworks: async (task, names) => pool.run(task, { name: 'activeNetworks', args: [names] }),
    allDomains: async (task) => pool.run(task, { name: 'allDomains', args: [] }),
    allNetworks: async (task) => pool.run(task, { name: 'allNetworks', args: [] }),
    destroyNetwork: async (task, name) => pool.run(task, { name: 'destroyNetwork', args: [name] }),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function undoOf(call: 'destroyDomain' | 'destroyNetwork', xml: string): LaneCall | undefined {
  const name = nameInXml(xml)
  return name === undefined ? undefined : { name: call, args: [name] }
}
