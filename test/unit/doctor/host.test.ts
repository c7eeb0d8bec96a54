/** Programs, clock, forwarding, firewall, and what is left of others. */
import { describe, expect, test } from '@jest/globals'
import { clock } from '../../../src/doctor/clock.js'
import { firewall, ipForward } from '../../../src/doctor/forwarding.js'
import { leftovers } from '../../../src/doctor/leftovers.js'
import { dnsmasq, emulator, optionalPrograms, sshClient } from '../../../src/doctor/programs.js'
import { ALMA, capabilitiesXml, DEBIAN, findingOf, USER, type GivenHost } from '../../helpers/host-facts.js'

type Answers = NonNullable<GivenHost['answers']>

describe('programs', () => {
  test('are told with their versions, wherever they print them', async () => {
    const answers = { 'ssh -V': { stderr: 'OpenSSH_9.2p1 Debian-2+deb12u7, OpenSSL 3.0.17\n' } }
    expect(await findingOf(sshClient, { answers })).toEqual({ outcome: 'ok', reason: '/usr/bin/ssh 9.2p1' })
    expect(
      await findingOf(sshClient, { answers: { 'ssh -V': { stderr: 'segmentation fault', exitCode: 139 } } }),
    ).toMatchObject({
      outcome: 'warning',
    })
  })

  test.each([
    [DEBIAN, 'apt-get install --yes dnsmasq-base'],
    [ALMA, 'dnf install --assumeyes dnsmasq'],
    ['ID=arch', '# install: dnsmasq-base (as Debian calls them), dnsmasq (as Fedora does)'],
  ])('that are missing are installed by the tool of %j', async (release, command) => {
    expect(await findingOf(dnsmasq, { files: { '/etc/os-release': release } })).toEqual({
      outcome: 'failed',
      reason: 'dnsmasq, for addresses and names in networks, is not there',
      remedy: { command },
    })
  })

  test("the emulator is libvirt's own, else the one of this architecture", async () => {
    const answers = { 'qemu-system-x86_64 --version': { stdout: 'QEMU emulator version 7.2.22 (Debian)\n' } }
    const named = { answers, capabilities: capabilitiesXml(), stats: { '/usr/bin/qemu-system-x86_64': {} } }
    expect(await findingOf(emulator, named)).toEqual({ outcome: 'ok', reason: '/usr/bin/qemu-system-x86_64 7.2.22' })
    expect(await findingOf(emulator, { answers, stats: named.stats })).toMatchObject({
      outcome: 'ok',
      reason: expect.stringContaining('libvirt does not tell'),
    })
    const arm = { arch: 'aarch64', files: { '/etc/os-release': DEBIAN }, me: USER }
    expect(await findingOf(emulator, arm)).toMatchObject({
      outcome: 'failed',
      remedy: { command: 'sudo apt-get install --yes qemu-system-arm' },
    })
  })

  test('that some verbs need are one line, with what they are for', async () => {
    const finding = await findingOf(optionalPrograms, { files: { '/etc/os-release': DEBIAN } })
    expect(finding).toMatchObject({
      outcome: 'warning',
      reason: expect.stringMatching(/^16 of 16 are missing: .*xz for packed images/),
      remedy: { command: expect.stringMatching(/^apt-get install --yes (?=.*\bxz-utils\b)(?=.*\bguestfs-tools\b)/) },
      details: { xz: 'missing; for packed images' },
    })
    const words = finding.remedy?.command.split(' ') ?? []
    expect(new Set(words).size).toBe(words.length) // no package twice
  })
})

describe('clock', () => {
  const nowMs = Date.UTC(2026, 0, 1)
  const chrony = (leap: string): Answers => ({
    'chronyc -n tracking': { stdout: `Reference ID    : 0\nLeap status     : ${leap}\n` },
  })
  const systemd = (value: string): Answers => ({
    'timedatectl show --property=NTPSynchronized --value': { stdout: value },
  })

  test.each([
    ['chrony says so', { answers: chrony('Normal') }, 'ok', undefined],
    ['chrony says no', { answers: chrony('Not synchronised') }, 'warning', 'chronyc makestep'],
    ['systemd says so', { answers: systemd('yes\n') }, 'ok', undefined],
    [
      'systemd says no',
      { answers: systemd('no\n'), stats: { '/run/systemd/system': {}, '/usr/lib/systemd/systemd-timesyncd': {} } },
      'warning',
      'timedatectl set-ntp true',
    ],
    ['nobody says', {}, 'warning', undefined],
  ] as [string, GivenHost, string, string | undefined][])('%s', async (_name, given, outcome, command) => {
    const finding = await findingOf(clock, { nowMs, ...given })
    expect(finding.outcome).toBe(outcome)
    expect(finding.remedy?.command).toBe(command)
  })

  test('is behind when files are from the future, but not for seconds', async () => {
    const changed = (byMs: number): GivenHost => ({
      nowMs,
      stats: { '/var/log': { modifiedAtMs: nowMs + byMs } },
      answers: chrony('Normal'),
    })
    expect(await findingOf(clock, changed(5_000))).toMatchObject({ outcome: 'ok' })
    expect(await findingOf(clock, changed(3 * 3_600_000))).toMatchObject({
      outcome: 'failed',
      reason: 'it is behind: /var/log was changed 3 h later than now',
    })
  })
})

