/** Snapshots and sleep of an environment whose VMs only seem to run: what the engine refuses, undoes and leaves out. */
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, expect, test } from '@jest/globals'
import { LagoError } from '../../src/base/errors.js'
import { createRegistry } from '../../src/base/registry.js'
import { loadConfig } from '../../src/config/load.js'
import type { VmPlan } from '../../src/plan/types.js'
import { deleteSnapshot } from '../../src/prefix/delete-snapshot.js'
import { destroyPrefix } from '../../src/prefix/destroy.js'
import { openHost, type Host } from '../../src/prefix/host.js'
import { initPrefix } from '../../src/prefix/init.js'
import { openPrefix, type Prefix } from '../../src/prefix/prefix.js'
import { revertPrefix } from '../../src/prefix/revert.js'
import { snapshotPrefix } from '../../src/prefix/snapshot.js'
import { startPrefix } from '../../src/prefix/start.js'
import { stopPrefix } from '../../src/prefix/stop.js'
import { suspendPrefix } from '../../src/prefix/suspend.js'
import { settleInterrupted } from '../../src/prefix/interrupted.js'
import { noteUnderWay } from '../../src/prefix/under-way.js'
import { parseInitFile } from '../../src/spec/load.js'
import type { GuestAgent, SnapshotRequest, VmProvider, VmSnapshots } from '../../src/vm/provider.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const { task } = recordedTask()
const environments: { readonly host: Host; readonly dir: string }[] = []
afterEach(async () => {
  for (const { host, dir } of environments.splice(0)) {
    await destroyPrefix(task, host, dir) // the bridge is one of this host
    await host[Symbol.asyncDispose]()
  }
})
const makeTempDir = useTempDirs()

/** No NAT net, so no subnet of this host is asked for. */
async function environment(provider = 'local-libvirt'): Promise<{ host: Host; prefix: Prefix }> {
  const dir = await makeTempDir()
  const env = { LAGO_LIBVIRT_URL: 'test:///default', LAGO_LEASE_DIR: path.join(dir, 'subnets') }
  const { config } = loadConfig({ env, homeDir: dir, cwd: dir, etcDir: dir, flags: new Map() })
  const host = openHost(config, { cacheDir: path.join(dir, 'cache') })
  const disk = '{name: data, type: empty, format: raw, dev: vda, size: 1M}'
  const vm = `{vm-provider: ${provider}, memory: 64, vcpu: 1, nics: [{net: br}], disks: [${disk}]}`
  const text = `domains: {vm0: ${vm}, vm1: ${vm}}\nnets: {br: {type: bridge, management: true}}\n`
  const { spec } = await parseInitFile(text, path.join(dir, 'LagoInitFile'))
  await initPrefix(task, host, {
    prefixDir: path.join(dir, 'prefix'),
    spec,
    vars: {},
    cwd: dir,
    bootstrap: true,
    build: true,
  })
  environments.push({ host, dir: path.join(dir, 'prefix') })
  return { host, prefix: await openPrefix(path.join(dir, 'prefix')) }
}

/** Every file that the prefix says its VMs write to is there. */
async function missingImages(dir: string): Promise<string[]> {
  const { plan } = await openPrefix(dir)
  const paths = [...plan.vms.values()].flatMap((vm) => vm.disks.map((disk) => disk.path))
  return paths.filter((file) => !existsSync(file))
}

interface Fake {
  readonly host: Host
  /** What was asked of the provider, in order. */
  readonly said: string[]
}

