/** One VM as its file in a prefix (spec 2.3). */
import { macOf, macOfNic } from '../plan/mac.js'
import { domainLibvirtName } from '../plan/names.js'
import type { BootstrapPlan, NetPlan, NicPlan, VmPlan } from '../plan/types.js'
import { BOOTSTRAP_STRATEGIES, BOOTSTRAP_WISHES, type BootstrapWish, type DomainSpec } from '../spec/types.js'
import { cover, definedOnly, uncover } from './given.js'
import { decodeDisk, diskSpec, encodeDisk, givenDiskKeys, withDiskNames } from './stored-disk.js'
import { encodeLink, linkAt } from './stored-link.js'
import { fromStoredPath, toStoredPath } from './stored-paths.js'
import { encodeSnapshots, snapshotsAt } from './stored-snapshot.js'
import {
  choiceAt,
  flagAt,
  has,
  mappingAt,
  mappingsAt,
  optionalTextAt,
  textAt,
  textsAt,
  wholeNumberAt,
  wrong,
  type JsonObject,
  type Stored,
} from './stored.js'

export function encodeVm(vm: VmPlan, prefixDir: string): JsonObject {
  const { spec } = vm
  const given = givenKeys(spec)
  const deployScripts = spec.deployScripts.map((script) => toStoredPath(script, prefixDir))
  return cover(given, {
    name: spec.name,
    nics: vm.nics.map((nic, index) => encodeNic(nic, listOf(given['nics'])[index])),
    disks: vm.disks.map((disk) => encodeDisk(disk, prefixDir)),
    metadata: { ...spec.metadata, 'deploy-scripts': deployScripts },
    mgmt_net: vm.managementNet,
    ...encodeSnapshots(vm, prefixDir),
    bootstrapped: vm.bootstrap && encodeBootstrap(vm.bootstrap, prefixDir),
    service_provider: vm.found.serviceManager,
    'guest-agent': vm.found.guestAgent,
    'vm-type': spec.vmType ?? 'default',
    'vm-provider': spec.provider ?? 'local-libvirt',
    'ssh-user': spec.sshUser ?? 'root',
    'ssh-password': spec.sshPassword ?? (spec.rootPassword === undefined ? '123456' : undefined),
  })
}

export function decodeVm(file: Stored, nets: ReadonlyMap<string, NetPlan>, place: VmPlace): VmPlan {
  const stored = withDiskNames(file, place.name)
  const given = uncover(stored)
  const spec = domainSpec(given, stored, place)
  const nics = mappingsAt(stored, 'nics').map((nic, index) =>
    decodeNic(nic, nets, macOfNic(place.uuid, spec.name, index)),
  )
  const managementNet = managementNetAt(stored, nics, nets)
  const onManagement = nics.find((nic) => nic.net === managementNet)
  const givenDisks = mappingsAt(given, 'disks')
  return {
    spec,
    libvirtName: domainLibvirtName(place.uuid, spec.name),
    managementNet,
    managementIp: nets.get(managementNet)?.mapping.get(spec.name) ?? onManagement?.ip,
    nics,
    disks: mappingsAt(stored, 'disks').map((disk, index) =>
      decodeDisk(disk, givenDisks[index] ?? disk, place.prefixDir),
    ),
    bootstrap: has(stored, 'bootstrapped')
      ? bootstrappedAt(mappingAt(stored, 'bootstrapped'), place.prefixDir)
      : undefined,
    found: definedOnly({
      serviceManager: serviceManagerAt(stored, given),
      guestAgent: optionalTextAt(stored, 'guest-agent'),
    }),
    snapshots: snapshotsAt(stored, place.prefixDir),
  }
}

function encodeBootstrap({ strategy, seedPath, isDone }: BootstrapPlan, prefixDir: string): JsonObject {
  return definedOnly({ by: strategy, seed: seedPath && toStoredPath(seedPath, prefixDir), done: isDone })
}

function bootstrappedAt(stored: Stored, prefixDir: string): BootstrapPlan {
  const seed = optionalTextAt(stored, 'seed')
  return {
    strategy: choiceAt(stored, 'by', BOOTSTRAP_STRATEGIES),
    seedPath: seed === undefined ? undefined : fromStoredPath(seed, prefixDir),
    isDone: flagAt(stored, 'done', true),
  }
}

export interface VmPlace {
  /** As `virt/env` has it. */
  readonly name: string
  readonly prefixDir: string
  readonly uuid: string
}

function encodeNic(nic: NicPlan, given: unknown): JsonObject {
  return definedOnly({
    ...objectOf(given),
    net: nic.net,
    ip: nic.ip,
    mtu: nic.mtu === 1500 ? undefined : nic.mtu,
    ...encodeLink(nic.link),
  })
}

function decodeNic(stored: Stored, nets: ReadonlyMap<string, NetPlan>, ownMac: string): NicPlan {
  const net = nets.get(textAt(stored, 'net'))
  if (net === undefined) throw wrong(stored, 'net', `one of the nets: ${[...nets.keys()].join(', ')}`)
  const ip = optionalTextAt(stored, 'ip')
  const mac = ip === undefined ? ownMac : macOf(ip)
  return { net: net.spec.name, ip, mac, mtu: wholeNumberAt(stored, 'mtu', net.spec.mtu), ...linkAt(stored) }
}

