import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parseInitFile, readInitFile, type LoadedSpec } from '../../../src/spec/load.js'
import type { DomainSpec } from '../../../src/spec/types.js'

let dir = ''
beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'lago-spec-'))
})
afterAll(async () => rm(dir, { recursive: true, force: true }))

describe('reading', () => {
  test('a file that is not there is named as it always was', async () => {
    const filePath = path.join(dir, 'missing')
    await expect(readInitFile(filePath)).rejects.toMatchObject({
      code: 'LAGO_SPEC_NO_FILE',
      message: `Unable to find init file: ${filePath}`,
    })
    await expect(readInitFile('/dev/null/LagoInitFile')).rejects.toMatchObject({ code: 'LAGO_SPEC_NO_FILE' })
  })

  test.each([
    ['bytes that are not UTF-8', Buffer.from([0x61, 0xff, 0xfe]), 'not text in UTF-8'],
    ['a binary', Buffer.from('QFI\u00fb\u0000\u0000', 'latin1'), 'is binary'],
    ['too much', Buffer.alloc(2 * 1024 ** 2 + 1, 'a'), 'larger than 2097152 bytes'],
    ['nothing', Buffer.alloc(0), 'is empty'],
  ])('%s is refused in plain words', async (_title, content, words) => {
    const filePath = path.join(dir, 'LagoInitFile')
    await writeFile(filePath, content)
    await expect(readInitFile(filePath)).rejects.toMatchObject({
      code: 'LAGO_SPEC_INVALID',
      message: expect.stringContaining(words),
      hint: expect.stringContaining(filePath),
    })
  })

  test('a directory is refused', async () => {
    await expect(readInitFile(dir)).rejects.toMatchObject({
      code: 'LAGO_SPEC_INVALID',
      message: expect.stringContaining('is a directory'),
    })
  })

  test('a name that the system refuses is told with its reason', async () => {
    const filePath = path.join(dir, 'x'.repeat(300))
    await expect(readInitFile(filePath)).rejects.toMatchObject({
      code: 'LAGO_SPEC_INVALID',
      message: expect.stringContaining('ENAMETOOLONG'),
    })
  })

  test('a byte order mark does not matter', async () => {
    const filePath = path.join(dir, 'bom')
    await writeFile(filePath, '\ufeff{"domains": {}, "nets": {"lago": {}}}')
    await chmod(filePath, 0o400)
    expect((await readInitFile(filePath)).spec.nets.has('lago')).toBe(true)
  })
})

