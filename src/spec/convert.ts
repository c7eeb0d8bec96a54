/** Valid input into the types that everyone else reads: defaults, units, one form for what may be written in several. */
import type { MergedDomain } from './prototypes.js'
import { mappingOf, valueAt, type PlainMapping } from './findings.js'
import { dnsForwardersOf, hostNumber, ipv6Of, prefixLengthOf } from './net-values.js'
import { bootstrapOf, domainSchema, flagOf, netSchema, type DiskInput } from './schema.js'
import { parseSizeBytes } from './size.js'
import type { DiskCommon, DiskSpec, DomainSpec, EnvSpec, NetSpec, RemoteFile } from './types.js'

/** spec 3.3 */
const DEFAULT_MEMORY_MIB = 16_384
const DEFAULT_VCPUS = 2
const DEFAULT_BOOT_TIMEOUT_S = 600
/** spec 3.9 */
const DEFAULT_MTU = 1500

/** Only for input in which no errors were found. */
export function convertInitFile(domains: readonly MergedDomain[], nets: PlainMapping): EnvSpec {
  return {
    domains: new Map(domains.map((domain) => [domain.name, toDomain(domain)])),
    nets: new Map(Object.entries(nets).map(([name, net]) => [name, toNet(name, net)])),
  }
}

function toDomain({ name, raw }: MergedDomain): DomainSpec {
  const input = domainSchema.parse(raw)
  const metadata = input.metadata ?? {}
  const deployScripts = metadata['deploy-scripts'] ?? []
  return {
    name,
    memoryMiB: Number(input.memory ?? DEFAULT_MEMORY_MIB),
    vcpus: Number(input.vcpu ?? DEFAULT_VCPUS),
    cpuModel: input.cpu_model,
    cpuCustom: input.cpu_custom,
    accel: input.accel,
    vmType: input['vm-type'],
    provider: input['vm-provider'],
    nics: (input.nics ?? []).map(({ net, ip }) => ({ net, ip })),
    disks: (input.disks ?? []).map((disk, index) => toDisk(disk, mappingOf(valueAt(raw, ['disks', index])))),
    ova: input.type === 'ova' ? remoteFile(input) : undefined,
    sshUser: input['ssh-user'],
    sshPassword: toText(input['ssh-password']),
    rootPassword: toText(input['root-password']),
    distro: input.distro,
    bootstrap: bootstrapOf(input.bootstrap),
    userData: input['user-data'],
    bootTimeoutMs: Number(input.boot_time_sec ?? DEFAULT_BOOT_TIMEOUT_S) * 1000,
    groups: typeof input.groups === 'string' ? [input.groups] : (input.groups ?? []),
    artifacts: input.artifacts ?? [],
    // the old key counts only when the new one is empty (spec 3.7)
    deployScripts: deployScripts.length > 0 ? deployScripts : (metadata['ovirt-scripts'] ?? []),
    metadata,
    raw,
  }
}

function toText(value: string | number | undefined): string | undefined {
  return value === undefined ? undefined : String(value)
}

function toDisk(input: DiskInput, raw: PlainMapping): DiskSpec {
  const { name, dev, metadata = {} } = input
  const common: DiskCommon = { name, dev, metadata, build: buildSteps(input), raw }
  switch (input.type) {
    case 'template':
      return input.template_type === 'qcow2'
        ? { ...common, type: 'layered', format: 'qcow2', rawPath: given(input.path), sizeBytes: sizeOf(input) }
        : {
            ...common,
            type: 'template',
            format: 'qcow2',
            template: given(input.template_name),
            version: input.template_version,
            sizeBytes: sizeOf(input),
          }
    case 'empty':
      return { ...common, type: 'empty', format: input.format ?? 'qcow2', sizeBytes: given(parseSizeBytes(input.size)) }
    case 'file':
      return {
        ...common,
        type: 'file',
        format: input.format,
        rawPath: input.path,
        remote: remoteFile(input),
        copy: flagOf(input.make_a_copy),
      }
  }
}

/** Empty steps are passed over (spec 3.8). */
function buildSteps({ build = [] }: DiskInput): DiskCommon['build'] {
  return build.flatMap((step) => Object.values(step ?? {})).map((options) => options ?? {})
}

function sizeOf({ size }: { readonly size?: string | number | undefined }): number | undefined {
  return size === undefined ? undefined : given(parseSizeBytes(size))
}

function remoteFile(input: {
  readonly url?: string | undefined
  readonly checksum?: string | undefined
}): RemoteFile | undefined {
  return input.url === undefined ? undefined : { rawUrl: input.url, checksum: input.checksum }
}

/** What the checks made sure of. */
function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('unreachable: an init file was converted that had not passed the checks')
  return value
}

function toNet(name: string, raw: unknown): NetSpec {
  const input = netSchema.parse(raw)
  const { dhcp, subnet } = input
  const prefixLength = given(prefixLengthOf(subnet))
  return {
    name,
    type: input.type ?? 'nat',
    bridge: input.bridge,
    management: flagOf(input.management),
    gateway: input.gw,
    subnet: subnet?.startsWith('/') === true ? undefined : subnet,
    prefixLength,
    dhcp:
      dhcp === undefined
        ? undefined
        : { start: hostNumber(dhcp.start, prefixLength), end: hostNumber(dhcp.end, prefixLength) },
    ipv6: ipv6Of(input.ipv6),
    dnsDomain: input.dns_domain_name,
    dnsRecords: input.dns_records ?? {},
    dnsForwarders: dnsForwardersOf(input.dns_forwarders),
    mtu: Number(input.mtu ?? DEFAULT_MTU),
    raw: mappingOf(raw),
  }
}
