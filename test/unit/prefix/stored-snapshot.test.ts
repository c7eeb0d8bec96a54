import { describe, expect, test } from '@jest/globals'
import { planEnv } from '../../../src/plan/plan-env.js'
import type { SnapshotPlan, VmPlan } from '../../../src/plan/types.js'
import { encodeSnapshots, snapshotsAt } from '../../../src/prefix/stored-snapshot.js'
import { storedFile } from '../../../src/prefix/stored.js'
import { domainSpec, emptyDisk, envSpec, netSpec, planFacts, PREFIX_DIR, templateDisk } from '../../helpers/env-spec.js'

function vmWith(snapshots: readonly (readonly [string, SnapshotPlan])[]): VmPlan {
  const spec = envSpec(
    [domainSpec('vm0', { disks: [templateDisk('root', 'vda'), emptyDisk('data', 'vdb', 'raw')] })],
    [netSpec('lago', { management: true })],
  )
  const vm = planEnv(spec, planFacts(spec)).vms.get('vm0')
  if (vm === undefined) throw new Error('unreachable: vm0 was planned')
  return { ...vm, snapshots: new Map(snapshots) }
}

function read(values: unknown, prefixDir = PREFIX_DIR): ReadonlyMap<string, SnapshotPlan> {
  const json: unknown = JSON.parse(JSON.stringify(values))
  return snapshotsAt(storedFile(`${prefixDir}/virt/vm-vm0`, json), prefixDir)
}

const internal: SnapshotPlan = {
  takenAtMs: 1_700_000_000_000,
  form: 'internal',
  disks: [{ index: 0, path: `${PREFIX_DIR}/images/vm0_root.qcow2`, format: 'qcow2' }],
  memory: { domainXmlPath: `${PREFIX_DIR}/virt/snapshot-vm0.a.xml`, filePath: undefined },
}
const external: SnapshotPlan = {
  takenAtMs: 1_700_000_000_001,
  form: 'external',
  disks: [
    {
      index: 0,
      path: `${PREFIX_DIR}/images/vm0_root.qcow2`,
      format: 'qcow2',
      backing: { path: '/store/mini', format: 'raw' },
    },
    { index: 1, path: `${PREFIX_DIR}/images/vm0_data.raw`, format: 'raw' },
  ],
  memory: {
    domainXmlPath: `${PREFIX_DIR}/virt/snapshot-vm0.b.xml`,
    filePath: `${PREFIX_DIR}/images/vm0.b.memory`,
  },
}
const diskOnly: SnapshotPlan = { ...internal, takenAtMs: 1_700_000_000_002, memory: undefined }

describe('snapshots in the file of a VM', () => {
  test('come back as they were, oldest first', () => {
    const vm = vmWith([
      ['c', diskOnly],
      ['a', internal],
      ['b', external],
    ])
    expect([...read(encodeSnapshots(vm, PREFIX_DIR))]).toEqual([
      ['a', internal],
      ['b', external],
      ['c', diskOnly],
    ])
  })

  test('follow a prefix that was moved, and leave what is elsewhere', () => {
    const moved = read(encodeSnapshots(vmWith([['b', external]]), PREFIX_DIR), '/elsewhere').get('b')
    expect(moved?.disks[1]?.path).toBe('/elsewhere/images/vm0_data.raw')
    expect(moved?.disks[0]?.backing?.path).toBe('/store/mini')
    expect(moved?.memory?.filePath).toBe('/elsewhere/images/vm0.b.memory')
  })

  test("have upstream's list of disks, with the path of their content", () => {
    const { snapshots } = encodeSnapshots(vmWith([['b', external]]), PREFIX_DIR)
    expect(snapshots).toMatchObject({
      b: [
        { name: 'root', dev: 'vda', type: 'template', path: '$LAGO_PREFIX_PATH/images/vm0_root.qcow2' },
        { name: 'data', dev: 'vdb', type: 'empty', format: 'raw', path: '$LAGO_PREFIX_PATH/images/vm0_data.raw' },
      ],
    })
  })

  test('that upstream took are frozen disks without memory; an iso is not among them', () => {
    const disks = [
      { name: 'root', dev: 'vda', format: 'qcow2', path: '$LAGO_PREFIX_PATH/images/root' },
      { name: 'cd', dev: 'hda', format: 'iso', path: '/isos/cd.iso' },
    ]
    expect(read({ snapshots: { old: disks } }).get('old')).toEqual({
      takenAtMs: 0,
      form: 'external',
      disks: [{ index: 0, path: `${PREFIX_DIR}/images/root`, format: 'qcow2' }],
      memory: undefined,
    })
  })

  test('that make no sense name file and key', () => {
    const record = { ...encodeSnapshots(vmWith([['a', internal]]), PREFIX_DIR), 'lago-snapshots': { a: { form: 'x' } } }
    expect(() => read(record)).toThrow(
      expect.objectContaining({
        code: 'LAGO_PREFIX_CORRUPT',
        message: expect.stringMatching(/vm-vm0.*lago-snapshots\.a\.taken_at_ms/),
      }),
    )
  })
})
