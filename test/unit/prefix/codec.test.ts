import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { planEnv } from '../../../src/plan/plan-env.js'
import type { EnvPlan } from '../../../src/plan/types.js'
import { decodeEnv, decodeNames, encodeEnv, type EncodedPrefix } from '../../../src/prefix/codec.js'
import { BOOTSTRAP_WISHES, type DiskSpec, type DomainSpec, type NetSpec } from '../../../src/spec/types.js'
import {
  domainSpec,
  emptyDisk,
  envSpec,
  fileDisk,
  netSpec,
  nic,
  planFacts,
  PREFIX_DIR,
  templateDisk,
  UUID,
} from '../../helpers/env-spec.js'
import { bridged, manyNets, netsOfEveryKind, quickstart } from '../../helpers/golden-envs.js'

/** As if written to files and read again. */
function throughJson({ metadata, env, nets, vms }: EncodedPrefix): EncodedPrefix {
  const clone = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
  const cloneAll = (files: ReadonlyMap<string, unknown>): Map<string, unknown> =>
    new Map([...files].map(([name, file]) => [name, clone(file)]))
  return { metadata: clone(metadata), env: clone(env), nets: cloneAll(nets), vms: cloneAll(vms) }
}

function roundTrip(plan: EnvPlan): EnvPlan {
  return decodeEnv(throughJson(encodeEnv(plan, PREFIX_DIR)), PREFIX_DIR, plan.uuid)
}

function plan(domains: readonly DomainSpec[], nets: readonly NetSpec[]): EnvPlan {
  const spec = envSpec(domains, nets)
  return planEnv(spec, planFacts(spec))
}

/** An environment as the loader gives it, with everything said in `raw` too and in odd but valid forms. */
function elaborate(): EnvPlan {
  const root: DiskSpec = {
    ...templateDisk('root', 'vda'),
    metadata: { owner: 'me' },
    raw: {
      name: 'root',
      dev: 'vda',
      type: 'template',
      template_name: 'mini',
      metadata: { owner: 'me' },
      build: [null],
    },
  }
  const own: DiskSpec = {
    ...fileDisk('own', 'vdb', { rawPath: '$HOME/own.raw', format: 'raw', copy: true }),
    raw: { name: 'own', dev: 'vdb', type: 'file', path: '$HOME/own.raw', format: 'raw', make_a_copy: 'True' },
  }
  const data: DiskSpec = {
    ...emptyDisk('data', 'sda'),
    raw: { name: 'data', dev: 'sda', type: 'empty', size: '1G' },
  }
  const metadata = { 'ovirt-scripts': ['$HOME/a.sh'], free: { text: 1 } }
  const vm = domainSpec('vm0', {
    memoryMiB: 4096,
    vcpus: 2,
    cpuCustom: { model: 'Westmere' },
    accel: 'tcg',
    nics: [nic('lago', '0.0.0.9')],
    disks: [root, own, data],
    sshPassword: '1234',
    rootPassword: 'secret',
    bootstrap: 'none',
    userData: { packages: ['vim'] },
    bootTimeoutMs: 30_000,
    groups: ['web'],
    deployScripts: [`${PREFIX_DIR}/scripts/_home_u_a.sh`],
    metadata,
    raw: {
      memory: '4096',
      cpu_custom: { model: 'Westmere' },
      accel: 'tcg',
      nics: [{ net: 'lago', ip: '0.0.0.9', note: 'kept' }],
      disks: [root.raw, own.raw, data.raw],
      'ssh-password': 1234,
      'root-password': 'secret',
      bootstrap: 'no',
      'user-data': { packages: ['vim'] },
      boot_time_sec: '30',
      groups: 'web',
      metadata,
      comment: ['kept'],
    },
  })
  const net = netSpec('lago', {
    gateway: '192.168.210.1',
    mtu: 9000,
    dnsRecords: { www: '10.0.0.1' },
    raw: {
      gw: '192.168.210.1',
      dhcp: { start: '100', end: 254 },
      mtu: '9000',
      dns_records: { www: '10.0.0.1' },
      x: null,
    },
  })
  return plan([vm], [net])
}