describe('ip-forward', () => {
  const value = (text: string): GivenHost => ({ files: { '/proc/sys/net/ipv4/ip_forward': text }, me: USER })
  test('is on, off, or not to be told', async () => {
    expect(await findingOf(ipForward, value('1\n'))).toMatchObject({ outcome: 'ok' })
    expect(await findingOf(ipForward, value('0\n'))).toMatchObject({
      outcome: 'warning',
      remedy: { command: 'sudo sysctl -w net.ipv4.ip_forward=1' },
    })
    expect(await findingOf(ipForward, {})).toMatchObject({
      outcome: 'warning',
      reason: expect.stringContaining('cannot be told'),
    })
  })
})

describe('firewall', () => {
  const policy = (word: string): Answers => ({
    'iptables -w 2 -S FORWARD': { stdout: `-P FORWARD ${word}\n` },
  })
  const version = (text: string): Answers => ({
    'libvirtd --version': { stdout: `libvirtd (libvirt) ${text}\n` },
  })

  test.each([
    ['nothing to make NAT with', { files: { '/etc/os-release': DEBIAN } }, 'failed', 'apt-get install --yes iptables'],
    ['accepts', { answers: policy('ACCEPT') }, 'ok', undefined],
    ["drops, with libvirt's rules before it", { answers: { ...policy('DROP'), ...version('9.0.0') } }, 'ok', undefined],
    [
      "drops, and libvirt's rules are in other tables",
      { answers: { ...policy('DROP'), ...version('10.4.0') } },
      'warning',
      `echo 'firewall_backend = "iptables"' | tee -a /etc/libvirt/network.conf && systemctl restart libvirtd`,
    ],
    [
      'drops, and libvirt is told to go by iptables',
      {
        answers: { ...policy('DROP'), ...version('11.0.0') },
        files: { '/etc/libvirt/network.conf': '# firewall_backend = "nftables"\nfirewall_backend = "iptables"\n' },
      },
      'ok',
      undefined,
    ],
    [
      'does not tell',
      { answers: { 'iptables -w 2 -S FORWARD': { exitCode: 4, stderr: 'Permission denied' } } },
      'warning',
      undefined,
    ],
    ['a user may not look', { me: USER, programs: ['iptables'] }, 'warning', 'sudo lago doctor'],
    [
      'firewalld without the zone',
      {
        programs: ['nft'],
        answers: { 'firewall-cmd --state': {}, 'firewall-cmd --get-zones': { stdout: 'public work\n' } },
      },
      'warning',
      'systemctl restart firewalld && systemctl restart libvirtd',
    ],
    [
      'firewalld with the zone',
      {
        programs: ['nft'],
        answers: { 'firewall-cmd --state': {}, 'firewall-cmd --get-zones': { stdout: 'libvirt public\n' } },
      },
      'ok',
      undefined,
    ],
  ] as [string, GivenHost, string, string | undefined][])('%s', async (_name, given, outcome, command) => {
    const finding = await findingOf(firewall, given)
    expect(finding.outcome).toBe(outcome)
    expect(finding.remedy?.command).toBe(command)
  })
})

describe('leftovers', () => {
  test('are what lago gc would remove', async () => {
    const left = ['a', 'b', 'c', 'd'].map((name) => ({ kind: 'domain', name }))
    expect(await findingOf(leftovers, { leftovers: left })).toMatchObject({
      outcome: 'warning',
      reason: '4 whose environment is gone: domain a, domain b, domain c and 1 more',
      remedy: { command: 'lago gc' },
    })
    expect(await findingOf(leftovers, { leftovers: [] })).toEqual({ outcome: 'ok', reason: 'there is nothing' })
  })

  test('are not known without libvirt', async () => {
    await expect(findingOf(leftovers, {})).rejects.toMatchObject({ code: 'LAGO_LIBVIRT_CONNECT' }) // told as a warning
  })
})
