/** With a provider whose guests do as they are told; nets that are never up. */
import { mkdir, rm, watch, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { LagoError } from '../../../src/base/errors.js'
import { createRegistry } from '../../../src/base/registry.js'
import type { VmState } from '../../../src/libvirt/types.js'
import type { Host } from '../../../src/prefix/host.js'
import { prefixLayout } from '../../../src/prefix/layout.js'
import type { Prefix } from '../../../src/prefix/prefix.js'
import { askOverSsh, shutdownPrefix } from '../../../src/prefix/shutdown.js'
import type { VmProvider } from '../../../src/vm/provider.js'
import { openSshGuest } from '../../../src/guest/ssh-guest.js'
import { quickstart } from '../../helpers/golden-envs.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { startSshd, type Sshd } from '../../helpers/sshd.js'

interface Bench {
  readonly host: Host
  readonly prefix: Prefix
  readonly asked: string[]
  readonly stopped: string[]
  readonly netsStopped: string[]
}

type Guest = 'obeys' | 'ignores' | 'refuses' | 'is down'

/** vm0 and vm1 on one net; they have no address, so that ssh cannot help. */
function bench(guests: Readonly<Record<string, Guest>>, given: Partial<VmProvider> = {}): Bench {
  const plan = quickstart()
  const vms = new Map([...plan.vms].map(([name, vm]) => [name, { ...vm, managementIp: undefined }]))
  const states = new Map<string, VmState>(
    Object.entries(guests).map(([name, guest]) => [name, guest === 'is down' ? 'down' : 'running']),
  )
  const [asked, stopped, netsStopped]: string[][] = [[], [], []]
  const provider = {
    states: async (_task, asked) => new Map(asked.map(({ spec }) => [spec.name, states.get(spec.name) ?? 'down'])),
    shutdown: async (_task, { spec: { name } }, how) => {
      asked?.push(`${name} ${how}`)
      if (guests[name] === 'refuses') throw new LagoError('LAGO_LIBVIRT', 'libvirt says no')
      if (guests[name] === 'obeys' && how === 'off') states.set(name, 'down')
    },
    stop: async (_task, { libvirtName }) => {
      const name = [...vms.values()].find((vm) => vm.libvirtName === libvirtName)?.spec.name ?? ''
      stopped?.push(name)
      states.set(name, 'down')
    },
    ...given,
  } as VmProvider
  const host = {
    config: { vm: { defaultProvider: 'fake' }, ssh: { user: 'root', timeoutMs: 100, tries: 1 } },
    providers: createRegistry('VM provider', [['fake', provider]]),
    nets: {
      active: async (_task: unknown, names: readonly string[]) => new Set(names),
      stop: async (_task: unknown, name: string) => void netsStopped?.push(name),
    },
  } as unknown as Host
  const prefix: Prefix = { dir: '/p', layout: prefixLayout('/p'), plan: { ...plan, vms } }
  return { host, prefix, asked: asked ?? [], stopped: stopped ?? [], netsStopped: netsStopped ?? [] }
}

const { task } = recordedTask()

test('guests that obey go down, then the nets; what is down already is passed over', async () => {
  const { host, prefix, asked, stopped, netsStopped } = bench({ vm0: 'obeys', vm1: 'is down' })
  await shutdownPrefix(task, host, prefix, { names: [] })
  expect(asked).toEqual(['vm0 off'])
  expect(stopped).toEqual([])
  expect(netsStopped).toHaveLength(1)
})

test('a net that another running VM uses stays', async () => {
  const { host, prefix, netsStopped } = bench({ vm0: 'obeys', vm1: 'obeys' })
  await shutdownPrefix(task, host, prefix, { names: ['vm0'] })
  expect(netsStopped).toEqual([])
})

test('what has not gone down in time is named, and its net stays', async () => {
  const { host, prefix, stopped, netsStopped } = bench({ vm0: 'obeys', vm1: 'ignores' })
  const failing = shutdownPrefix(task, host, prefix, { names: [], timeoutMs: 0 })
  await expect(failing).rejects.toMatchObject({ code: 'LAGO_SHUTDOWN', message: 'Failed to shutdown vm: vm1' })
  expect(stopped).toEqual([])
  expect(netsStopped).toEqual([])
})

test('with force it is powered off, with a warning', async () => {
  const recorded = recordedTask()
  const { host, prefix, stopped, netsStopped } = bench({ vm0: 'obeys', vm1: 'ignores' })
  await shutdownPrefix(recorded.task, host, prefix, { names: [], timeoutMs: 0, force: true })
  expect(stopped).toEqual(['vm1'])
  expect(netsStopped).toHaveLength(1)
  expect(recorded.messages()).toContain('powering off what has not gone down within 0 s: vm1')
})

test('a guest that did not hear the first request is asked again, and a second refusal is no failure', async () => {
  const counts = new Map<string, number>()
  const isUp = (name: string): boolean => (counts.get(name) ?? 0) < (name === 'vm0' ? 2 : 3)
  const { host, prefix, netsStopped } = bench(
    { vm0: 'obeys', vm1: 'obeys' },
    {
      states: async (_task, vms) => new Map(vms.map(({ spec }) => [spec.name, isUp(spec.name) ? 'running' : 'down'])),
      shutdown: async (_task, { spec: { name } }) => {
        const count = (counts.get(name) ?? 0) + 1
        counts.set(name, count)
        if (name === 'vm1' && count === 2) throw new LagoError('LAGO_LIBVIRT', 'the machine is busy')
      },
    },
  )
  await shutdownPrefix(task, host, prefix, { names: [], askAgainAfterMs: [0, 0], timeoutMs: 60_000 })
  expect([...counts]).toEqual([['vm0', 2], ['vm1', 3]]) // prettier-ignore
  expect(netsStopped).toHaveLength(1)
})

test('a guest that nobody can ask is not waited for', async () => {
  const recorded = recordedTask()
  const { host, prefix } = bench({ vm0: 'refuses', vm1: 'is down' })
  const failing = shutdownPrefix(recorded.task, host, prefix, { names: [], timeoutMs: 3_600_000 })
  await expect(failing).rejects.toMatchObject({ code: 'LAGO_SHUTDOWN' })
  expect(recorded.messages()).toContainEqual(expect.stringContaining('vm0 could not be asked over ssh'))
})

describe('over ssh', () => {
  const off = { vm: 'vm0', how: 'off', limitMs: 60_000 } as const
  let sshd: Sshd

  const poweroffThat = async (script: string): Promise<void> =>
    writeFile(path.join(sshd.dir, 'bin', 'poweroff'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })

  beforeEach(async () => {
    sshd = await startSshd()
  })

  afterEach(async () => {
    await sshd.stop()
    await rm(sshd.dir, { recursive: true })
  })

  test('a guest whose server is gone before it could answer has heard it', async () => {
    const heardDir = path.join(sshd.dir, 'heard')
    await mkdir(heardDir)
    await poweroffThat(`: >${heardDir}/it; while sleep 0.2 && echo >&2; do :; done`)
    const stopWatching = new AbortController()
    const heard = watch(heardDir, { signal: stopWatching.signal })[Symbol.asyncIterator]().next()
    const { task, messages } = recordedTask()
    const asking = askOverSsh(task, async () => openSshGuest(sshd.target), off)
    await heard
    stopWatching.abort()
    await sshd.stop()
    expect(await asking).toBe(true)
    expect(messages()).not.toContainEqual(expect.stringContaining('could not be asked'))
  })

  test.each([
    ['obeys', 'exit 0', true],
    ['has no such program', 'exit 127', false],
  ])('a guest that %s', async (_, script, isAsked) => {
    await poweroffThat(script)
    expect(await askOverSsh(task, async () => openSshGuest(sshd.target), off)).toBe(isAsked)
  })

  test.each([
    ['cannot be reached', 'cannot reach vm0', async () => sshd.stop()],
    ['lets nobody in', 'accepts neither', async () => writeFile(path.join(sshd.dir, 'authorized_keys'), '')],
    ['has another key than before', 'shows another host key', changeHostKey],
  ])('a guest that %s has not been asked, which is told and ends nothing', async (_, told, spoil) => {
    await poweroffThat('exit 0')
    await spoil()
    const { task, messages } = recordedTask()
    expect(await askOverSsh(task, async () => openSshGuest(sshd.target), off)).toBe(false)
    expect(messages()).toContainEqual(expect.stringMatching(new RegExp(`^vm0 could not be asked over ssh: .*${told}`)))
  })

  async function changeHostKey(): Promise<void> {
    await using guest = openSshGuest(sshd.target)
    await guest.run(task, 'true')
    await sshd.stop()
    await sshd.renewHostKey()
    await sshd.start()
  }
})

test('a reboot is asked for and not waited for; nets are not touched', async () => {
  const { host, prefix, asked, netsStopped } = bench({ vm0: 'ignores', vm1: 'ignores' })
  await shutdownPrefix(task, host, prefix, { names: [], reboot: true })
  expect(asked.sort()).toEqual(['vm0 reboot', 'vm1 reboot'])
  expect(netsStopped).toEqual([])
  const { host: other } = bench({ vm0: 'refuses', vm1: 'ignores' })
  await expect(shutdownPrefix(task, other, prefix, { names: [], reboot: true })).rejects.toMatchObject({
    code: 'LAGO_SHUTDOWN',
    message: 'Failed to reboot vm: vm0',
  })
})

test("others' machines are asked and never waited for", async () => {
  const { host, prefix, stopped } = bench({ vm0: 'ignores', vm1: 'ignores' }, { foreign: true })
  await shutdownPrefix(task, host, prefix, { names: [], timeoutMs: 3_600_000, force: true })
  expect(stopped).toEqual([])
})

test('unknown names are refused before anything is asked', async () => {
  const { host, prefix, asked } = bench({ vm0: 'obeys', vm1: 'obeys' })
  await expect(shutdownPrefix(task, host, prefix, { names: ['vm7'] })).rejects.toMatchObject({
    code: 'LAGO_NO_SUCH_VM',
  })
  expect(asked).toEqual([])
})