describe('what comes out', () => {
  test('a VM that says nothing gets the defaults of old', async () => {
    const { spec, warnings } = await parse('domains: {vm0: {nics: [{net: lago}]}}\nnets: {lago: {}}')
    expect(warnings).toEqual([])
    expect(spec.domains.get('vm0')).toEqual({
      ...EMPTY_DOMAIN,
      nics: [{ net: 'lago', ip: undefined }],
      raw: { nics: [{ net: 'lago' }] },
    })
    expect(spec.nets.get('lago')).toEqual({
      name: 'lago',
      type: 'nat',
      bridge: undefined,
      management: false,
      gateway: undefined,
      subnet: undefined,
      prefixLength: 24,
      dhcp: undefined,
      ipv6: 'auto',
      dnsDomain: undefined,
      dnsRecords: {},
      dnsForwarders: [],
      mtu: 1500,
      raw: {},
    })
  })

  test('nets say their subnet, by its address or its length, and all that hangs on it', async () => {
    const { spec } = await parse(
      [
        'domains: {vm0: {nics: [{net: a}]}}',
        'nets:',
        '  a: {subnet: 10.20.0.0/20, gw: 10.20.3.1, dhcp: {start: 10.20.1.0, end: 4000}, ipv6: "FD00:1:2:3::/64",',
        '      dns_forwarders: [10.0.0.53, {addr: "fd00::53", domain: corp.example}]}',
        '  b: {type: isolated, subnet: /28, ipv6: no}',
        '  c: {type: bridge, bridge: br0}',
      ].join('\n'),
    )
    expect(spec.nets.get('a')).toMatchObject({
      subnet: '10.20.0.0/20',
      prefixLength: 20,
      gateway: '10.20.3.1',
      dhcp: { start: 256, end: 4000 },
      ipv6: { prefix: 'fd00:1:2:3::' },
      dnsForwarders: [
        { address: '10.0.0.53', domain: undefined },
        { address: 'fd00::53', domain: 'corp.example' },
      ],
    })
    expect(spec.nets.get('b')).toMatchObject({ type: 'isolated', subnet: undefined, prefixLength: 28, ipv6: 'none' })
    expect(spec.nets.get('c')).toMatchObject({ type: 'bridge', bridge: 'br0' })
  })

  test('JSON and YAML with the same content are the same, in the order of the file', async () => {
    const content = {
      domains: { zeta: { memory: '512', nics: [{ net: 'lago' }] }, alpha: { memory: 512, nics: [{ net: 'lago' }] } },
      nets: { lago: { dhcp: { start: '2', end: 9 }, mtu: '9000', gw: '192.168.255.1' } },
    }
    const json = await parse(JSON.stringify(content, undefined, '\t'))
    const yaml = await parse(
      'nets: {lago: {dhcp: {start: "2", end: 9}, mtu: "9000", gw: 192.168.255.1}}\n' +
        'domains:\n  zeta: {memory: "512", nics: [{net: lago}]}\n  alpha: {memory: 512, nics: [{net: lago}]}\n',
    )
    expect(json).toEqual(yaml)
    expect([...yaml.spec.domains.keys()]).toEqual(['zeta', 'alpha'])
    expect(yaml.spec.domains.get('zeta')).toMatchObject({ memoryMiB: 512, raw: { memory: '512' } })
    expect(yaml.spec.nets.get('lago')).toMatchObject({
      mtu: 9000,
      dhcp: { start: 2, end: 9 },
      gateway: '192.168.255.1',
    })
  })

  test.each([
    [
      'template',
      { template_name: 't', template_version: 'v1' },
      { format: 'qcow2', template: 't', version: 'v1', sizeBytes: undefined },
    ],
    [
      'template',
      { template_name: 't', format: 'qcow2' },
      { format: 'qcow2', template: 't', version: undefined, sizeBytes: undefined },
    ],
    [
      'template',
      { template_type: 'qcow2', path: '$X/b' },
      { type: 'layered', format: 'qcow2', rawPath: '$X/b', sizeBytes: undefined },
    ],
    ['empty', { size: '1.5k' }, { format: 'qcow2', sizeBytes: 1536 }],
    ['empty', { size: 2097152, format: 'raw' }, { format: 'raw', sizeBytes: 2097152 }],
    ['file', { path: '/a', format: 'iso' }, { format: 'iso', rawPath: '/a', remote: undefined, copy: false }],
    [
      'file',
      { path: '/a', format: 'raw', make_a_copy: 'True' },
      { format: 'raw', rawPath: '/a', remote: undefined, copy: true },
    ],
    [
      'file',
      { path: '/a', format: 'raw', make_a_copy: 'no' },
      { format: 'raw', rawPath: '/a', remote: undefined, copy: false },
    ],
  ])('a disk of type %s: %j', async (type, keys, expected) => {
    const disk = { name: 'root', dev: 'vda', type, ...keys }
    const domain = await domainOf({ disks: [disk] })
    expect(domain.disks).toEqual([{ type, name: 'root', dev: 'vda', metadata: {}, build: [], raw: disk, ...expected }])
  })

  test.each<[Record<string, unknown>, Partial<DomainSpec>]>([
    [{ groups: 'web' }, { groups: ['web'] }],
    [{ groups: ['a', 'b'] }, { groups: ['a', 'b'] }],
    [
      { bootstrap: 'off', boot_time_sec: '5' },
      { bootstrap: 'none', bootTimeoutMs: 5000 },
    ],
    [
      { 'root-password': 123456, 'ssh-password': 'x' },
      { rootPassword: '123456', sshPassword: 'x' },
    ],
    [
      { 'vm-type': 'a', 'vm-provider': 'ssh', accel: 'tcg' },
      { vmType: 'a', provider: 'ssh', accel: 'tcg' },
    ],
    [
      { vcpu: '3', cpu_model: 'Haswell' },
      { vcpus: 3, cpuModel: 'Haswell' },
    ],
    [{ bootstrap: 'True' }, { bootstrap: 'auto' }],
    [
      { bootstrap: 'cloud-init', 'user-data': '#!/bin/sh\necho hi\n' },
      { bootstrap: 'cloud-init', userData: '#!/bin/sh\necho hi\n' },
    ],
    [{ 'user-data': { packages: ['vim'] } }, { userData: { packages: ['vim'] } }],
    [{ cpu_custom: { '@mode': 'custom' } }, { cpuCustom: { '@mode': 'custom' } }],
    [{ metadata: { 'ovirt-scripts': ['a'] } }, { deployScripts: ['a'] }],
    [{ metadata: { 'ovirt-scripts': ['a'], 'deploy-scripts': [] } }, { deployScripts: ['a'] }],
    [{ metadata: { 'ovirt-scripts': ['a'], 'deploy-scripts': ['b'] } }, { deployScripts: ['b'] }],
  ])('%j', async (keys, expected) => {
    expect(await domainOf(keys)).toMatchObject({ ...expected, raw: keys })
  })

  test('names that JavaScript gives to every object are names like others', async () => {
    const { spec } = await parse(
      'domains: {constructor: {nics: [{net: toString}], based-on: valueOf}}\nnets: {toString: {}}\nprototypes: {valueOf: {vcpu: 3}}',
    )
    expect(spec.domains.get('constructor')?.vcpus).toBe(3)
    expect([...spec.nets.keys()]).toEqual(['toString'])
    await expect(parse('domains: {a: {nics: [{net: toString}], based-on: valueOf}}\nnets: {lago: {}}')).rejects.toThrow(
      /"valueOf" is not a prototype[^]*"toString" is not a net|"toString" is not a net[^]*"valueOf" is not a/,
    )
  })
})

