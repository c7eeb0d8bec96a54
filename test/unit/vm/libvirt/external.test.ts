import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { LagoError } from '../../../../src/base/errors.js'
import { createTask } from '../../../../src/base/task.js'
import { createEmpty, createOverlay, readImageInfo } from '../../../../src/disk/qemu-img.js'
import { planEnv } from '../../../../src/plan/plan-env.js'
import type { DiskBacking, SnapshotPlan, VmPlan } from '../../../../src/plan/types.js'
import { adoptImages } from '../../../../src/vm/libvirt/snapshots/adopt.js'
import type { Monitor } from '../../../../src/vm/libvirt/snapshots/qemu-job.js'
import { freezeImages, mergeUnneeded, withOverlays } from '../../../../src/vm/libvirt/snapshots/external.js'
import { changeInternalSnapshot } from '../../../../src/disk/qemu-img.js'
import { domainSpec, emptyDisk, envSpec, netSpec, planFacts } from '../../../helpers/env-spec.js'
import { recordedTask } from '../../../helpers/recorded-task.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'

const { task } = recordedTask()
const tempDir = useTempDirs()
const run = promisify(execFile)

function vmOn(images: readonly { path: string; driver: 'qcow2' | 'raw'; backing?: DiskBacking }[]): VmPlan {
  const disks = images.map((_, index) => emptyDisk(`disk${index}`, `vd${'abc'[index] ?? ''}`))
  const spec = envSpec([domainSpec('vm0', { disks })], [netSpec('lago', { management: true })])
  const vm = planEnv(spec, planFacts(spec)).vms.get('vm0')
  if (vm === undefined) throw new Error('unreachable: vm0 was planned')
  return { ...vm, disks: vm.disks.map((disk, index) => ({ ...disk, backing: undefined, ...images[index] })) }
}

async function qemuIo(image: string, format: string, command: string): Promise<void> {
  const { stdout } = await run('qemu-io', ['-f', format, '-c', command, image])
  if (/failed/.test(stdout)) throw new Error(stdout)
}

/** base.raw (1 at 0) <- frozen.qcow2 (2 at 64k) <- top.qcow2 (3 at 128k) */
async function threeLayers(dir: string): Promise<{ vm: VmPlan; base: DiskBacking; frozen: DiskBacking; top: string }> {
  const base: DiskBacking = { path: path.join(dir, 'base.raw'), format: 'raw' }
  const frozen: DiskBacking = { path: path.join(dir, 'frozen.qcow2'), format: 'qcow2', backing: base }
  const top = path.join(dir, 'top.qcow2')
  await createEmpty(task, base.path, 'raw', 1024 ** 2)
  await qemuIo(base.path, 'raw', 'write -P 1 0 64k')
  await createOverlay(task, frozen.path, base)
  await qemuIo(frozen.path, 'qcow2', 'write -P 2 64k 64k')
  await createOverlay(task, top, frozen)
  await qemuIo(top, 'qcow2', 'write -P 3 128k 64k')
  return { vm: vmOn([{ path: top, driver: 'qcow2', backing: frozen }]), base, frozen, top }
}

function snapshotOn(disk: DiskBacking): SnapshotPlan {
  return { takenAtMs: 1, form: 'external', disks: [{ index: 0, ...disk }], memory: undefined }
}

describe('layers that no snapshot needs', () => {
  test('are merged into the disk, whose content stays', async () => {
    const { vm, base, top } = await threeLayers(await tempDir())
    const merged = await mergeUnneeded(task, vm)
    expect(merged.disks[0]?.backing).toEqual(base)
    expect((await readImageInfo(task, top)).backingPath).toBe('./base.raw')
    for (const [index, pattern] of [1, 2, 3].entries())
      await qemuIo(top, 'qcow2', `read -P ${pattern} ${index * 64}k 64k`)
  })

  test('stay below a snapshot that needs them', async () => {
    const { vm, frozen } = await threeLayers(await tempDir())
    const needing = { ...vm, snapshots: new Map([['a', snapshotOn(frozen)]]) }
    expect((await mergeUnneeded(task, needing)).disks).toEqual(vm.disks)
  })

  test('stay below a disk that has snapshots inside', async () => {
    const { vm, top } = await threeLayers(await tempDir())
    await changeInternalSnapshot(task, 'create', top, 'lago.inner')
    expect((await mergeUnneeded(task, vm)).disks).toEqual(vm.disks)
  })
})

