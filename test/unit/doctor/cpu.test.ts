import { describe, expect, test } from '@jest/globals'
import { cpuExtensions, kvm, kvmDevice, nested } from '../../../src/doctor/cpu.js'
import type { EnvNeeds } from '../../../src/doctor/needs.js'
import { capabilitiesXml, findingOf, GROUP, PASSWD, USER } from '../../helpers/host-facts.js'

const cpuinfo = (...flags: string[]): Record<string, string> => ({
  '/proc/cpuinfo': `processor : 0\nflags\t\t: fpu ${flags.join(' ')}\n\nprocessor : 1\nflags\t\t: fpu ${flags.join(' ')}\n`,
})

describe('cpu-extensions', () => {
  test.each([
    ['Intel names it vmx', cpuinfo('vmx'), 'ok', /^vmx \(Intel VT-x\) on all of 2 CPUs$/],
    ['AMD names it svm', cpuinfo('svm', 'hypervisor'), 'ok', /^svm \(AMD-V\)/],
    ['a machine without nested virtualisation', cpuinfo('hypervisor'), 'warning', /this host is a machine itself/],
    ['a CPU without, or firmware that has it off', cpuinfo('sse'), 'warning', /no vmx \(Intel\) or svm \(AMD\)/],
    ['an architecture that names no flags', { '/proc/cpuinfo': 'Features : fp\n' }, 'warning', /cannot be told/],
    ['no /proc', {}, 'warning', /cannot be told/],
  ] as const)('%s', async (_name, files, outcome, reason) => {
    expect(await findingOf(cpuExtensions, { files })).toMatchObject({
      outcome,
      reason: expect.stringMatching(reason),
    })
  })
})

describe('kvm', () => {
  const hangs = {
    accel: 'tcg',
    domainType: 'qemu',
    reason: '/dev/kvm opens, but no Linux kernel line within 3 s',
  } as const
  const needs: EnvNeeds = {
    source: 'the init file /x',
    vms: 1,
    memoryMiB: 64,
    growthBytes: 0,
    imagesDir: '/x',
    wantsKvm: true,
  }

  test('says what was seen when a guest ran', async () => {
    const verdict = { accel: 'kvm', domainType: 'kvm', reason: 'a Linux kernel started' } as const
    expect(await findingOf(kvm, { kvm: verdict })).toEqual({ outcome: 'ok', reason: 'a Linux kernel started' })
  })

  test('a device that opens and runs nothing is a warning, and a failure for who asks for KVM', async () => {
    expect(await findingOf(kvm, { kvm: hangs, stats: { '/dev/kvm': {} } })).toEqual({
      outcome: 'warning',
      reason: `${hangs.reason}; guests run emulated, many times slower`,
      remedy: undefined,
    })
    const asked = [
      await findingOf(kvm, { kvm: hangs, settings: { accel: 'kvm' } }),
      await findingOf(kvm, { kvm: hangs }, { needs }),
    ]
    for (const finding of asked)
      expect(finding).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('accel=kvm is asked for') })
  })

  test('without a device the module of this CPU is to be loaded, which --fix may do', async () => {
    const none = { ...hangs, reason: 'there is no /dev/kvm' }
    expect((await findingOf(kvm, { kvm: none, files: cpuinfo('svm') })).remedy).toEqual({
      command: 'modprobe kvm_amd',
      safe: [['modprobe', 'kvm_amd']],
    })
    expect((await findingOf(kvm, { kvm: none, files: cpuinfo('vmx'), me: USER })).remedy).toEqual({
      command: 'sudo modprobe kvm_intel',
      safe: [['sudo', '-n', 'modprobe', 'kvm_intel']],
    })
    expect((await findingOf(kvm, { kvm: none, files: cpuinfo() })).remedy).toBeUndefined()
  })

  test('a device that the user may not open is a matter of groups', async () => {
    const { remedy } = await findingOf(kvm, { kvm: hangs, stats: { '/dev/kvm': { mode: 0o660 } }, me: USER })
    expect(remedy).toEqual({ command: 'sudo usermod -aG kvm ann' })
  })

  test('a libvirt that was started before KVM was there has to look again', async () => {
    const { remedy } = await findingOf(kvm, {
      kvm: { ...hangs, reason: 'libvirt does not offer KVM for x86_64 guests' },
      capabilities: capabilitiesXml([], ['qemu']),
      stats: { '/dev/kvm': {}, '/run/systemd/system': {} },
    })
    expect(remedy).toEqual({ command: 'systemctl restart libvirtd' })
  })
})

describe('kvm-device', () => {
  const given = (mode: number, gid: number): Parameters<typeof findingOf>[1] => ({
    files: { '/etc/passwd': PASSWD, '/etc/group': GROUP },
    stats: { '/dev/kvm': { mode, gid } },
    capabilities: capabilitiesXml(),
  })

  test("qemu's user has the groups of its own, not only that of libvirt's label", async () => {
    expect(await findingOf(kvmDevice, given(0o660, 107))).toMatchObject({ outcome: 'ok' })
  })

  test('is mended where the device is for nobody, and where it is for another group', async () => {
    expect(await findingOf(kvmDevice, given(0o600, 0))).toMatchObject({
      outcome: 'warning',
      remedy: { command: 'chgrp kvm /dev/kvm && chmod 660 /dev/kvm' },
    })
    expect(await findingOf(kvmDevice, given(0o660, 110))).toMatchObject({
      outcome: 'warning',
      remedy: { command: 'usermod -aG libvirt libvirt-qemu' },
    })
  })

  test('says so when the user is not known', async () => {
    expect(await findingOf(kvmDevice, { stats: { '/dev/kvm': {} } })).toMatchObject({
      outcome: 'warning',
      reason: expect.stringContaining('cannot be told'),
    })
  })
})

describe('nested', () => {
  test.each([
    ['kvm_intel', 'Y'],
    ['kvm_intel', '1'],
    ['kvm_amd', '1\n'],
  ])('%s says %j', async (module, value) => {
    const files = { [`/sys/module/${module}/parameters/nested`]: value }
    expect(await findingOf(nested, { files })).toMatchObject({ outcome: 'ok', reason: expect.stringContaining(module) })
  })

  test('is switched on for the module that is there', async () => {
    const files = { '/sys/module/kvm_amd/parameters/nested': '0\n' }
    expect((await findingOf(nested, { files, me: USER })).remedy?.command).toBe(
      "echo 'options kvm_amd nested=1' | sudo tee /etc/modprobe.d/lago-nested.conf && " +
        'sudo modprobe -r kvm_amd && sudo modprobe kvm_amd  # while no guest runs',
    )
  })

  test('cannot be told without a module', async () => {
    expect(await findingOf(nested, {})).toMatchObject({
      outcome: 'warning',
      reason: expect.stringMatching(/cannot be told/),
    })
  })
})
