/**
 * One connection of one thread: makes the calls, reads libvirt's error right after a failure (it is kept per thread)
 * and frees every handle before it returns. Opens the connection with the first call, and again after it was lost.
 */
import {
  VIR_DOMAIN_AFFECT_LIVE,
  VIR_DOMAIN_BANDWIDTH_IN_AVERAGE,
  VIR_DOMAIN_BANDWIDTH_OUT_AVERAGE,
  VIR_DOMAIN_SAVE_PAUSED,
  VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC,
  VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY,
  VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA,
  VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT,
  VIR_DOMAIN_START_PAUSED,
  VIR_DOMAIN_XML_MIGRATABLE,
  VIR_DOMAIN_XML_SECURE,
  VIR_ERR_NO_DOMAIN,
  VIR_ERR_NO_NETWORK,
  VIR_ERR_OPERATION_INVALID,
  VIR_TYPED_PARAM_UINT,
} from './constants.js'
import { withCredentials } from './credentials.js'
import {
  takeHandles,
  type ConnectHandle,
  type DomainHandle,
  type HandleArray,
  type Libvirt,
  type NetworkHandle,
  type RawDomainInfo,
} from './ffi.js'
import { initialize, LaneError, readFailure } from './last-error.js'
import type { LaneCalls, LibvirtTarget } from './protocol.js'
import { vmStateOf } from './states.js'
import type { DomainInfo, FoundDomain, FoundNetwork } from './types.js'

export interface Session extends LaneCalls {
  close(): void
}

/** Seconds; libvirt's own default. */
const AGENT_SYNC_S = 5

