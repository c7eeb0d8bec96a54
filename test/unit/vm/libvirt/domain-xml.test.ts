import { describe, expect, test } from '@jest/globals'
import { planEnv } from '../../../../src/plan/plan-env.js'
import type { EnvPlan } from '../../../../src/plan/types.js'
import type { DiskSpec } from '../../../../src/spec/types.js'
import { domainXml, type MachineFacts } from '../../../../src/vm/libvirt/domain-xml.js'
import {
  domainSpec,
  emptyDisk,
  envSpec,
  fileDisk,
  netSpec,
  planFacts,
  templateDisk,
} from '../../../helpers/env-spec.js'
import { bridged, golden, manyNets, quickstart } from '../../../helpers/golden-envs.js'

const emulated: MachineFacts = {
  domainType: 'qemu',
  arch: 'x86_64',
  emulator: '/usr/bin/qemu-system-x86_64',
  machineType: 'pc',
  hostCpu: undefined,
  cpuModels: undefined,
  supportsMtu: true,
  limitsRates: true,
  credentials: [],
  consoleLogPath: '/prefix/logs/console.log',
}
const kvm: MachineFacts = { ...emulated, domainType: 'kvm' }

function render(env: EnvPlan, name: string, machine: MachineFacts): string {
  const vm = env.vms.get(name)
  if (vm === undefined) throw new Error(`no VM ${name}`)
  return domainXml(vm, env, machine)
}

/** One VM with these disks. */
function renderDisks(disks: readonly DiskSpec[], machine = emulated): string {
  const spec = envSpec([domainSpec('vm0', { disks })], [netSpec('lago')])
  return render(planEnv(spec, planFacts(spec)), 'vm0', machine)
}

test.each<[string, EnvPlan, string, MachineFacts]>([
  ['quickstart/vm0.xml', quickstart(), 'vm0', { ...emulated, credentials: ['io.systemd.credential:a=b', 'lago'] }],
  ['quickstart/vm1.xml', quickstart(), 'vm1', kvm],
  ['many-nets/vm-storage_1.xml', manyNets(), 'storage_1', kvm],
  ['bridged/vm0.xml', bridged(), 'vm0', emulated],
])('renders %s', async (file, env, vm, machine) => {
  expect(render(env, vm, machine)).toBe(await golden(file))
})

describe('the machine', () => {
  test('is what the host has, not what upstream ran on', () => {
    const arm = {
      ...emulated,
      arch: 'aarch64',
      machineType: 'virt',
      emulator: '/usr/bin/qemu-system-aarch64',
      credentials: ['a'],
    }
    const xml = render(quickstart(), 'vm0', arm)
    expect(xml).toContain("<os firmware='efi'>")
    expect(xml).toContain("<type arch='aarch64' machine='virt'>hvm</type>")
    expect(xml).toContain('<entry>a</entry>')
    expect(xml).not.toMatch(/<features>|<pm>|bootmenu|usb/)
  })

  test('is left to libvirt where nothing is known', () => {
    const xml = render(quickstart(), 'vm0', { ...emulated, emulator: undefined, machineType: undefined })
    expect(xml).toContain("<type arch='x86_64'>hvm</type>")
    expect(xml).not.toContain('<emulator>')
  })

  test('gets no credentials where there are no SMBIOS tables', () => {
    const xml = render(quickstart(), 'vm0', { ...emulated, arch: 's390x', credentials: ['a'] })
    expect(xml).not.toMatch(/sysinfo|smbios/)
  })

  test('keeps what the serial port says, and appends to what is there', () => {
    expect(render(quickstart(), 'vm0', { ...emulated, consoleLogPath: "/p/it's & <that>.log" })).toContain(
      `<serial type='pty'>
      <log file='/p/it&apos;s &amp; &lt;that&gt;.log' append='on'/>
      <target port='0'/>`,
    )
  })

  test('has an mtu on its nics only where libvirt knows of it', () => {
    expect(render(bridged(), 'vm0', emulated)).toContain("<mtu size='9000'/>")
    expect(render(bridged(), 'vm0', { ...emulated, supportsMtu: false })).not.toContain('<mtu')
    expect(render(quickstart(), 'vm0', emulated)).not.toContain('<mtu')
  })

  test.each([
    ['pc-i440fx-7.2', 'x86_64', 'ide'],
    ['pc-q35-7.2', 'x86_64', 'sata'],
    ['virt', 'aarch64', 'scsi'],
  ])('of type %s has its cdrom on %s', (machineType, arch, bus) => {
    const cdrom = fileDisk('cd', 'hdc', { rawPath: '/x.iso', format: 'iso' })
    const xml = renderDisks([cdrom], { ...emulated, machineType, arch })
    expect(xml).toContain(`<target dev='hdc' bus='${bus}'/>`)
    expect(xml.includes("model='virtio-scsi'")).toBe(bus === 'scsi')
  })
})

test('degraded links are down and limited from the start, where libvirt limits them', () => {
  const env = quickstart()
  const vm = env.vms.get('vm0')
  if (vm === undefined) throw new Error('no VM')
  const nics = vm.nics.map((nic) => ({ ...nic, link: { isDown: true, rateBitsPerS: 500_000, delayUs: 1 } as const }))
  const bandwidth = /<bandwidth>\s*<inbound average='63'\/>\s*<outbound average='63'\/>\s*<\/bandwidth>/
  const xml = domainXml({ ...vm, nics }, env, emulated)
  expect(xml).toContain("<link state='down'/>")
  expect(xml).toMatch(bandwidth)
  expect(domainXml({ ...vm, nics }, env, { ...emulated, limitsRates: false })).not.toContain('<bandwidth>')
})

describe('disks', () => {
  test('of the prefix need not outlive the host, files of the user must', () => {
    const disks = [
      templateDisk('t', 'vda'),
      emptyDisk('e', 'vdb'),
      fileDisk('copy', 'vdc', { rawPath: '/a/copy.qcow2', copy: true }),
      fileDisk('own', 'vdd', { rawPath: '/a/own.qcow2' }),
    ]
    const caches = [...renderDisks(disks).matchAll(/cache='(\w+)'/g)].map(([, cache]) => cache)
    expect(caches).toEqual(['unsafe', 'unsafe', 'unsafe', 'writeback'])
  })

  test('on scsi share one controller', () => {
    const xml = renderDisks([emptyDisk('a', 'sda'), emptyDisk('b', 'sdb')])
    expect(xml.match(/virtio-scsi/g)).toHaveLength(1)
  })
})

test('text of the user cannot become markup', () => {
  const hostile = `<x a="1" b='2'>&`
  const xml = renderDisks([fileDisk('own', 'vda', { rawPath: `/${hostile}` })], { ...emulated, credentials: [hostile] })
  expect(xml).not.toContain('<x')
  expect(xml).toContain("<source file='/&lt;x a=&quot;1&quot; b=&apos;2&apos;&gt;&amp;'/>")
  expect(xml).toContain('<entry>&lt;x a=&quot;1&quot; b=&apos;2&apos;&gt;&amp;</entry>')
})