describe('encode, then decode', () => {
  test.each<[string, EnvPlan]>([
    ['two VMs on one net', quickstart()],
    ['many nets and every kind of disk', manyNets()],
    ['a bridge', bridged()],
    ['nets of every kind', netsOfEveryKind()],
    ['nothing', { uuid: UUID, prefixDir: PREFIX_DIR, vms: new Map(), nets: new Map() }],
  ])('gives the plan back: %s', (_, env) => {
    expect(withoutRaw(roundTrip(env))).toEqual(withoutRaw(env))
  })

  test('keeps what links are degraded by beside the keys of upstream, and nothing for healthy ones', () => {
    const env = manyNets()
    const vm = env.vms.get('storage_1')
    if (vm === undefined) throw new Error('no VM')
    const links = [
      { isDown: true, rateBitsPerS: 1e7 },
      { delayUs: 5, jitterUs: 2, lossPpm: 10 },
    ] as const
    const nics = vm.nics.map((nic, index) => ({ ...nic, ...(links[index] && { link: links[index] }) }))
    const degraded = { ...env, vms: new Map([['storage_1', { ...vm, nics }]]) }
    expect(withoutRaw(roundTrip(degraded))).toEqual(withoutRaw(degraded))
    const stored = encodeEnv(degraded, PREFIX_DIR).vms.get('storage_1') as { nics: Record<string, unknown>[] }
    expect(stored.nics.map((nic) => nic['lago-link'])).toEqual([
      { down: true, rate_bits_per_s: 1e7 },
      { delay_us: 5, jitter_us: 2, loss_ppm: 10 },
      undefined,
      undefined,
    ])
    expect(stored.nics[2]).not.toHaveProperty('lago-link')
    const healed = roundTrip({ ...degraded, vms: new Map([['storage_1', vm]]) })
    expect(healed.vms.get('storage_1')?.nics.every(({ link }) => link === undefined)).toBe(true)
  })

  test('gives the values of the init file back as they were written', () => {
    expect(roundTrip(elaborate())).toEqual(elaborate())
  })

  test('gives the plan back wherever the prefix has been moved', () => {
    const moved = decodeEnv(encodeEnv(elaborate(), PREFIX_DIR), '/elsewhere', UUID)
    expect(moved.vms.get('vm0')?.disks[0]?.path).toBe('/elsewhere/images/vm0_root.qcow2')
    expect(moved.vms.get('vm0')?.spec.deployScripts).toEqual(['/elsewhere/scripts/_home_u_a.sh'])
  })

  test('gives any plan back', () => {
    // JSON has no -0
    const anyJson = fc.jsonValue().map((value): unknown => JSON.parse(JSON.stringify(value)))
    const optionalText = fc.option(fc.string({ minLength: 1 }), { nil: undefined })
    const domains = fc.record({
      memoryMiB: fc.integer({ min: 1, max: 1e6 }),
      vcpus: fc.integer({ min: 1, max: 64 }),
      cpuModel: optionalText,
      accel: fc.constantFrom('auto', 'kvm', 'tcg', undefined),
      vmType: optionalText,
      provider: optionalText,
      sshUser: optionalText,
      sshPassword: optionalText,
      rootPassword: optionalText,
      distro: optionalText,
      bootstrap: fc.constantFrom(...BOOTSTRAP_WISHES),
      userData: fc.constantFrom(undefined, '#cloud-config\n{}', { packages: ['vim'] }),
      bootTimeoutMs: fc.integer({ min: 1, max: 1000 }).map((seconds) => seconds * 1000),
      groups: fc.array(fc.string()),
      artifacts: fc.array(fc.string()),
      deployScripts: fc.array(fc.string().map((name) => `/scripts/${name.replaceAll('$', '')}`)),
      metadata: fc.dictionary(fc.stringMatching(/^[a-z]+$/), anyJson),
      nics: fc
        .array(fc.constantFrom(nic('lago'), nic('san'), nic('br')), { maxLength: 4 })
        .map((more) => [nic('lago'), ...more]),
      disks: fc.uniqueArray(
        fc.constantFrom(
          templateDisk('t', 'vda'),
          emptyDisk('e', 'sda', 'raw'),
          fileDisk('f', 'hda', { rawPath: '$HOME/f' }),
        ),
      ),
    })
    const nets = fc.record({
      mtu: fc.integer({ min: 68, max: 65_535 }),
      dnsDomain: optionalText,
      dhcp: fc.constantFrom({ start: 2, end: 3 }, undefined),
      management: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(domains, { maxLength: 3 }), nets, (given, net) => {
        const env = plan(
          given.map((domain, index) => domainSpec(`vm${index}`, domain)),
          [
            netSpec('lago', { ...net, management: true }),
            netSpec('san', { ...net, management: false }),
            netSpec('br', { type: 'bridge' }),
          ],
        )
        expect(withoutRaw(roundTrip(env))).toEqual(withoutRaw(env))
      }),
      { numRuns: 100 },
    )
  })
})