/** The host with VMs of these states, which can be told to fail. The memory of a VM that sleeps is a real file. */
function withFake(
  host: Host,
  states: Record<string, 'running' | 'paused' | 'down'>,
  failing: readonly string[] = [],
): Fake {
  const said: string[] = []
  const say = (what: string, vm: VmPlan): void => {
    said.push(`${what} ${vm.spec.name}`)
    if (failing.includes(`${what} ${vm.spec.name}`)) throw new Error(`${vm.spec.name} will not ${what}`)
  }
  const snapshots: VmSnapshots = {
    pause: async (_task, vm) => say('pause', vm),
    adopt: async (_task, vm) => {
      said.push(`adopt ${vm.spec.name}`)
      return vm
    },
    resume: async (_task, vm) => say('resume', vm),
    take: async (_task, vm, { name, takenAtMs, diskOnly, files }: SnapshotRequest) => {
      say('take', vm)
      const memory = diskOnly ? undefined : { domainXmlPath: files.xml, filePath: undefined }
      const frozen = vm.disks.map(({ path, driver }, index) => ({ index, path, format: driver }))
      const snapshot = { takenAtMs, form: 'external' as const, disks: frozen, memory }
      const disks = vm.disks.map((disk) => ({ ...disk, path: `${disk.path}.${name}` }))
      for (const disk of disks) await writeFile(disk.path, 'overlay')
      return { ...vm, disks, snapshots: new Map([...vm.snapshots, [name, snapshot]]) }
    },
    revert: async (_task, vm) => {
      say('revert', vm)
      return vm
    },
    remove: async (_task, vm, name) => {
      say('remove', vm)
      return { ...vm, snapshots: new Map([...vm.snapshots].filter(([other]) => other !== name)) }
    },
    sizes: async () => new Map(),
  }
  const provider: VmProvider = {
    states: async (_task, vms) => new Map(vms.map((vm) => [vm.spec.name, states[vm.spec.name] ?? 'down'])),
    start: async (_task, vm) => say('start', vm),
    stop: async (_task, vm) => void said.push(`stop ${vm.libvirtName.slice(9)}`),
    shutdown: async () => undefined,
    bootSlots: async () => 8,
    watchBoot: () => ({ isSettled: async () => true }),
    snapshots,
    sleep: {
      async save(_task, vm, files) {
        say('save', vm)
        await writeFile(files.memory, 'memory')
        await writeFile(files.xml, '<domain/>')
      },
      restore: async (_task, vm) => say('restore', vm),
    },
    agent: () => ({
      ping: async () => undefined,
      setTime: async () => undefined,
      freeze: async () => void said.push('freeze'),
      thaw: async () => void said.push('thaw'),
      commands: async () => new Map(),
      run: async () => ({ exitCode: 127, stdout: '', stderr: '' }),
      addAuthorizedKeys: async () => undefined,
      setPassword: async () => undefined,
    }),
  }
  return { host: { ...host, providers: createRegistry('VM provider', [['local-libvirt', provider]]) }, said }
}

const BOTH_RUN = { vm0: 'running', vm1: 'running' } as const

test('all are paused before the first is taken, and resumed after the last', async () => {
  const { host, prefix } = await environment()
  const fake = withFake(host, BOTH_RUN)
  const { plan } = await snapshotPrefix(task, fake.host, prefix, 'clean', { diskOnly: false })
  expect(fake.said.map((text) => text.split(' ')[0])).toEqual(['pause', 'pause', 'take', 'take', 'resume', 'resume'])
  expect([...(plan.vms.get('vm1')?.snapshots.keys() ?? [])]).toEqual(['clean'])
  expect((await openPrefix(prefix.dir)).plan).toEqual(plan)
})

test('disks alone: file systems are quiet from before the pause to after it, also when it fails', async () => {
  const { host, prefix } = await environment()
  const good = withFake(host, BOTH_RUN)
  await snapshotPrefix(task, good.host, prefix, 'clean', { diskOnly: true })
  expect(good.said.slice(0, 2)).toEqual(['freeze', 'freeze'])
  expect(good.said.slice(-2)).toEqual(['thaw', 'thaw'])
  const bad = withFake(host, BOTH_RUN, ['take vm0'])
  await expect(snapshotPrefix(task, bad.host, prefix, 'other', { diskOnly: true })).rejects.toThrow('vm0 will not take')
  expect(bad.said.slice(-2)).toEqual(['thaw', 'thaw'])
})

