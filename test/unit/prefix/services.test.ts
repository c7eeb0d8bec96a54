import { expect, test } from '@jest/globals'
import { createRegistry } from '../../../src/base/registry.js'
import { serviceManagers } from '../../../src/guest/services/index.js'
import type { GuestFacts, VmPlan } from '../../../src/plan/types.js'
import { findAgent, findServices, startAgent } from '../../../src/prefix/services.js'
import { quickstart } from '../../helpers/golden-envs.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { scriptedGuest } from '../../helpers/scripted-guest.js'

const { task } = recordedTask()
const host = { services: createRegistry('service manager', Object.entries(serviceManagers)) }

function vmWith(found: GuestFacts, raw: Record<string, unknown> = {}): VmPlan {
  const vm = quickstart().vms.get('vm0')
  if (vm === undefined) throw new Error('unreachable: quickstart has vm0')
  return { ...vm, found, spec: { ...vm.spec, raw } }
}

test('what is found in a guest is in the plan that comes back, and is not sought again', async () => {
  const guest = scriptedGuest({ 'sh -c': { stdout: '/sbin/service\n' }, 'qemu-ga status': { exitCode: 0 } })
  const first = await findAgent(task, host, vmWith({}), guest)
  expect(first.manager).toBe(serviceManagers['sysvinit'])
  expect(first.vm.found).toEqual({ serviceManager: 'sysvinit', guestAgent: 'qemu-ga' })
  const again = scriptedGuest({})
  const second = await findAgent(task, host, first.vm, again)
  expect(second).toMatchObject({ service: 'qemu-ga' })
  expect(second.vm).toBe(first.vm)
  expect(again.commands).toEqual([])
})

test('the init file’s word counts more than what was found', async () => {
  const vm = vmWith(
    { serviceManager: 'systemd', guestAgent: 'qemu-ga' },
    { service_provider: 'sysvinit', 'guest-agent': 'mine' },
  )
  const found = await findAgent(task, host, vm, scriptedGuest({}))
  expect(found).toMatchObject({ service: 'mine', manager: serviceManagers['sysvinit'] })
})

test('an agent is started when its service is there and stopped, and only then', async () => {
  const vm = vmWith({ serviceManager: 'sysvinit', guestAgent: 'qemu-ga' })
  const stopped = scriptedGuest({ status: { exitCode: 3 }, start: {} })
  expect(await startAgent(task, host, vm, stopped)).toBe('qemu-ga')
  expect(stopped.commands.at(-1)).toContain('qemu-ga start')
  const active = scriptedGuest({ status: {} })
  expect(await startAgent(task, host, vm, active)).toBeUndefined()
  expect(active.commands).toHaveLength(1)
})

test('a manager that nobody defines is answered with those there are', async () => {
  await expect(
    findServices(task, host, vmWith({}, { service_provider: 'runit' }), scriptedGuest({})),
  ).rejects.toMatchObject({
    code: 'LAGO_UNKNOWN_KIND',
    message: 'unknown service manager "runit"; known: systemd, sysvinit, systemdcontainer',
  })
})
