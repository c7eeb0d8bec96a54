import { describe, expect, test } from '@jest/globals'
import { LagoError } from '../../../src/base/errors.js'
import { libvirt } from '../../../src/doctor/daemon.js'
import { ALMA, capabilitiesXml, DEBIAN, findingOf, GROUP, USER, type GivenHost } from '../../helpers/host-facts.js'

const sockets = (...names: string[]): Record<string, object> =>
  Object.fromEntries(names.map((name) => [`/run/libvirt/${name}-sock`, { mode: 0o140777 }]))
const SYSTEMD = { '/run/systemd/system': {} }
const refused = (libvirtCode: number, text = 'refused'): LagoError =>
  new LagoError('LAGO_LIBVIRT_CONNECT', text, { data: { libvirtCode } })

describe('libvirt that answers', () => {
  const answering = (given: GivenHost): GivenHost => ({ capabilities: capabilitiesXml(), ...given })

  test('in either form, started at boot', async () => {
    expect(
      await findingOf(
        libvirt,
        answering({
          stats: { ...SYSTEMD, ...sockets('libvirt', 'virtlogd') },
          answers: {
            'systemctl is-enabled libvirtd.service libvirtd.socket': { stdout: 'disabled\nenabled\n', exitCode: 1 },
          },
        }),
      ),
    ).toMatchObject({ outcome: 'ok', reason: expect.stringContaining('libvirtd answers') })
    expect(
      await findingOf(
        libvirt,
        answering({
          stats: { ...SYSTEMD, ...sockets('libvirt', 'virtqemud', 'virtnetworkd', 'virtlogd') },
          answers: {
            'systemctl is-enabled virtqemud.service virtqemud.socket': { stdout: 'enabled\nenabled\n' },
            'systemctl is-enabled virtnetworkd.service virtnetworkd.socket': { stdout: 'enabled\nenabled\n' },
          },
        }),
      ),
    ).toMatchObject({ outcome: 'ok', reason: expect.stringContaining('virtqemud and virtnetworkd answer') })
  })

  test('but is not started at boot', async () => {
    const answers = {
      'systemctl is-enabled libvirtd.service libvirtd.socket': { stdout: 'disabled\ndisabled\n', exitCode: 1 },
    }
    expect(
      await findingOf(
        libvirt,
        answering({ stats: { ...SYSTEMD, ...sockets('libvirt', 'virtlogd') }, answers, me: USER }),
      ),
    ).toMatchObject({ outcome: 'warning', remedy: { command: 'sudo systemctl enable libvirtd' } })
  })

  test('but has no daemon for networks', async () => {
    expect(
      await findingOf(libvirt, answering({ stats: { ...SYSTEMD, ...sockets('virtqemud', 'virtlogd') } })),
    ).toMatchObject({
      outcome: 'failed',
      reason: 'virtnetworkd does not run: there is no /run/libvirt/virtnetworkd-sock',
      remedy: {
        command: 'systemctl enable --now virtlogd.socket virtqemud.socket virtnetworkd.socket',
        safe: [expect.arrayContaining(['enable'])],
      },
    })
  })

  test('elsewhere is not looked into', async () => {
    const settings = { libvirtUri: 'test:///default' }
    expect(await findingOf(libvirt, answering({ settings }))).toMatchObject({ outcome: 'ok' })
    expect(await findingOf(libvirt, { settings, capabilities: refused(5) })).toEqual({
      outcome: 'failed',
      reason: 'refused',
      remedy: undefined,
    })
  })
})

describe('libvirt that does not answer', () => {
  test.each([
    [
      'the library is missing',
      {
        files: { '/etc/os-release': ALMA },
        capabilities: new LagoError('LAGO_LIBVIRT_CONNECT', 'could not load libvirt.so.0'),
      },
      /could not load/,
      'dnf install --assumeyes libvirt-libs',
    ],
    [
      'nothing is installed',
      { files: { '/etc/os-release': DEBIAN } },
      /not installed/,
      'apt-get install --yes libvirt-daemon-system',
    ],
    [
      'it is installed, on systemd',
      { programs: ['libvirtd'], stats: SYSTEMD },
      /does not run/,
      'systemctl enable --now libvirtd',
    ],
    ['it is installed, without systemd', { programs: ['libvirtd'] }, /does not run/, 'virtlogd -d && libvirtd -d'],
    [
      'the modular one is installed',
      { programs: ['virtqemud'] },
      /does not run/,
      'virtlogd -d && virtqemud -d && virtnetworkd -d',
    ],
    [
      'it does not accept',
      { stats: { ...SYSTEMD, ...sockets('libvirt') }, capabilities: refused(38, 'connection refused') },
      /^connection refused$/,
      'systemctl restart libvirtd',
    ],
    [
      'it hangs',
      { stats: { ...SYSTEMD, ...sockets('virtqemud') }, capabilities: new LagoError('LAGO_TIMEOUT', 'no answer') },
      /^virtqemud hangs/,
      'systemctl restart virtqemud',
    ],
  ] as [string, GivenHost, RegExp, string][])('%s', async (_name, given, reason, command) => {
    expect(await findingOf(libvirt, given)).toMatchObject({
      outcome: 'failed',
      reason: expect.stringMatching(reason),
      remedy: { command },
    })
  })

  test('is for members of the group of its socket, or of the group that polkit knows', async () => {
    const given = { me: USER, files: { '/etc/group': GROUP }, capabilities: refused(38, 'permission denied') }
    for (const [stats, writable] of [
      [{ '/run/libvirt/libvirt-sock': { gid: 110, mode: 0o140770 } }, []],
      [sockets('libvirt'), ['/run/libvirt/libvirt-sock']],
    ] as const)
      expect(
        await findingOf(libvirt, { ...given, stats, writable, capabilities: refused(writable.length === 0 ? 38 : 45) }),
      ).toMatchObject({
        outcome: 'failed',
        reason: 'ann has no right to use /run/libvirt/libvirt-sock',
        remedy: { command: 'sudo usermod -aG libvirt ann' },
      })
  })

  test('is asked by polkit for users, which needs the system bus', async () => {
    const given = { me: USER, writable: ['/run/libvirt/libvirt-sock'], capabilities: refused(1, 'no system bus') }
    expect(await findingOf(libvirt, { ...given, stats: sockets('libvirt') })).toMatchObject({
      outcome: 'failed',
      reason: 'libvirtd refuses ann: no system bus',
      remedy: { command: 'sudo service dbus start' },
    })
    const stats = { ...sockets('libvirt'), '/run/dbus/system_bus_socket': {} }
    expect((await findingOf(libvirt, { ...given, stats })).remedy?.command).toBe('sudo usermod -aG libvirt ann')
  })
})
