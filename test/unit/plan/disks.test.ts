import { describe, expect, test } from '@jest/globals'
import { planDisks } from '../../../src/plan/disks.js'
import type { DiskPlan } from '../../../src/plan/types.js'
import type { DiskSpec } from '../../../src/spec/types.js'
import { domainSpec, emptyDisk, envSpec, fileDisk, planFacts, templateDisk } from '../../helpers/env-spec.js'

function plan(disksOf: Readonly<Record<string, readonly DiskSpec[]>>): DiskPlan[] {
  const domains = Object.entries(disksOf).map(([name, disks]) => domainSpec(name, { disks }))
  return [...planDisks(domains, planFacts(envSpec(domains, []))).values()].flat()
}

const layered: DiskSpec = {
  name: 'root',
  dev: 'vda',
  metadata: {},
  build: [],
  raw: {},
  type: 'layered',
  format: 'qcow2',
  rawPath: '$HOME/base.qcow2',
  sizeBytes: undefined,
}

describe('where a disk is', () => {
  test.each<[string, DiskSpec, object]>([
    [
      'a template disk is an overlay in the prefix',
      templateDisk('root', 'vda'),
      { path: '/w/.lago/default/images/vm0_root.qcow2', backing: { path: '/store/ci:mini:v1', format: 'raw' } },
    ],
    [
      'a layered disk lies over a file of the user',
      layered,
      { path: '/w/.lago/default/images/vm0_root.qcow2', backing: { path: '/home/u/base.qcow2', format: 'qcow2' } },
    ],
    [
      'an empty disk is named for its format',
      emptyDisk('data', 'vdb', 'raw'),
      { path: '/w/.lago/default/images/vm0_data.raw', backing: undefined },
    ],
    [
      'a file is used where it is',
      fileDisk('x', 'vda', { rawPath: '$HOME/x.qcow2' }),
      { path: '/home/u/x.qcow2', backing: undefined },
    ],
    [
      'a copy keeps its name',
      fileDisk('x', 'vda', { rawPath: '$HOME/x.qcow2', copy: true }),
      { path: '/w/.lago/default/images/x.qcow2', backing: undefined },
    ],
  ])('%s', (_, disk, expected) => {
    expect(plan({ vm0: [disk] })).toEqual([expect.objectContaining(expected)])
  })

  test('the second copy of one file is named for its disk', () => {
    const copy = fileDisk('x', 'vda', { rawPath: '/base/x.qcow2', copy: true })
    expect(plan({ vm0: [copy], vm1: [copy] }).map((disk) => disk.path)).toEqual([
      '/w/.lago/default/images/x.qcow2',
      '/w/.lago/default/images/vm1_x.qcow2',
    ])
  })

  test('two disks that would be one file are refused', () => {
    expect(() => plan({ a_b: [emptyDisk('c', 'vda')], a: [emptyDisk('b_c', 'vda')] })).toThrow(
      expect.objectContaining({
        code: 'LAGO_SPEC_INVALID',
        message: 'the disks a_b:c and a:b_c would share the file a_b_c.qcow2',
      }),
    )
  })
})

test.each<[string, DiskSpec, object]>([
  ['vdX is virtio', emptyDisk('d', 'vdb', 'raw'), { bus: 'virtio', device: 'disk', driver: 'raw' }],
  ['sdX is virtio-scsi', emptyDisk('d', 'sda'), { bus: 'scsi', device: 'disk', driver: 'qcow2' }],
  ['hdX is ide', emptyDisk('d', 'hda'), { bus: 'ide', device: 'disk', driver: 'qcow2' }],
  [
    'an iso is an ide cdrom',
    fileDisk('d', 'hdc', { rawPath: '/x.iso', format: 'iso' }),
    { bus: 'ide', device: 'cdrom', driver: 'raw' },
  ],
  [
    'an iso is an ide cdrom whatever its device',
    fileDisk('d', 'sdc', { rawPath: '/x.iso', format: 'iso' }),
    { bus: 'ide', device: 'cdrom', driver: 'raw' },
  ],
])('%s', (_, disk, expected) => {
  expect(plan({ vm0: [disk] })).toEqual([expect.objectContaining(expected)])
})

test('the metadata of the template wins over those of the init file', () => {
  const disk = { ...templateDisk('root', 'vda'), metadata: { distro: 'mine', owner: 'me' } }
  expect(plan({ vm0: [disk] })[0]?.metadata).toEqual({ distro: 'debian', arch: 'x86_64', owner: 'me' })
})