/** Specs made by hand say nothing in `raw`; what the files then say for them comes back in it. */
function withoutRaw(value: unknown): unknown {
  if (value instanceof Map) return new Map([...value].map(([key, item]: [unknown, unknown]) => [key, withoutRaw(item)]))
  if (Array.isArray(value)) return value.map(withoutRaw)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, key === 'raw' ? {} : withoutRaw(item)]))
}

describe('the files', () => {
  const { metadata, env, nets, vms } = encodeEnv(elaborate(), PREFIX_DIR)

  test('name the program and the parts', () => {
    expect(metadata).toEqual({ lago_version: expect.stringMatching(/^\d+\.\d+\.\d+/) })
    expect(env).toEqual({ nets: ['lago'], vms: ['vm0'] })
  })

  test('have for a VM what the user gave and what was decided', () => {
    expect(vms.get('vm0')).toMatchObject({
      name: 'vm0',
      memory: '4096',
      comment: ['kept'],
      nics: [{ net: 'lago', ip: '192.168.210.9', mtu: 9000, note: 'kept' }],
      disks: [
        {
          name: 'root',
          type: 'template',
          template_name: 'mini',
          dev: 'vda',
          format: 'qcow2',
          path: '$LAGO_PREFIX_PATH/images/vm0_root.qcow2',
          metadata: { owner: 'me', distro: 'debian', arch: 'x86_64' },
          build: [null],
        },
        { name: 'own', format: 'raw', make_a_copy: 'True', path: '$LAGO_PREFIX_PATH/images/own.raw' },
        { name: 'data', format: 'qcow2', size: '1G', path: '$LAGO_PREFIX_PATH/images/vm0_data.qcow2' },
      ],
      metadata: { free: { text: 1 }, 'deploy-scripts': ['$LAGO_PREFIX_PATH/scripts/_home_u_a.sh'] },
      mgmt_net: 'lago',
      snapshots: {},
      'vm-type': 'default',
      'vm-provider': 'local-libvirt',
      'ssh-user': 'root',
      'ssh-password': '1234',
      'root-password': 'secret',
    })
  })

  test('have for a net what the user gave and what was decided', () => {
    const names = {
      vm0: '192.168.210.9',
      'vm0-eth0': '192.168.210.9',
      'vm0-lago': '192.168.210.9',
      'vm0-lago-0': '192.168.210.9',
    }
    expect(nets.get('lago')).toMatchObject({
      name: 'lago',
      type: 'nat',
      gw: '192.168.210.1',
      management: true,
      dhcp: { start: '100', end: 254 },
      mtu: '9000',
      mapping: names,
      dns_domain_name: 'lago.local',
      dns_records: { www: '10.0.0.1', ...names },
    })
  })

  test('have the password of ssh only where one is used', () => {
    const keyOnly = plan([domainSpec('vm0', { rootPassword: 'secret' }), domainSpec('vm1')], [netSpec('lago')])
    const encoded = encodeEnv(keyOnly, PREFIX_DIR)
    expect(encoded.vms.get('vm0')).not.toHaveProperty('ssh-password')
    expect(encoded.vms.get('vm1')).toHaveProperty('ssh-password', '123456')
  })

  test('count as they are when somebody has edited them', () => {
    const edited = throughJson(encodeEnv(elaborate(), PREFIX_DIR))
    Object.assign(edited.vms.get('vm0') as object, { memory: 512, 'root-password': 'other' })
    expect(decodeEnv(edited, PREFIX_DIR, UUID).vms.get('vm0')?.spec).toMatchObject({
      memoryMiB: 512,
      rootPassword: 'other',
    })
  })
})