test('when one VM fails, what the others have is removed, and all run on', async () => {
  const { host, prefix } = await environment()
  const fake = withFake(host, BOTH_RUN, ['take vm1'])
  await expect(snapshotPrefix(task, fake.host, prefix, 'clean', { diskOnly: false })).rejects.toThrow('vm1 will not')
  expect(fake.said).toContain('remove vm0')
  expect(fake.said.slice(-2).sort()).toEqual(['resume vm0', 'resume vm1'])
  expect((await openPrefix(prefix.dir)).plan.vms.get('vm0')?.snapshots.size).toBe(0)
  expect(await missingImages(prefix.dir)).toEqual([])
})

test('when several have it and one fails, all write to images that are there', async () => {
  const { host, prefix } = await environment()
  const fake = withFake(host, BOTH_RUN)
  const obstacle = prefix.layout.snapshot('vm1', 'clean').knownHosts // the copy of the record fails, after the snapshot
  await mkdir(obstacle)
  await writeFile(prefix.layout.knownHosts('vm1'), 'vm1 key\n')
  await expect(snapshotPrefix(task, fake.host, prefix, 'clean', { diskOnly: false })).rejects.toThrow()
  expect(fake.said.filter((text) => text.startsWith('remove')).sort()).toEqual(['remove vm0', 'remove vm1'])
  expect(await missingImages(prefix.dir)).toEqual([])
})

test('a VM whose snapshot cannot be taken back does not keep that of another', async () => {
  const { host, prefix } = await environment()
  const fake = withFake(host, BOTH_RUN, ['remove vm0'])
  await mkdir(prefix.layout.snapshot('vm1', 'clean').knownHosts)
  await writeFile(prefix.layout.knownHosts('vm1'), 'vm1 key\n')
  await expect(snapshotPrefix(task, fake.host, prefix, 'clean', { diskOnly: false })).rejects.toThrow()
  expect(fake.said.filter((text) => text.startsWith('remove')).sort()).toEqual(['remove vm0', 'remove vm1'])
  const { vms } = (await openPrefix(prefix.dir)).plan
  expect([...vms.values()].map((vm) => vm.snapshots.has('clean'))).toEqual([true, false])
  expect(await missingImages(prefix.dir)).toEqual([])
})

test('an agent whose channel comes back a moment after the revert sets the clock', async () => {
  const { host, prefix } = await environment()
  const fake = withFake(host, BOTH_RUN)
  const kept = await snapshotPrefix(task, fake.host, prefix, 'mine', { diskOnly: false, vms: ['vm1'] })
  const provider = fake.host.providers.get('local-libvirt')
  let pings = 0
  const ping = async (): Promise<void> => {
    if (++pings < 3) throw new LagoError('LAGO_AGENT', 'the agent is not connected')
  }
  const agent = {
    ...provider.agent?.(kept.plan.vms.get('vm1') as VmPlan),
    ping,
    setTime: async () => void fake.said.push('clock'),
  } as GuestAgent // all of it
  const providers = createRegistry('VM provider', [['local-libvirt', { ...provider, agent: () => agent }]])
  await revertPrefix(task, { ...fake.host, providers }, kept, 'mine', { vms: ['vm1'] })
  expect(fake.said.at(-1)).toBe('clock')
})

test('a VM alone can be kept and taken back; the others are not touched', async () => {
  const { host, prefix } = await environment()
  const fake = withFake(host, BOTH_RUN)
  const kept = await snapshotPrefix(task, fake.host, prefix, 'mine', { diskOnly: false, vms: ['vm1'] })
  await revertPrefix(task, fake.host, kept, 'mine', { vms: ['vm1'] })
  expect(fake.said.every((text) => text.endsWith('vm1'))).toBe(true)
  await expect(revertPrefix(task, fake.host, kept, 'mine')).rejects.toMatchObject({
    code: 'LAGO_NO_SUCH_SNAPSHOT',
    message: 'No snapshot mine for vm0; did you mean mine?',
  })
})

