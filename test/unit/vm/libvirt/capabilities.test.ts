import { expect, test } from '@jest/globals'
import { readCapabilities } from '../../../../src/vm/libvirt/capabilities.js'

const XML = `<capabilities>
  <host><cpu>
    <arch>x86_64</arch><model>EPYC</model><vendor>AMD</vendor>
    <feature name='svm'/><feature name='aes'/>
  </cpu>
  <secmodel><model>apparmor</model><doi>0</doi><baselabel type='kvm'>libvirt</baselabel></secmodel>
  <secmodel><model>dac</model><doi>0</doi>
    <baselabel type='lxc'>+1:+2</baselabel>
    <baselabel type='kvm'>+64055:+108</baselabel><baselabel type='qemu'>+64055:+108</baselabel>
  </secmodel></host>
  <guest><os_type>xen</os_type><arch name='x86_64'><emulator>/usr/bin/xen</emulator><domain type='xen'/></arch></guest>
  <guest><os_type>hvm</os_type><arch name='i686'><emulator>/usr/bin/qemu-system-i386</emulator><domain type='qemu'/></arch></guest>
  <guest><os_type>hvm</os_type><arch name='x86_64'>
    <wordsize>64</wordsize>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <machine maxCpus='255'>pc-i440fx-7.2</machine>
    <machine canonical='pc-i440fx-7.2' maxCpus='255'>pc</machine>
    <machine>q35</machine>
    <domain type='qemu'/><domain type='kvm'/>
  </arch></guest>
</capabilities>`

test('the host’s own architecture is chosen, fully virtualised', () => {
  expect(readCapabilities(XML)).toEqual({
    arch: 'x86_64',
    emulator: '/usr/bin/qemu-system-x86_64',
    machineTypes: ['pc-i440fx-7.2', 'pc', 'q35'],
    domainTypes: ['qemu', 'kvm'],
    hostCpu: { arch: 'x86_64', model: 'EPYC', vendor: 'AMD', features: new Set(['svm', 'aes']) },
    qemuUser: { uid: 64055, gid: 108 },
  })
})

test('another architecture can be asked for', () => {
  expect(readCapabilities(XML, 'i686')).toMatchObject({ emulator: '/usr/bin/qemu-system-i386', domainTypes: ['qemu'] })
})

test('a host CPU without model and vendor is not known, and an emulator may be missing', () => {
  const xml =
    '<capabilities><host><cpu><arch>i686</arch></cpu></host>' +
    "<guest><os_type>hvm</os_type><arch name='i686'><domain type='test'/></arch></guest></capabilities>"
  expect(readCapabilities(xml)).toEqual({
    arch: 'i686',
    emulator: undefined,
    machineTypes: [],
    domainTypes: ['test'],
    hostCpu: undefined,
    qemuUser: undefined,
  })
})

test.each([
  { xml: XML, arch: 'riscv64', message: 'libvirt has no emulator for riscv64; it has: i686, x86_64' },
  { xml: '<capabilities/>', arch: undefined, message: 'libvirt has no emulator for this host; it has: none' },
])('without an emulator: $message', ({ xml, arch, message }) => {
  expect(() => readCapabilities(xml, arch)).toThrow(expect.objectContaining({ code: 'LAGO_NO_EMULATOR', message }))
})
