import { describe, expect, test } from '@jest/globals'
import { createRegistry } from '../../../../src/base/registry.js'
import { findAgentService } from '../../../../src/guest/agent-service.js'
import { serviceManagers } from '../../../../src/guest/services/index.js'
import { detectServiceManager, type ServiceManager } from '../../../../src/guest/services/manager.js'
import { recordedTask } from '../../../helpers/recorded-task.js'
import { scriptedGuest } from '../../../helpers/scripted-guest.js'

const { task } = recordedTask()
const registry = createRegistry('service manager', Object.entries(serviceManagers))

const manager = (name: string): ServiceManager => registry.get(name)

describe('detection', () => {
  test.each([
    ['/usr/bin/systemctl', 'systemd'],
    ['/sbin/service', 'sysvinit'],
    ['/usr/bin/docker', 'systemdcontainer'],
  ])('a guest with %s has %s, known by one command', async (binary, name) => {
    const guest = scriptedGuest({ 'sh -c': { stdout: `${binary}\n` } })
    expect(await detectServiceManager(task, guest, registry)).toBe(name)
    expect(guest.commands).toHaveLength(1)
    expect(guest.commands[0]).toMatch(/sh \/usr\/bin\/systemctl \/sbin\/service \/usr\/bin\/docker$/)
  })

  test.each([
    ['nothing', ''],
    ['a name that was not asked for', '/bin/evil\n'],
    ['more than one word', '/usr/bin/systemctl\n/bin/evil\n'],
  ])('a guest that answers %s has none', async (_, stdout) => {
    await expect(detectServiceManager(task, scriptedGuest({ 'sh -c': { stdout } }), registry)).rejects.toMatchObject({
      code: 'LAGO_SERVICE',
      message: 'no known service manager is in vm0; known: systemd, sysvinit, systemdcontainer',
    })
  })
})

describe('state', () => {
  const LOADED = '● x.service - X\n     Loaded: loaded (/lib/systemd/system/x.service)\n     Active: inactive (dead)\n'
  const NOT_FOUND = 'Unit x.service could not be found.\n'
  const LIE = '     Loaded: not-found\n     Loaded: loaded\n'
  const cases: [string, string, Record<string, { exitCode: number; stdout?: string }>, string][] = [
    ['systemd', 'runs', { 'status --no-pager --lines=0 -- x': { exitCode: 0 } }, 'active'],
    ['systemd', 'is loaded and off', { status: { exitCode: 3, stdout: LOADED } }, 'inactive'],
    ['systemd', 'is not found', { status: { exitCode: 4, stdout: NOT_FOUND } }, 'missing'],
    ['systemd', 'says it twice', { status: { exitCode: 4, stdout: LIE } }, 'missing'],
    ['sysvinit', 'runs', { '/sbin/service x status': { exitCode: 0 } }, 'active'],
    ['sysvinit', 'says that it is stopped', { status: { exitCode: 1, stdout: 'x is stopped\n' } }, 'inactive'],
    ['sysvinit', 'is stopped as LSB has it', { status: { exitCode: 3, stdout: 'x is not running\n' } }, 'inactive'],
    ['sysvinit', 'is not recognized', { status: { exitCode: 1 } }, 'missing'],
    ['systemdcontainer', 'runs in the container', { 'exec vdsmc systemctl status': { exitCode: 0 } }, 'active'],
    [
      'systemdcontainer',
      'is the guest’s own',
      { 'exec vdsmc': { exitCode: 1 }, '/usr/bin/systemctl status': { exitCode: 3, stdout: LOADED } },
      'inactive',
    ],
    ['systemdcontainer', 'is nowhere', {}, 'missing'],
  ]
  test.each(cases)('%s: a service that %s', async (name, _, answers, state) => {
    expect(await manager(name).state(task, scriptedGuest(answers), 'x')).toBe(state)
  })
})

describe('start and stop', () => {
  test.each([
    ['systemd', '/usr/bin/systemctl start -- x'],
    ['sysvinit', '/sbin/service x start'],
  ])('%s needs one command when all is well', async (name, command) => {
    const guest = scriptedGuest({ start: { exitCode: 0 } })
    await manager(name).start(task, guest, 'x')
    expect(guest.commands).toEqual([command])
  })

  test('a container’s services are started in it, others in the guest', async () => {
    const inside = scriptedGuest({ 'exec vdsmc': { exitCode: 0 } })
    await manager('systemdcontainer').stop(task, inside, 'vdsmd')
    expect(inside.commands.at(-1)).toBe('/usr/bin/docker exec vdsmc systemctl stop -- vdsmd')
    const outside = scriptedGuest({ 'exec vdsmc': { exitCode: 1 }, '/usr/bin/systemctl stop': { exitCode: 0 } })
    await manager('systemdcontainer').stop(task, outside, 'sshd')
    expect(outside.commands.at(-1)).toBe('/usr/bin/systemctl stop -- sshd')
  })

  test('a service that is not there is not present, one that fails is told with the guest’s last line, made harmless', async () => {
    await expect(manager('systemd').start(task, scriptedGuest({}), 'x')).rejects.toMatchObject({
      code: 'LAGO_SERVICE',
      message: 'Service x not present in vm0',
    })
    const failing = scriptedGuest({
      start: { exitCode: 1, stderr: 'first\n\u001b[31mlast \u0007words\n' },
      status: { exitCode: 3, stdout: 'Loaded: loaded (x)' },
    })
    await expect(manager('systemd').start(task, failing, 'x')).rejects.toMatchObject({
      code: 'LAGO_SERVICE',
      message: 'Failed to start service x in vm0: last words',
      data: { exitCode: 1 },
    })
  })

  test.each(['', '-x', '--root=/evil', 'a b', 'a;reboot', '$(reboot)', 'a/../b', 'a\nb'])(
    '%j is no name, and nothing is run for it',
    async (service) => {
      for (const name of registry.names()) {
        const guest = scriptedGuest({ '': { exitCode: 0 } })
        await expect(manager(name).start(task, guest, service)).rejects.toMatchObject({ code: 'LAGO_SERVICE' })
        await expect(manager(name).state(task, guest, service)).rejects.toMatchObject({ code: 'LAGO_SERVICE' })
        expect(guest.commands).toEqual([])
      }
    },
  )
})

describe('the guest agent', () => {
  test.each([
    ['qemu-guest-agent', ['qemu-guest-agent']],
    ['qemu-ga', ['qemu-guest-agent', 'qemu-ga']],
  ])('%s is found, after asking for %j', async (name, asked) => {
    const guest = scriptedGuest({ [`-- ${name}`]: { exitCode: 0 } })
    expect(await findAgentService(task, guest, manager('systemd'))).toBe(name)
    expect(guest.commands.map((command) => command.split(' ').at(-1))).toEqual(asked)
  })

  test('that is not there is said', async () => {
    await expect(findAgentService(task, scriptedGuest({}), manager('systemd'))).rejects.toMatchObject({
      code: 'LAGO_SERVICE',
      message: expect.stringMatching(/^Could not find guest agent service/),
    })
  })
})