async function upstreamPrefix(name: string): Promise<EnvPlan> {
  const fixture = new URL(`../../../../test/fixtures/${name}/`, import.meta.url)
  const read = async (name: string): Promise<unknown> => {
    const text = await readFile(new URL(name, fixture), 'utf8')
    return JSON.parse(text.replaceAll('@PREFIX@', PREFIX_DIR))
  }
  const files = await readdir(new URL('virt/', fixture))
  const readAll = async (start: string): Promise<Map<string, unknown>> => {
    const named = files.filter((file) => file.startsWith(start))
    return new Map(
      await Promise.all(named.map(async (file) => [file.slice(start.length), await read(`virt/${file}`)] as const)),
    )
  }
  const encoded = {
    metadata: await read('metadata'),
    env: await read('virt/env'),
    nets: await readAll('net-'),
    vms: await readAll('vm-'),
  }
  return decodeEnv(encoded, PREFIX_DIR, await readFile(new URL('uuid', fixture), 'utf8'))
}

describe('a prefix of upstream 0.5', () => {
  const upstream = async (): Promise<EnvPlan> => upstreamPrefix('upstream-prefix-0.5')

  test('has its nets, without names for DNS', async () => {
    const { nets } = await upstream()
    expect([...nets.keys()]).toEqual(['storage', 'lago'])
    expect(nets.get('lago')).toMatchObject({
      libvirtName: '3f1c-lago',
      isManagement: true,
      gateway: '192.168.250.1',
      subnet: '192.168.250.0/24',
      dnsDomain: undefined,
      dnsRecords: undefined,
    })
    expect(nets.get('lago')?.mapping.get('host0-eth1')).toBe('192.168.250.4')
    expect(nets.get('storage')).toMatchObject({ isManagement: false, dnsForward: undefined })
  })

  test('has its VMs: names, addresses, scripts and services as they were', async () => {
    const { vms } = await upstream()
    expect([...vms.keys()]).toEqual(['storage-nfs', 'engine', 'host0'])
    expect(vms.get('engine')).toMatchObject({
      libvirtName: '3f1c2a8e-engine',
      managementNet: 'lago',
      managementIp: '192.168.250.2',
      found: { serviceManager: 'sysvinit' },
      spec: {
        rootPassword: '123456',
        deployScripts: ['/suite/deploy-scripts/add_local_repo.sh', '/suite/deploy-scripts/setup_engine.sh'],
      },
    })
    expect(vms.get('host0')).toMatchObject({
      managementNet: 'lago',
      managementIp: '192.168.250.4', // the mapping has its first nic alone by its plain name
      nics: [{ net: 'storage' }, { net: 'lago', mac: '54:52:c0:a8:fa:04' }],
      found: { serviceManager: 'systemdcontainer', guestAgent: 'qemu-ga' },
      spec: { memoryMiB: 512, vcpus: 2, deployScripts: [] },
    })
  })

  test('has its disks, each an image that is there, by the name in that of its file', async () => {
    const { vms } = await upstream()
    expect(vms.get('host0')?.disks).toMatchObject([
      { path: `${PREFIX_DIR}/images/host0_root.qcow2`, bus: 'virtio', driver: 'qcow2', spec: { dev: 'vda' } },
      { path: `${PREFIX_DIR}/images/host0_my_data.raw`, bus: 'virtio', driver: 'raw', spec: { dev: 'vdb' } },
    ])
    expect(vms.get('host0')?.spec.disks).toMatchObject([
      { name: 'root', type: 'file', copy: false },
      { name: 'my_data', type: 'file', format: 'raw' },
    ])
    expect(vms.get('engine')?.disks[0]?.metadata).toMatchObject({ distro: 'el6' })
  })

  test('comes back from what we write of it', async () => {
    const plan = await upstream()
    expect(roundTrip(plan)).toEqual(plan)
  })
})