/** Before 0.37 it was not stored: there it is the one of its nets that is marked. */
function managementNetAt(stored: Stored, nics: readonly NicPlan[], nets: ReadonlyMap<string, NetPlan>): string {
  const named = optionalTextAt(stored, 'mgmt_net')
  const net = named ?? nics.find((nic) => nets.get(nic.net)?.isManagement)?.net
  if (net === undefined || !nets.has(net)) throw wrong(stored, 'mgmt_net', 'the name of one of the nets')
  return net
}

/** The user's keys; what they do not say, because the spec was not read from a file, is added. */
function givenKeys(spec: DomainSpec): JsonObject {
  const said = definedOnly({
    memory: spec.memoryMiB === DEFAULT_MEMORY_MIB ? undefined : spec.memoryMiB,
    vcpu: spec.vcpus === DEFAULT_VCPUS ? undefined : spec.vcpus,
    cpu_model: spec.cpuModel,
    cpu_custom: spec.cpuCustom,
    accel: spec.accel,
    'vm-type': spec.vmType,
    'vm-provider': spec.provider,
    nics: unlessEmpty(spec.nics.map((nic) => definedOnly({ ...nic }))),
    disks: unlessEmpty(spec.disks.map(givenDiskKeys)),
    'ssh-user': spec.sshUser,
    'ssh-password': spec.sshPassword,
    'root-password': spec.rootPassword,
    distro: spec.distro,
    bootstrap: storedBootstrap(spec.bootstrap),
    'user-data': spec.userData,
    boot_time_sec: spec.bootTimeoutMs === DEFAULT_BOOT_TIMEOUT_S * 1000 ? undefined : spec.bootTimeoutMs / 1000,
    groups: unlessEmpty(spec.groups),
    artifacts: unlessEmpty(spec.artifacts),
    metadata: Object.keys(spec.metadata).length === 0 ? undefined : spec.metadata,
  })
  return { ...said, ...spec.raw }
}

/** Deploy scripts are those of the prefix, where `init` has copied them. */
function domainSpec(given: Stored, stored: Stored, { name, prefixDir }: VmPlace): DomainSpec {
  return {
    name,
    memoryMiB: wholeNumberAt(given, 'memory', DEFAULT_MEMORY_MIB),
    vcpus: wholeNumberAt(given, 'vcpu', DEFAULT_VCPUS),
    cpuModel: optionalTextAt(given, 'cpu_model'),
    cpuCustom: has(given, 'cpu_custom') ? mappingAt(given, 'cpu_custom').values : undefined,
    accel: has(given, 'accel') ? choiceAt<'auto' | 'kvm' | 'tcg'>(given, 'accel', ['auto', 'kvm', 'tcg']) : undefined,
    vmType: optionalTextAt(given, 'vm-type'),
    provider: optionalTextAt(given, 'vm-provider'),
    nics: mappingsAt(given, 'nics').map((nic) => ({ net: textAt(nic, 'net'), ip: optionalTextAt(nic, 'ip') })),
    disks: mappingsAt(given, 'disks').map(diskSpec),
    ova: undefined, // its archive was unpacked by init
    sshUser: optionalTextAt(given, 'ssh-user'),
    sshPassword: optionalTextAt(given, 'ssh-password'),
    rootPassword: optionalTextAt(given, 'root-password'),
    distro: optionalTextAt(given, 'distro'),
    bootstrap: bootstrapAt(given),
    userData: userDataAt(given),
    bootTimeoutMs: wholeNumberAt(given, 'boot_time_sec', DEFAULT_BOOT_TIMEOUT_S) * 1000,
    groups: groupsAt(given),
    artifacts: textsAt(given, 'artifacts'),
    deployScripts: deployScriptsAt(mappingAt(stored, 'metadata'), prefixDir),
    metadata: mappingAt(given, 'metadata').values,
    raw: given.values,
  }
}

/** spec 3.3 */
const DEFAULT_MEMORY_MIB = 16_384
const DEFAULT_VCPUS = 2
const DEFAULT_BOOT_TIMEOUT_S = 600

/** Upstream knows true, which is the default, and false. */
function storedBootstrap(wish: BootstrapWish): BootstrapWish | false | undefined {
  return wish === 'auto' ? undefined : wish === 'none' ? false : wish
}

function bootstrapAt(given: Stored): BootstrapWish {
  const wish = BOOTSTRAP_WISHES.find((name) => name === given.values['bootstrap'])
  return wish ?? (flagAt(given, 'bootstrap', true) ? 'auto' : 'none')
}

function userDataAt(given: Stored): DomainSpec['userData'] {
  if (!has(given, 'user-data')) return undefined
  const value = given.values['user-data']
  return typeof value === 'string' ? value : mappingAt(given, 'user-data').values
}

function groupsAt(given: Stored): readonly string[] {
  return typeof given.values['groups'] === 'string' ? [given.values['groups']] : textsAt(given, 'groups')
}

/**
 * Before it was called `service_provider` it was the name of a class (spec 2.3). `given` is `stored` in upstream's files alone;
 * in ours a `service_class` is a word of the init file that nobody heeds.
 */
function serviceManagerAt(stored: Stored, given: Stored): string | undefined {
  const className = given === stored ? optionalTextAt(stored, 'service_class') : undefined
  return optionalTextAt(stored, 'service_provider') ?? className?.replaceAll('_', '')
}

function deployScriptsAt(metadata: Stored, prefixDir: string): readonly string[] {
  const key = has(metadata, 'deploy-scripts') ? 'deploy-scripts' : 'ovirt-scripts' // the same, before 0.15
  return textsAt(metadata, key).map((script) => fromStoredPath(script, prefixDir))
}

function unlessEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function objectOf(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {}
}