/** Does not connect yet. `libvirt` is initialised here, before anything else is asked of it. */
export function createSession(libvirt: Libvirt, target: LibvirtTarget): Session {
  initialize(libvirt)
  let connect: ConnectHandle | undefined

  function fail(call: string): never {
    const failure = readFailure(libvirt, call)
    if (connect === undefined || libvirt.virConnectIsAlive(connect) === 1)
      throw new LaneError({ kind: 'call', ...failure })
    close()
    throw new LaneError({ kind: 'noConnection', ...failure })
  }

  function connection(): ConnectHandle {
    connect ??= withCredentials(libvirt, target, (auth) => libvirt.virConnectOpenAuth(target.uri, auth, 0)) ?? undefined
    if (connect === undefined)
      throw new LaneError({ kind: 'noConnection', ...readFailure(libvirt, 'virConnectOpenAuth') })
    return connect
  }

  function close(): void {
    if (connect !== undefined) libvirt.virConnectClose(connect)
    connect = undefined
  }

  /** Undefined: libvirt does not know the name. */
  function withDomain<T>(name: string, body: (domain: DomainHandle) => T): T | undefined {
    const domain = libvirt.virDomainLookupByName(connection(), name)
    if (domain === null) return unless([VIR_ERR_NO_DOMAIN], 'virDomainLookupByName')
    try {
      return body(domain)
    } finally {
      libvirt.virDomainFree(domain)
    }
  }

  function withExisting<T>(name: string, body: (domain: DomainHandle) => T): T {
    const domain = libvirt.virDomainLookupByName(connection(), name) ?? fail('virDomainLookupByName')
    try {
      return body(domain)
    } finally {
      libvirt.virDomainFree(domain)
    }
  }

  function check(result: number, call: string): void {
    if (result < 0) fail(call)
  }

  function withNetwork<T>(name: string, body: (network: NetworkHandle) => T): T | undefined {
    const network = libvirt.virNetworkLookupByName(connection(), name)
    if (network === null) return unless([VIR_ERR_NO_NETWORK], 'virNetworkLookupByName')
    try {
      return body(network)
    } finally {
      libvirt.virNetworkFree(network)
    }
  }

  /** Undefined when the error just raised is one of `expected`; throws it otherwise. */
  function unless(expected: readonly number[], call: string): undefined {
    if (!expected.includes(readFailure(libvirt, call).code)) fail(call)
    return undefined
  }

  function infoOf(domain: DomainHandle): DomainInfo | undefined {
    const info: Partial<RawDomainInfo> = {}
    if (libvirt.virDomainGetInfo(domain, info) < 0) return unless([VIR_ERR_NO_DOMAIN], 'virDomainGetInfo')
    const { state = 0, cpuTime = 0, nrVirtCpu = 0 } = info
    return { state: vmStateOf(state), cpuTimeMs: Math.round(Number(cpuTime) / 1e6), vcpus: nrVirtCpu }
  }

  function xmlIfActive(network: NetworkHandle): string | undefined {
    return libvirt.virNetworkIsActive(network) === 1 ? networkXmlOf(network) : undefined
  }

  /** Undefined: it has gone in the meantime. */
  function networkXmlOf(network: NetworkHandle): string | undefined {
    return libvirt.virNetworkGetXMLDesc(network, 0) ?? unless([VIR_ERR_NO_NETWORK], 'virNetworkGetXMLDesc')
  }

  function xmlOf(domain: DomainHandle): string | undefined {
    return libvirt.virDomainGetXMLDesc(domain, 0) ?? unless([VIR_ERR_NO_DOMAIN], 'virDomainGetXMLDesc')
  }

  return {
    capabilities: () => libvirt.virConnectGetCapabilities(connection()) ?? fail('virConnectGetCapabilities'),
    createDomain(xml, { paused = false }) {
      const flags = paused ? VIR_DOMAIN_START_PAUSED : 0
      const domain = libvirt.virDomainCreateXML(connection(), xml, flags) ?? fail('virDomainCreateXML')
      libvirt.virDomainFree(domain)
    },
    domainInfos(names) {
      const infos = new Map<string, DomainInfo>()
      for (const name of names) {
        const info = withDomain(name, infoOf)
        if (info !== undefined) infos.set(name, info)
      }
      return infos
    },
    allDomains() {
      const array: HandleArray<DomainHandle> = [null]
      const count = libvirt.virConnectListAllDomains(connection(), array, 0)
      check(count, 'virConnectListAllDomains')
      const domains = takeHandles(libvirt, array, count)
      return readAll(domains, {
        entry(domain): readonly [string | null, FoundDomain | undefined] {
          const [info, xml] = [infoOf(domain), xmlOf(domain)]
          return [libvirt.virDomainGetName(domain), info && xml !== undefined ? { ...info, xml } : undefined]
        },
        free: (domain) => libvirt.virDomainFree(domain),
      })
    },
    domainXml: (name, form) =>
      withExisting(name, (domain) => {
        const flags = form === 'restorable' ? VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_MIGRATABLE : 0
        return libvirt.virDomainGetXMLDesc(domain, flags) ?? fail('virDomainGetXMLDesc')
      }),
    destroyDomain: (name) =>
      withDomain(name, (domain) => {
        if (libvirt.virDomainDestroy(domain) === 0) return true
        // gone between the two calls, or defined without running
        return unless([VIR_ERR_NO_DOMAIN, VIR_ERR_OPERATION_INVALID], 'virDomainDestroy')
      }) ?? false,
    shutdownDomain: (name, how) =>
      withExisting(name, (domain) => {
        if (how === 'off') check(libvirt.virDomainShutdown(domain), 'virDomainShutdown')
        else check(libvirt.virDomainReboot(domain, 0), 'virDomainReboot')
      }),
    suspendDomain: (name) =>
      withExisting(name, (domain) => check(libvirt.virDomainSuspend(domain), 'virDomainSuspend')),
    resumeDomain: (name) => withExisting(name, (domain) => check(libvirt.virDomainResume(domain), 'virDomainResume')),
    saveDomain: (name, filePath) =>
      withExisting(name, (domain) =>
        check(libvirt.virDomainSaveFlags(domain, filePath, null, 0), 'virDomainSaveFlags'),
      ),
    restoreDomain(_name, filePath, xml, { paused = false }) {
      const flags = paused ? VIR_DOMAIN_SAVE_PAUSED : 0
      check(libvirt.virDomainRestoreFlags(connection(), filePath, xml, flags), 'virDomainRestoreFlags')
    },
    snapshotDomain: (name, xml, { diskOnly = false, reuseFiles = false }) =>
      withExisting(name, (domain) => {
        const flags =
          VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA |
          VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC |
          (diskOnly ? VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY : 0) |
          (reuseFiles ? VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT : 0)
        const snapshot = libvirt.virDomainSnapshotCreateXML(domain, xml, flags) ?? fail('virDomainSnapshotCreateXML')
        libvirt.virDomainSnapshotFree(snapshot)
      }),
    updateDevice: (name, xml) =>
      withExisting(name, (domain) =>
        check(libvirt.virDomainUpdateDeviceFlags(domain, xml, VIR_DOMAIN_AFFECT_LIVE), 'virDomainUpdateDeviceFlags'),
      ),
    limitInterface: (name, mac, kilobytesPerS) =>
      withExisting(name, (domain) => {
        const fields = [VIR_DOMAIN_BANDWIDTH_IN_AVERAGE, VIR_DOMAIN_BANDWIDTH_OUT_AVERAGE]
        const params = fields.map((field) => ({ field, type: VIR_TYPED_PARAM_UINT, value: { ui: kilobytesPerS } }))
        check(
          libvirt.virDomainSetInterfaceParameters(domain, mac, params, params.length, VIR_DOMAIN_AFFECT_LIVE),
          'virDomainSetInterfaceParameters',
        )
      }),
    monitorCommand: (name, command) =>
      withExisting(name, (domain) => {
        const result: [string | null] = [null]
        check(libvirt.virDomainQemuMonitorCommand(domain, command, result, 0), 'virDomainQemuMonitorCommand')
        return result[0] ?? ''
      }),
    agentCommand: (name, command, timeoutS) =>
      withExisting(name, (domain) => {
        // the time that libvirt waits for the agent to listen at all, 5 s by default, comes before that for the answer
        libvirt.virDomainAgentSetResponseTimeout(domain, Math.min(timeoutS, AGENT_SYNC_S), 0)
        return libvirt.virDomainQemuAgentCommand(domain, command, timeoutS, 0) ?? fail('virDomainQemuAgentCommand')
      }),
    createNetwork(xml) {
      const network = libvirt.virNetworkCreateXML(connection(), xml) ?? fail('virNetworkCreateXML')
      libvirt.virNetworkFree(network)
    },
    activeNetworks(names) {
      const active = new Map<string, string>()
      for (const name of names) {
        const xml = withNetwork(name, xmlIfActive)
        if (xml !== undefined) active.set(name, xml)
      }
      return active
    },
    allNetworks() {
      const array: HandleArray<NetworkHandle> = [null]
      const count = libvirt.virConnectListAllNetworks(connection(), array, 0)
      check(count, 'virConnectListAllNetworks')
      const networks = takeHandles(libvirt, array, count)
      return readAll(networks, {
        entry(network): readonly [string | null, FoundNetwork | undefined] {
          const [isActive, xml] = [libvirt.virNetworkIsActive(network) === 1, networkXmlOf(network)]
          return [libvirt.virNetworkGetName(network), xml === undefined ? undefined : { isActive, xml }]
        },
        free: (network) => libvirt.virNetworkFree(network),
      })
    },
    destroyNetwork: (name) =>
      withNetwork(name, (network) => {
        if (libvirt.virNetworkDestroy(network) === 0) return true
        return unless([VIR_ERR_NO_NETWORK, VIR_ERR_OPERATION_INVALID], 'virNetworkDestroy')
      }) ?? false,
    close,
  }
}

interface Reading<H, T> {
  /** Its name and what it is; undefined: it is gone in the meantime. */
  readonly entry: (handle: H) => readonly [string | null, T | undefined]
  readonly free: (handle: H) => void
}

/** Frees every handle, whatever happens to one of them. */
function readAll<H, T>(handles: readonly H[], { entry, free }: Reading<H, T>): ReadonlyMap<string, T> {
  const found = new Map<string, T>()
  try {
    for (const handle of handles) {
      const [name, value] = entry(handle)
      if (name !== null && value !== undefined) found.set(name, value)
    }
    return found
  } finally {
    handles.forEach(free)
  }
}