describe('a prefix of upstream 1.0', () => {
  const upstream = async (): Promise<EnvPlan> => upstreamPrefix('upstream-prefix')

  test('has its nets', async () => {
    const { nets } = await upstream()
    expect([...nets.keys()]).toEqual(['lago', 'storage'])
    expect(nets.get('lago')).toMatchObject({
      libvirtName: '8d2b-lago',
      bridgeName: '8d2b-lago-ni',
      isManagement: true,
      gateway: '192.168.203.1',
      dnsDomain: 'lago.local',
      spec: { dhcp: { start: 100, end: 254 }, mtu: 1500, management: true },
    })
    expect(nets.get('lago')?.dnsRecords?.get('host0-storage')).toBe('192.168.204.2')
    expect(nets.get('storage')).toMatchObject({
      isManagement: false,
      dnsRecords: undefined,
      dnsForward: '192.168.203.1',
      spec: { mtu: 9000 },
    })
  })

  test('has its VMs', async () => {
    const { vms } = await upstream()
    expect(vms.get('engine')).toMatchObject({
      libvirtName: '8d2b6f5c-engine',
      managementNet: 'lago',
      managementIp: '192.168.203.2',
      nics: [{ net: 'lago', ip: '192.168.203.2', mac: '54:52:c0:a8:cb:02', mtu: 1500 }],
      spec: {
        memoryMiB: 4096,
        vcpus: 2,
        vmType: 'ovirt-engine',
        sshPassword: '123456',
        rootPassword: undefined,
        bootTimeoutMs: 600_000,
        deployScripts: [`${PREFIX_DIR}/scripts/_suite_add_local_repo.sh`],
        artifacts: ['/var/log'],
        raw: { service_provider: 'systemd' },
      },
    })
    expect(vms.get('host0')).toMatchObject({
      managementIp: '192.168.203.3',
      nics: [{ mtu: 1500 }, { net: 'storage', ip: '192.168.204.2', mtu: 9000 }],
      spec: { vcpus: 4, groups: ['hosts'], bootstrap: 'none' },
    })
  })

  test('has its disks', async () => {
    const { vms } = await upstream()
    expect(vms.get('engine')?.disks).toMatchObject([
      {
        path: `${PREFIX_DIR}/images/engine_root.qcow2`,
        bus: 'virtio',
        driver: 'qcow2',
        metadata: { distro: 'el7' },
        spec: { type: 'template', template: 'el7-base', version: undefined },
      },
      { bus: 'scsi', driver: 'raw', spec: { type: 'empty', sizeBytes: 101 * 1024 ** 3 } },
    ])
    expect(vms.get('host0')?.disks).toMatchObject([
      { path: `${PREFIX_DIR}/images/host0_root.qcow2`, spec: { type: 'layered' } },
      { path: '/srv/tools.iso', bus: 'ide', device: 'cdrom', driver: 'raw', spec: { type: 'file', copy: false } },
    ])
  })

  test('of the time before mgmt_net was stored has its management net', () => {
    const encoded = throughJson(encodeEnv(quickstart(), PREFIX_DIR))
    delete (encoded.vms.get('vm0') as Record<string, unknown>)['mgmt_net']
    expect(decodeEnv(encoded, PREFIX_DIR, UUID).vms.get('vm0')?.managementNet).toBe('lago')
  })
})