describe('overlays', () => {
  test('come in files that were not there, next to what they are laid over', async () => {
    const dir = await tempDir()
    const { vm, top } = await threeLayers(dir)
    const disks = [{ index: 0, path: top, format: 'qcow2' as const }]
    const first = await withOverlays(task, vm, disks, dir)
    const second = await withOverlays(task, first, disks, dir)
    expect(first.disks[0]?.path).not.toBe(second.disks[0]?.path)
    expect(second.disks[0]).toMatchObject({ driver: 'qcow2', backing: { path: top } })
    expect((await readImageInfo(task, second.disks[0]?.path ?? '')).backingPath).toBe('./top.qcow2')
  })

  test('are gone when one of them cannot be made, and when libvirt refuses', async () => {
    const dir = await tempDir()
    const { vm, top } = await threeLayers(dir)
    const before = await readdir(dir)
    const two = vmOn([
      { path: top, driver: 'qcow2' },
      { path: path.join(dir, 'missing.raw'), driver: 'raw' },
    ])
    const disks = [
      { index: 0, path: top, format: 'qcow2' as const },
      { index: 1, path: path.join(dir, 'missing.raw'), format: 'raw' as const },
    ]
    await expect(withOverlays(task, two, disks, dir)).rejects.toMatchObject({ code: 'LAGO_DISK_BACKING' })
    expect(await readdir(dir)).toEqual(before)

    const refusing = {
      snapshotDomain: async () =>
        Promise.reject(new LagoError('LAGO_LIBVIRT', 'refused', { data: { libvirtCode: 1 } })),
    }
    const request = { disks: disks.slice(0, 1), imagesDir: dir, isUp: true, memoryPath: undefined }
    await expect(freezeImages(task, refusing, vm, request)).rejects.toThrow('refused')
    expect(await readdir(dir)).toEqual(before)
  })

  test('are told of when the abort comes while libvirt is at it: it cannot be called back', async () => {
    const dir = await tempDir()
    const { vm, top } = await threeLayers(dir)
    const controller = new AbortController()
    const aborted = createTask({ emit: () => undefined, close: async () => undefined }, { signal: controller.signal })
    let isDone = false
    const slow = {
      async snapshotDomain(): Promise<void> {
        controller.abort(new LagoError('LAGO_CANCELLED', 'stop'))
        await new Promise(setImmediate)
        isDone = true
      },
    }
    const disks = [{ index: 0, path: top, format: 'qcow2' as const }]
    const request = { disks, imagesDir: dir, isUp: true, memoryPath: undefined }
    const overlaid = await freezeImages(aborted, slow, vm, request)
    expect(isDone).toBe(true)
    expect(overlaid.disks[0]?.path).toBe(path.join(dir, 'vm0_disk0.1.qcow2'))
    expect(await readdir(dir)).toContain('vm0_disk0.1.qcow2')
  })
})

describe('a VM that writes to other images than its plan names', () => {
  const monitor = (...open: string[]): Monitor => ({
    monitorCommand: async () => open.map((file) => ({ inserted: { file, 'node-name': file } })),
  })

  test('is taken as it is when it writes to overlays on them', async () => {
    const { vm, frozen, top } = await threeLayers(await tempDir())
    const stale = { ...vm, disks: vm.disks.map((disk) => ({ ...disk, path: frozen.path, backing: frozen.backing })) }
    const adopted = await adoptImages(task, monitor(top), stale)
    expect(adopted.disks[0]).toMatchObject({ path: top, driver: 'qcow2', backing: frozen })
    expect(await adoptImages(task, monitor(top), vm)).toEqual(vm)
  })

  test('is refused when that cannot be made out', async () => {
    const dir = await tempDir()
    const { vm } = await threeLayers(dir)
    const other = path.join(dir, 'other.raw')
    await createEmpty(task, other, 'raw', 1024)
    await expect(adoptImages(task, monitor(other), vm)).rejects.toMatchObject({ code: 'LAGO_DISKS_DIFFER' })
  })
})