test('names that cannot be, names in use and unknown names are refused before anything is paused', async () => {
  const { host, prefix } = await environment()
  const fake = withFake(host, BOTH_RUN)
  const kept = await snapshotPrefix(task, fake.host, prefix, 'clean', { diskOnly: false })
  fake.said.length = 0
  for (const name of ['', '../x', '-x', 'a b', 'x'.repeat(65)])
    await expect(snapshotPrefix(task, fake.host, kept, name, { diskOnly: false })).rejects.toMatchObject({
      code: 'LAGO_SNAPSHOT_NAME',
    })
  await expect(snapshotPrefix(task, fake.host, kept, 'clean', { diskOnly: false })).rejects.toMatchObject({
    code: 'LAGO_SNAPSHOT_EXISTS',
  })
  await expect(revertPrefix(task, fake.host, kept, 'claen')).rejects.toMatchObject({
    code: 'LAGO_NO_SUCH_SNAPSHOT',
    hint: 'snapshots: clean',
  })
  await expect(deleteSnapshot(task, fake.host, kept, 'other')).rejects.toMatchObject({ code: 'LAGO_NO_SUCH_SNAPSHOT' })
  expect(fake.said).toEqual([])
})

test('without a VM that takes snapshots there is none', async () => {
  const { host, prefix } = await environment('ssh')
  await expect(snapshotPrefix(task, host, prefix, 'clean', { diskOnly: false })).rejects.toMatchObject({
    code: 'LAGO_NO_SNAPSHOTS',
  })
})

test('a snapshot that one VM fails to give up stays that VM’s, and can be deleted again', async () => {
  const { host, prefix } = await environment()
  const kept = await snapshotPrefix(task, withFake(host, BOTH_RUN).host, prefix, 'clean', { diskOnly: false })
  const failing = withFake(host, BOTH_RUN, ['remove vm1'])
  await expect(deleteSnapshot(task, failing.host, kept, 'clean')).rejects.toThrow('vm1 will not remove')
  const left = await openPrefix(prefix.dir)
  expect([...left.plan.vms.values()].map((vm) => vm.snapshots.size)).toEqual([0, 1])
  const { plan } = await deleteSnapshot(task, withFake(host, BOTH_RUN).host, left, 'clean')
  expect([...plan.vms.values()].map((vm) => vm.snapshots.size)).toEqual([0, 0])
})

test('what is known of a guest goes back with it', async () => {
  const { host, prefix } = await environment()
  const fake = withFake(host, BOTH_RUN)
  const pin = (vm: string): string => prefix.layout.knownHosts(vm)
  await writeFile(pin('vm0'), 'vm0 key of then\n')
  const kept = await snapshotPrefix(task, fake.host, prefix, 'clean', { diskOnly: false })
  await writeFile(pin('vm0'), 'vm0 key of now\n')
  await writeFile(pin('vm1'), 'vm1 seen later\n')
  await revertPrefix(task, fake.host, kept, 'clean')
  expect(await readFile(pin('vm0'), 'utf8')).toBe('vm0 key of then\n')
  expect(existsSync(pin('vm1'))).toBe(false)
})

test('sleep: all are saved, or those that were are woken and all run on', async () => {
  const { host, prefix } = await environment()
  const bad = withFake(host, BOTH_RUN, ['save vm1'])
  await expect(suspendPrefix(task, bad.host, prefix)).rejects.toThrow('vm1 will not save')
  expect(bad.said).toContain('restore vm0')
  expect(bad.said.slice(-2).sort()).toEqual(['resume vm0', 'resume vm1'])
  expect(existsSync(prefix.layout.suspended('vm0').memory)).toBe(false)
})

test('a VM that sleeps is refused by snapshot, woken by start, and forgotten by stop', async () => {
  const { host, prefix } = await environment()
  const memory = prefix.layout.suspended('vm0').memory
  const fake = withFake(host, { vm0: 'down', vm1: 'down' })
  await writeFile(memory, 'memory')
  await expect(snapshotPrefix(task, fake.host, prefix, 'clean', { diskOnly: false })).rejects.toMatchObject({
    code: 'LAGO_VM_SUSPENDED',
    data: { vms: ['vm0'] },
  })
  await startPrefix(task, fake.host, prefix, [])
  expect(fake.said).toEqual(['start vm1', 'restore vm0', 'resume vm0'])
  expect(existsSync(memory)).toBe(false)
  await writeFile(memory, 'memory')
  await stopPrefix(task, fake.host, prefix, [])
  expect(existsSync(memory)).toBe(false)
})