describe('prototypes and anchors', () => {
  test('a prototype fills in what is missing, its prototype the rest, and nothing is merged below the first level', async () => {
    const { spec } = await parse(`
domains:
  vm0: {based-on: web, metadata: {a: 1}}
nets: {lago: {}}
prototypes:
  web: {based-on: base, memory: 512, metadata: {b: 2}}
  base: {memory: 256, vcpu: 1, nics: [{net: lago}]}
`)
    const domain = spec.domains.get('vm0')
    expect(domain).toMatchObject({ memoryMiB: 512, vcpus: 1, metadata: { a: 1 }, nics: [{ net: 'lago' }] })
    expect(domain?.raw).toEqual({
      'based-on': 'web',
      metadata: { a: 1 },
      memory: 512,
      vcpu: 1,
      nics: [{ net: 'lago' }],
    })
  })

  test('a problem in a prototype is told once, where it is written', async () => {
    const text =
      'domains: {a: {based-on: p}, b: {based-on: p}}\nnets: {lago: {}}\nprototypes:\n  p: {nics: [{net: lag}]}\n'
    await expect(parse(text)).rejects.toMatchObject({
      message:
        'LagoInitFile:4:20: prototypes.p.nics[0].net: "lag" is not a net of this file; nets: lago; did you mean "lago"?',
    })
  })

  test('anchors may be kept under any top-level key, are copied, and merge', async () => {
    const { spec, warnings } = await parse(`
x-disks: &disks [{name: root, type: empty, size: 1G, dev: vda}]
common: &common {memory: 256, nics: [{net: lago}]}
domains:
  a: {<<: *common, disks: *disks}
  b: {<<: *common, memory: 512, disks: *disks}
nets: {lago: {}}
`)
    const [a, b] = [spec.domains.get('a'), spec.domains.get('b')]
    expect(warnings).toEqual([])
    expect([a?.memoryMiB, b?.memoryMiB]).toEqual([256, 512])
    expect(a?.raw.disks).toEqual(b?.raw.disks)
    expect(a?.raw.disks).not.toBe(b?.raw.disks)
  })

  test.each(['domains: &d {<<: *d}\nnets: {}', 'domains: &d {a: {}, <<: [*d]}\nnets: {}'])(
    'a merge of a mapping into itself ends: %j',
    async (text) => {
      await expect(parse(text)).rejects.toMatchObject({ code: 'LAGO_SPEC_INVALID' })
    },
  )

  test('a problem behind an alias is pointed at where it is written', async () => {
    const text = 'common: &c\n  memory: x\ndomains:\n  a:\n    <<: *c\n    nics: [{net: lago}]\nnets: {lago: {}}\n'
    await expect(parse(text)).rejects.toThrow('LagoInitFile:2:11: domains.a.memory: "x" is not')
  })
})