describe('a damaged prefix', () => {
  /** Decodes many-nets after `change` was made to one file of it. */
  function damaged(file: string, change: (values: Record<string, never>) => unknown): () => EnvPlan {
    const intact = throughJson(encodeEnv(manyNets(), PREFIX_DIR))
    const apply = (name: string, content: unknown): unknown =>
      name === file ? (change(content as Record<string, never>) ?? content) : content // JSON of ours
    const encoded = {
      ...intact,
      env: apply('env', intact.env),
      nets: new Map([...intact.nets].map(([name, content]) => [name, apply(`net-${name}`, content)])),
      vms: new Map([...intact.vms].map(([name, content]) => [name, apply(`vm-${name}`, content)])),
    }
    return () => decodeEnv(encoded, PREFIX_DIR, UUID)
  }
  const set = (place: string, value: unknown) => (values: Record<string, never>) => {
    const keys = place.split('.')
    const last = keys.pop() ?? ''
    const target = keys.reduce((target: Record<string, never>, key) => target[key] as never, values)
    Object.assign(target, { [last]: value })
  }

  test.each<[string, string, (values: Record<string, never>) => unknown, string]>([
    ['no list of nets', 'env', set('nets', 'lago'), 'virt/env has no nets that is a list'],
    ['a list in place of the list of names', 'env', () => ['lago'], 'virt/env does not hold a mapping'],
    ['a net that has no file', 'env', set('nets', ['lago', 'san', 'quiet', 'gone']), 'virt/net-gone is missing'],
    ['a VM that has no file', 'env', set('vms', ['gone']), 'virt/vm-gone is missing'],
    ['a name that is not a text', 'env', set('vms', [1]), 'virt/env has no vms that is a list of texts'],
    ['a NAT net without gateway', 'net-lago', set('gw', null), 'virt/net-lago has no gw that is a text'],
    [
      'an unknown type of net',
      'net-lago',
      set('type', 'ovs'),
      'virt/net-lago has no type that is one of nat, isolated, routed, bridge',
    ],
    [
      'a mapping to nothing',
      'net-lago',
      set('mapping', { vm0: null }),
      'virt/net-lago has no mapping.vm0 that is a text',
    ],
    ['half a range', 'net-san', set('dhcp', { start: 1 }), 'virt/net-san has no dhcp.end that is a whole number'],
    ['an odd flag', 'net-san', set('management', 'perhaps'), 'virt/net-san has no management that is true or false'],
    [
      'memory in words',
      'vm-storage_1',
      set('memory', 'much'),
      'virt/vm-storage_1 has no memory that is a whole number',
    ],
    [
      'a nic on no net',
      'vm-storage_1',
      set('nics.0.net', 'gone'),
      'virt/vm-storage_1 has no nics[0].net that is one of the nets: lago, san, quiet',
    ],
    [
      'an unknown management net',
      'vm-storage_1',
      set('mgmt_net', 'gone'),
      'virt/vm-storage_1 has no mgmt_net that is the name of one of the nets',
    ],
    [
      'a disk without path',
      'vm-storage_1',
      set('disks.1.path', undefined),
      'virt/vm-storage_1 has no disks[1].path that is a text',
    ],
    [
      'a disk that is not a mapping',
      'vm-storage_1',
      set('disks.0', 'vda'),
      'virt/vm-storage_1 has no disks[0] that is a mapping',
    ],
    [
      'a list in place of metadata',
      'vm-storage_1',
      set('metadata', []),
      'virt/vm-storage_1 has no metadata that is a mapping',
    ],
    [
      'no record of what was given',
      'vm-storage_1',
      set('lago-given', 1),
      'virt/vm-storage_1 has no lago-given that is a mapping',
    ],
    [
      'a disk of a size that is none',
      'vm-storage_1',
      set('lago-given.covered.disks.1.size', 'big'),
      'virt/vm-storage_1 has no disks[1].size that is a size, such as 10G',
    ],
  ])('is told of with file and key: %s', (_, file, change, message) => {
    expect(damaged(file, change)).toThrow(
      expect.objectContaining({ code: 'LAGO_PREFIX_CORRUPT', message: `${PREFIX_DIR}/${message}` }),
    )
  })

  test('is told of without the value, which may be a password', () => {
    expect(damaged('vm-storage_1', set('root-password', ['secret']))).toThrow(
      expect.objectContaining({
        message: expect.not.stringContaining('secret'),
        data: { file: `${PREFIX_DIR}/virt/vm-storage_1`, key: 'root-password' },
      }),
    )
  })

  test('has its names checked by themselves', () => {
    expect(decodeNames({ nets: ['a'], vms: ['b'] }, PREFIX_DIR)).toEqual({ nets: ['a'], vms: ['b'] })
    expect(() => decodeNames(undefined, PREFIX_DIR)).toThrow(
      expect.objectContaining({ code: 'LAGO_PREFIX_CORRUPT', message: `${PREFIX_DIR}/virt/env is missing` }),
    )
  })
})
