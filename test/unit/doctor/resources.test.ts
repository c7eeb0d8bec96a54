import { describe, expect, test } from '@jest/globals'
import { needsOfSpec, needsOfVms, type EnvNeeds } from '../../../src/doctor/needs.js'
import { diskFinding, diskSpace, freeAt, memoryFinding } from '../../../src/doctor/resources.js'
import { findingOf, hostFacts } from '../../helpers/host-facts.js'
import { domainSpec } from '../../helpers/env-spec.js'

const GIB = 1024 ** 3
const needs: EnvNeeds = {
  source: 'the init file /x',
  vms: 2,
  memoryMiB: 2048,
  growthBytes: 10 * GIB,
  imagesDir: '/srv/env',
  wantsKvm: false,
}

function meminfo(fields: Readonly<Record<string, number>>): string {
  return Object.entries(fields)
    .map(([name, mib]) => `${name}:        ${mib * 1024} kB\n`)
    .join('')
}

describe('memory', () => {
  test.each([
    [
      'no environment in question',
      { MemAvailable: 4096 },
      undefined,
      '0',
      'ok',
      '4096 MiB can be had without swapping',
    ],
    ['hardly anything', { MemAvailable: 200 }, undefined, '0', 'warning', 'hardly a guest fits'],
    ['enough', { MemAvailable: 8000, SwapFree: 0 }, needs, '0', 'ok', '2 VMs of the init file /x may take 2176 MiB'],
    ['just above, without what the host should keep', { MemAvailable: 2300 }, needs, '0', 'warning', 'which is tight'],
    ['swap makes up for it', { MemAvailable: 1500, SwapFree: 1000 }, needs, '0', 'warning', '1000 MiB of swap is free'],
    [
      'more than could ever be free',
      { MemAvailable: 1500, SwapFree: 600 },
      needs,
      '0',
      'failed',
      'may take 2176 MiB; 1500',
    ],
    [
      'no promises',
      { MemAvailable: 8000, CommitLimit: 4000, Committed_AS: 2000 },
      needs,
      '2',
      'failed',
      'vm.overcommit_memory=2',
    ],
    ['promises that can be kept', { MemAvailable: 8000, CommitLimit: 8000, Committed_AS: 2000 }, needs, '2', 'ok', ''],
    [
      'commitments do not count otherwise',
      { MemAvailable: 8000, CommitLimit: 4000, Committed_AS: 9000 },
      needs,
      '0',
      'ok',
      '',
    ],
    ['a kernel that does not tell', { MemFree: 8000 }, needs, '0', 'warning', 'cannot be told'],
  ] as const)('%s', (_name, fields, asked, overcommit, outcome, reason) => {
    expect(memoryFinding(meminfo(fields), asked, overcommit)).toMatchObject({
      outcome,
      reason: expect.stringContaining(reason),
    })
  })

  test('of VMs that are all up nothing more is asked', () => {
    const none = { ...needs, vms: 0, memoryMiB: 0 }
    expect(memoryFinding(meminfo({ MemAvailable: 300 }), none, '0')).toMatchObject({ outcome: 'ok' })
  })
})

describe('disk-space', () => {
  const free = (gib: number): Parameters<typeof diskFinding>[0] => [{ dir: '/srv/env', freeBytes: gib * GIB }]

  test.each([
    ['room for all that the disks may become', 20, needs, 'ok', 'free is 20.0 GiB in /srv/env'],
    ['room for less', 5, needs, 'warning', 'may grow by 10240 MiB; free is 5120 MiB'.replace('10240 MiB', '10.0 GiB')],
    ['no room for a first write', 0.05, needs, 'failed', '2 VMs of the init file /x cannot write to their disks'],
    ['tight, without an environment', 1, undefined, 'warning', 'tight'],
    ['enough, without an environment', 3, undefined, 'ok', 'free is 3072 MiB'],
  ] as const)('%s', (_name, gib, asked, outcome, reason) => {
    expect(diskFinding(free(gib), asked)).toMatchObject({ outcome, reason: expect.stringContaining(reason) })
  })

  test('is looked for where the disks will be made, also when that is not there yet', async () => {
    const facts = hostFacts({ stats: { '/srv': {} }, freeBytes: 7 })
    expect(await freeAt(facts, '/srv/env/.lago')).toEqual({ dir: '/srv/env/.lago', freeBytes: 7 })
    expect(await findingOf(diskSpace, { freeBytes: 50 * GIB }, { needs })).toMatchObject({
      outcome: 'ok',
      reason: 'free is 50.0 GiB in /srv/env, 50.0 GiB in /var/lib/lago/store',
    })
  })
})

describe('what an environment needs', () => {
  const disk = { name: 'root', dev: 'vda', metadata: {}, build: [], raw: {} }
  const empty = { ...disk, type: 'empty', format: 'qcow2', sizeBytes: 3 * GIB } as const
  const foreign = domainSpec('far', { provider: 'ssh', memoryMiB: 9999 })
  const near = domainSpec('near', { memoryMiB: 512, accel: 'kvm', disks: [empty] })
  const options = {
    source: 'x',
    imagesDir: '/x',
    isLocal: ({ provider = 'local-libvirt' }) => provider === 'local-libvirt',
  }

  test('is that of its own machines, not of those that others run', () => {
    const spec = { domains: new Map([foreign, near].map((each) => [each.name, each])), nets: new Map() }
    expect(needsOfSpec(spec, options)).toEqual({
      source: 'x',
      imagesDir: '/x',
      vms: 1,
      memoryMiB: 512,
      growthBytes: 3 * GIB,
      wantsKvm: true,
    })
  })

  test('of disks that are there, what they have not taken yet', async () => {
    const plan = {
      path: process.execPath,
      bus: 'virtio',
      device: 'disk',
      driver: 'raw',
      metadata: {},
      backing: undefined,
    } as const
    const vm = {
      spec: near,
      libvirtName: 'n',
      managementNet: 'lago',
      managementIp: undefined,
      nics: [],
      bootstrap: undefined,
      found: {},
      snapshots: new Map(),
      disks: [
        { ...plan, spec: empty },
        { ...plan, spec: empty, path: '/nonexistent/disk' },
      ],
    }
    const { growthBytes } = await needsOfVms([vm], options)
    expect(growthBytes).toBeLessThan(6 * GIB) // one of them has taken something
    expect(growthBytes).toBeGreaterThan(5 * GIB)
  })
})
