/** Specs as the loader makes them: `raw` says the same as the typed values. */
import { formatSubnet } from '../../src/base/ipv4.js'
import { templateKey } from '../../src/plan/disks.js'
import type { PlanFacts } from '../../src/plan/plan-env.js'
import { namedSubnet } from '../../src/spec/net-values.js'
import type { DiskSpec, DomainSpec, EnvSpec, NetSpec } from '../../src/spec/types.js'

export function domainSpec(name: string, given: Partial<DomainSpec> = {}): DomainSpec {
  return {
    name,
    memoryMiB: 16_384,
    vcpus: 2,
    cpuModel: undefined,
    cpuCustom: undefined,
    accel: undefined,
    vmType: undefined,
    provider: undefined,
    nics: [nic('lago')],
    disks: [],
    ova: undefined,
    sshUser: undefined,
    sshPassword: undefined,
    rootPassword: undefined,
    distro: undefined,
    bootstrap: 'auto',
    userData: undefined,
    bootTimeoutMs: 600_000,
    groups: [],
    artifacts: [],
    deployScripts: [],
    metadata: {},
    raw: {},
    ...given,
  }
}

export function nic(net: string, ip?: string): { net: string; ip: string | undefined } {
  return { net, ip }
}

export function netSpec(name: string, given: Partial<NetSpec> = {}): NetSpec {
  return {
    name,
    type: 'nat',
    bridge: undefined,
    management: false,
    gateway: undefined,
    subnet: undefined,
    prefixLength: 24,
    dhcp: { start: 100, end: 254 },
    ipv6: 'auto',
    dnsDomain: undefined,
    dnsRecords: {},
    dnsForwarders: [],
    mtu: 1500,
    raw: {},
    ...given,
  }
}

export function templateDisk(name: string, dev: string, template = 'mini'): DiskSpec {
  return {
    name,
    dev,
    metadata: {},
    build: [],
    raw: {},
    type: 'template',
    format: 'qcow2',
    template,
    version: undefined,
    sizeBytes: undefined,
  }
}

export function emptyDisk(name: string, dev: string, format: 'qcow2' | 'raw' = 'qcow2'): DiskSpec {
  return { name, dev, metadata: {}, build: [], raw: {}, type: 'empty', format, sizeBytes: 1024 ** 3 }
}

export function fileDisk(
  name: string,
  dev: string,
  file: { rawPath: string; copy?: boolean; format?: 'qcow2' | 'raw' | 'iso' },
): DiskSpec {
  const { rawPath, copy = false, format = 'qcow2' } = file
  return { name, dev, metadata: {}, build: [], raw: {}, type: 'file', format, rawPath, remote: undefined, copy }
}

export function envSpec(domains: readonly DomainSpec[], nets: readonly NetSpec[]): EnvSpec {
  return {
    domains: new Map(domains.map((domain) => [domain.name, domain])),
    nets: new Map(nets.map((net) => [net.name, net])),
  }
}

export const UUID = '6f1a2b3c39d011e5b22b54ee755a00ca'
export const PREFIX_DIR = '/w/.lago/default'

/** Subnets 200, 201, ... in the order of the nets that have one and name none; the template `mini`; `$HOME` is `/home/u`. */
export function planFacts(spec: EnvSpec, given: Partial<PlanFacts> = {}): PlanFacts {
  const served = [...spec.nets.values()].filter((net) => net.type !== 'bridge')
  return {
    uuid: UUID,
    prefixDir: PREFIX_DIR,
    imagesDir: `${PREFIX_DIR}/images`,
    subnets: new Map(
      served.map((net, index) => {
        const named = namedSubnet(net)
        return [net.name, named === undefined ? `192.168.${200 + index}.0/${net.prefixLength}` : formatSubnet(named)]
      }),
    ),
    templates: new Map([
      [
        templateKey({ template: 'mini', version: undefined }),
        { path: '/store/ci:mini:v1', format: 'raw', metadata: { distro: 'debian', arch: 'x86_64' } },
      ],
    ]),
    expand: (rawPath) => rawPath.replace('$HOME', '/home/u'),
    ...given,
  }
}
