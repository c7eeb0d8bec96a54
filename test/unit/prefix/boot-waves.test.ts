import { expect, test } from '@jest/globals'
import type { VmPlan } from '../../../src/plan/types.js'
import { startInWaves } from '../../../src/prefix/boot-waves.js'
import { watchDomainBoot } from '../../../src/vm/libvirt/boot-watch.js'
import { recordedTask } from '../../helpers/recorded-task.js'

/** Only the name is looked at here. */
const vmNamed = (name: string): VmPlan => ({ spec: { name } }) as VmPlan
const names = ['a', 'b', 'c', 'd']

test('no more VMs boot at once than there are slots, in the order of the file', async () => {
  const { task } = recordedTask()
  const booting = new Set<string>()
  const started: string[] = []
  let most = 0
  await startInWaves(task, names.map(vmNamed), {
    slots: 2,
    start: async (_, vm) => {
      started.push(vm.spec.name)
      booting.add(vm.spec.name)
      most = Math.max(most, booting.size)
    },
    watch: (vm) => ({ isSettled: async () => booting.delete(vm.spec.name) }),
  })
  expect(started).toEqual(names)
  expect(most).toBe(2)
})

test('the last VMs are not waited for', async () => {
  const { task } = recordedTask()
  const started: string[] = []
  await startInWaves(task, ['a', 'b'].map(vmNamed), {
    slots: 2,
    start: async (_, vm) => void started.push(vm.spec.name),
    watch: () => ({ isSettled: async () => false }),
  })
  expect(started).toEqual(['a', 'b'])
})

test('after a VM that fails no other is begun, and it is reported', async () => {
  const { task } = recordedTask()
  const started: string[] = []
  const waves = startInWaves(task, names.map(vmNamed), {
    slots: 1,
    start: async (_, vm) => {
      if (vm.spec.name === 'b') throw new Error('b is broken')
      started.push(vm.spec.name)
    },
    watch: () => ({ isSettled: async () => true }),
  })
  await expect(waves).rejects.toThrow('b is broken')
  expect(started).toEqual(['a'])
})

test('an abort stops the waves', async () => {
  const { task, abort } = recordedTask()
  const started: string[] = []
  const waves = startInWaves(task, names.map(vmNamed), {
    slots: 1,
    start: async (_, vm) => void started.push(vm.spec.name),
    watch: () => ({
      isSettled: async () => {
        abort(new Error('enough'))
        return false
      },
    }),
  })
  await expect(waves).rejects.toThrow('enough')
  expect(started).toEqual(['a'])
})

test.each([
  ['busy all the time', [0, 150, 300, 450], [false, false, false, false]],
  ['idle for two looks', [0, 150, 160, 170], [false, false, false, true]],
  ['idle for one look only', [0, 10, 160, 170], [false, false, false, false]],
])('a guest that is %s', async (_, cpuTimes, settled) => {
  const { task } = recordedTask()
  let at = 0
  const times = [...cpuTimes]
  const libvirt = {
    domainInfos: async () => new Map([['d', { state: 'running' as const, cpuTimeMs: times.shift() ?? 0, vcpus: 1 }]]),
  }
  const watch = watchDomainBoot(libvirt, 'd', () => at)
  const answers: boolean[] = []
  for (let look = 0; look < cpuTimes.length; look++) {
    at += 150
    answers.push(await watch.isSettled(task))
  }
  expect(answers).toEqual(settled)
})

test('a domain that is gone, or that computes for ever, does not hold the others back', async () => {
  const { task } = recordedTask()
  expect(await watchDomainBoot({ domainInfos: async () => new Map() }, 'd').isSettled(task)).toBe(true)
  let at = 0
  const busy = { state: 'running' as const, cpuTimeMs: 0, vcpus: 1 }
  const watch = watchDomainBoot(
    { domainInfos: async () => new Map([['d', { ...busy, cpuTimeMs: at }]]) },
    'd',
    () => at,
  )
  expect(await watch.isSettled(task)).toBe(false)
  at = 121_000
  expect(await watch.isSettled(task)).toBe(true)
})