describe('warnings', () => {
  test.each([
    ['memroy: 1', '3:3 domains.vm0.memroy', 'is not a key of a VM, so it is ignored'],
    ['nics: [{net: lago, mac: x}]', '3:22 domains.vm0.nics[0].mac', 'is not a key of a nic, so it is ignored'],
    ['cpu: 4', '3:3 domains.vm0.cpu', 'is an old key and ignored; use vcpu'],
    ['service_class: x', '3:3 domains.vm0.service_class', 'is an old key and ignored; use service_provider'],
    [
      'metadata: {ovirt-scripts: []}',
      '3:14 domains.vm0.metadata.ovirt-scripts',
      'is the old name of deploy-scripts; use that',
    ],
    [
      'disks: [{name: a, type: empty, dev: vda, size: 60}]',
      '3:50 domains.vm0.disks[0].size',
      '60 is only 60 bytes; write the unit, as in 10G',
    ],
  ])('%s', async (line, place, message) => {
    const nics = line.startsWith('nics') ? '' : '  nics: [{net: lago}]\n'
    const { warnings } = await parse(`domains:\n vm0:\n  ${line}\n${nics}nets: {lago: {}}\n`)
    expect(warnings.map((issue) => `${issue.line}:${issue.column} ${issue.path}`)).toEqual([place])
    expect(warnings[0]).toMatchObject({ severity: 'warning', message })
  })

  test('a comment is welcome everywhere', async () => {
    const { warnings } = await parse(`
comment: x
domains: {vm0: {comment: x, nics: [{net: lago, comment: x}], disks: [{comment: x, name: a, type: empty, size: 1G, dev: vda}]}}
nets: {lago: {comment: x, dhcp: {start: 2, end: 3, comment: x}}}
`)
    expect(warnings).toEqual([])
  })

  test('a name that is no host name is accepted with a warning, as upstream takes it', async () => {
    const { spec, warnings } = await parse('domains: {lago_engine: {nics: [{net: lago}]}}\nnets: {lago: {}}')
    expect(spec.domains.has('lago_engine')).toBe(true)
    expect(warnings).toMatchObject([{ path: 'domains.lago_engine', line: 1, column: 11 }])
  })
})

const EMPTY_DOMAIN: DomainSpec = {
  name: 'vm0',
  memoryMiB: 16_384,
  vcpus: 2,
  cpuModel: undefined,
  cpuCustom: undefined,
  accel: undefined,
  vmType: undefined,
  provider: undefined,
  nics: [],
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
}

async function parse(text: string): Promise<LoadedSpec> {
  return parseInitFile(text, '/somewhere/LagoInitFile')
}

async function domainOf(keys: Record<string, unknown>): Promise<DomainSpec> {
  const file = { domains: { vm0: { nics: [{ net: 'lago' }], ...keys } }, nets: { lago: {} } }
  const domain = (await parse(JSON.stringify(file))).spec.domains.get('vm0')
  if (domain === undefined) throw new Error('the VM got lost')
  return domain
}