test('a start that fails costs no VM its memory', async () => {
  const { host, prefix } = await environment()
  await writeFile(prefix.layout.suspended('vm0').memory, 'memory')
  for (const failing of ['start vm1', 'restore vm0']) {
    const fake = withFake(host, { vm0: 'down', vm1: 'down' }, [failing])
    await expect(startPrefix(task, fake.host, prefix, [])).rejects.toThrow(/will not/)
    expect(existsSync(prefix.layout.suspended('vm0').memory)).toBe(true)
  }
})

test('memory that a killed run left of a VM that is up is not restored over its disks later', async () => {
  const { host, prefix } = await environment()
  const [withMemory, without] = [prefix.layout.suspended('vm0'), prefix.layout.suspended('vm1')]
  for (const file of [withMemory.memory, without.xml]) await writeFile(file, 'left')
  await startPrefix(task, withFake(host, BOTH_RUN).host, prefix, [])
  expect([existsSync(withMemory.memory), existsSync(without.xml)]).toEqual([false, false])
})

test('a VM that cannot sleep stays as it is, with its nets', async () => {
  const { host, prefix } = await environment('ssh')
  await suspendPrefix(task, host, prefix)
  const fake = withFake(host, {})
  await suspendPrefix(task, { ...fake.host, providers: host.providers }, prefix)
  expect(fake.said).toEqual([])
})

test('once they are back, VMs that were asleep stay up whatever fails after it', async () => {
  const { host, prefix } = await environment()
  await writeFile(prefix.layout.suspended('vm0').memory, 'memory')
  const fake = withFake(host, { vm0: 'down', vm1: 'running' }, ['resume vm0'])
  await expect(startPrefix(task, fake.host, prefix, [])).rejects.toThrow('vm0 will not resume')
  expect(fake.said.filter((text) => text.startsWith('stop'))).toEqual([])
})

test('what a killed run left paused goes on, and only that, and what the run was is told', async () => {
  const { host, prefix } = await environment()
  const paused = [...prefix.plan.vms.values()].slice(0, 1)
  await noteUnderWay(prefix.layout, { verb: 'snapshot', name: 'clean' }, { paused }) // killed: never disposed of
  const { task, messages } = recordedTask()
  const fake = withFake(host, { vm0: 'paused', vm1: 'paused' })
  await settleInterrupted(task, fake.host, prefix, { verb: 'snapshot', name: 'other' })
  expect(fake.said.slice(0, 2)).toEqual(['adopt vm0', 'resume vm0'])
  expect(fake.said).not.toContain('resume vm1')
  expect(messages()).toContain('"lago snapshot clean" was interrupted: it is undone')
  expect(existsSync(prefix.layout.underWay)).toBe(false)
})

test('what a killed run froze is adopted before anything is swept, by a deletion too', async () => {
  const { host, prefix } = await environment()
  const kept = await snapshotPrefix(task, withFake(host, BOTH_RUN).host, prefix, 'old', { diskOnly: false })
  const paused = [...kept.plan.vms.values()].slice(0, 1)
  await noteUnderWay(kept.layout, { verb: 'snapshot', name: 'killed' }, { paused })
  const fake = withFake(host, { vm0: 'paused', vm1: 'running' })
  await settleInterrupted(task, fake.host, kept, { verb: 'snapshot --delete', name: 'old' })
  expect(fake.said.slice(0, 2)).toEqual(['adopt vm0', 'resume vm0'])
})

test('overlays that a killed run left are swept with the next change', async () => {
  const { host, prefix } = await environment()
  const left = path.join(prefix.layout.images, 'vm0_data.7.qcow2')
  const users = path.join(prefix.layout.images, 'mine.7.qcow2')
  for (const file of [left, users]) await writeFile(file, '')
  const kept = await snapshotPrefix(task, withFake(host, BOTH_RUN).host, prefix, 'clean', { diskOnly: false })
  await deleteSnapshot(task, withFake(host, BOTH_RUN).host, kept, 'clean')
  expect([existsSync(left), existsSync(users)]).toEqual([false, true])
})
