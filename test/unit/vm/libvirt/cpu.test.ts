import { describe, expect, test } from '@jest/globals'
import { renderXml } from '../../../../src/base/xml.js'
import type { DomainSpec } from '../../../../src/spec/types.js'
import { cpuElement, vmCpu, type CpuFacts } from '../../../../src/vm/libvirt/cpu.js'
import { domainSpec } from '../../../helpers/env-spec.js'

const intelHost = { model: 'Broadwell', vendor: 'Intel', features: new Set(['vmx', 'aes']) }
const emulated: CpuFacts = { domainType: 'qemu', arch: 'x86_64', hostCpu: intelHost, cpuModels: undefined }
const kvm: CpuFacts = { ...emulated, domainType: 'kvm' }

function render(given: Partial<DomainSpec>, facts: CpuFacts): string {
  return renderXml(cpuElement(domainSpec('vm0', { memoryMiB: 1000, vcpus: 1, ...given }), facts)).replace(/\n */g, '')
}

describe('without a wish', () => {
  test('KVM passes the CPU of the host on', () => {
    expect(render({}, kvm)).toBe("<cpu mode='host-passthrough'><topology sockets='1' cores='1' threads='1'/></cpu>")
  })

  test.each(['qemu', 'test'])('a domain of type %s has the default of libvirt', (domainType) => {
    expect(render({}, { ...emulated, domainType })).toBe("<cpu><topology sockets='1' cores='1' threads='1'/></cpu>")
  })
})

describe('NUMA cells', () => {
  test.each([
    [1, []],
    [2, ['0:500', '1:500']],
    [3, ['0:334', '1:333', '2:333']],
    [4, ['0-1:500', '2-3:500']],
    [6, ['0-1:334', '2-3:333', '4-5:333']],
    [8, ['0-3:500', '4-7:500']],
    [10, ['0-1:200', '2-3:200', '4-5:200', '6-7:200', '8-9:200']],
    [12, ['0-3:334', '4-7:333', '8-11:333']],
  ])('%i vcpus', (vcpus, expected) => {
    const cells = [...render({ vcpus }, kvm).matchAll(/<cell id='\d+' cpus='([^']+)' memory='(\d+)' unit='MiB'\/>/g)]
    expect(cells.map(([, cpus, memory]) => `${cpus}:${memory}`)).toEqual(expected)
  })

  test('are left out where qemu has none', () => {
    expect(render({ vcpus: 2 }, { ...emulated, arch: 's390x' })).not.toContain('numa')
  })
})

describe('cpu_model', () => {
  const haswell = "<cpu match='exact'><model>Haswell</model><topology sockets='1' cores='1' threads='1'/></cpu>"
  const nested = haswell.replace('</cpu>', "<feature policy='require' name='vmx'/></cpu>")
  const amdHost = { model: 'EPYC', vendor: 'AMD', features: new Set(['svm']) }

  test.each<[string, string, CpuFacts, boolean]>([
    ["of the host's vendor under KVM lets guests nest", 'Haswell', kvm, true],
    ['under emulation does not', 'Haswell', emulated, false],
    ['of another vendor does not', 'Haswell', { ...kvm, hostCpu: amdHost }, false],
    ['on a host that cannot does not', 'Haswell', { ...kvm, hostCpu: { ...intelHost, features: new Set() } }, false],
    ['on a host that was not asked does not', 'Haswell', { ...kvm, hostCpu: undefined }, false],
    [
      'that libvirt knows as of another vendor does not',
      'Haswell',
      { ...kvm, cpuModels: new Map([['Haswell', 'X']]) },
      false,
    ],
  ])('%s', (_, cpuModel, facts, isNested) => {
    expect(render({ cpuModel }, facts)).toBe(isNested ? nested : haswell)
  })

  test.each([
    ['EPYC-Rome', amdHost, 'svm'],
    ['Opteron_G3', amdHost, 'svm'],
    ['qemu64', amdHost, undefined],
    ['qemu64', intelHost, undefined],
    ['Dhyana', intelHost, undefined],
  ])('%s on %o requires %s', (cpuModel, hostCpu, flag) => {
    expect(/name='(\w+)'/.exec(render({ cpuModel }, { ...kvm, hostCpu }))?.[1]).toBe(flag)
  })

  test('that libvirt does not have is refused, with what was probably meant', () => {
    const facts = {
      ...kvm,
      cpuModels: new Map([
        ['Haswell', 'Intel'],
        ['EPYC', 'AMD'],
      ]),
    }
    expect(() => render({ cpuModel: 'Hasswell' }, facts)).toThrow(
      expect.objectContaining({
        code: 'LAGO_SPEC_INVALID',
        message: 'domains.vm0.cpu_model: libvirt has no CPU model "Hasswell"; did you mean "Haswell"?',
        hint: 'the models: Haswell, EPYC',
      }),
    )
  })
})

describe('cpu_custom', () => {
  test('is libvirt XML as a mapping, with the topology added', () => {
    const cpuCustom = {
      '@mode': 'custom',
      '@match': 'exact',
      model: { '@fallback': 'allow', '#text': 'Westmere' },
      vendor: 'Intel',
      feature: [
        { '@policy': 'require', '@name': 'vmx' },
        { '@policy': 'disable', '@name': 'x2apic' },
      ],
    }
    expect(render({ cpuCustom }, emulated)).toBe(
      "<cpu mode='custom' match='exact'><model fallback='allow'>Westmere</model><vendor>Intel</vendor>" +
        "<feature policy='require' name='vmx'/><feature policy='disable' name='x2apic'/>" +
        "<topology sockets='1' cores='1' threads='1'/></cpu>",
    )
  })

  test('keeps a topology of its own', () => {
    const topology = { '@sockets': 1, '@cores': 2, '@threads': 1 }
    expect(render({ cpuCustom: { topology } }, kvm)).toBe("<cpu><topology sockets='1' cores='2' threads='1'/></cpu>")
  })

  test('escapes what is in it', () => {
    expect(render({ cpuCustom: { topology: null, '@mode': "a'><b", model: '<c/>' } }, kvm)).toBe(
      "<cpu mode='a&apos;&gt;&lt;b'><topology/><model>&lt;c/&gt;</model></cpu>",
    )
  })

  test.each([
    ['an element', { 'a><b': 1 }, '"a><b" is not the name of an element'],
    ['an attribute', { "@a='1' b": 1 }, `"@a='1' b" is not the name of an attribute`],
    ['an element with text', { model: { '#text': 'x', b: 1 } }, '"model" has text beside elements'],
  ])('refuses %s that is not XML', (_, cpuCustom, message) => {
    expect(() => render({ cpuCustom }, kvm)).toThrow(
      expect.objectContaining({ code: 'LAGO_SPEC_INVALID', message: `domains.vm0.cpu_custom: ${message}` }),
    )
  })
})

describe('which CPU a VM has', () => {
  test.each<[string, Partial<DomainSpec>, CpuFacts, unknown]>([
    ["the host's under KVM", {}, kvm, { model: 'Broadwell', vendor: 'Intel' }],
    ['nobody knows under emulation', {}, emulated, undefined],
    ['nobody knows on a host that was not asked', {}, { ...kvm, hostCpu: undefined }, undefined],
    ['the one that was wished for', { cpuModel: 'EPYC-IBPB' }, kvm, { model: 'EPYC-IBPB', vendor: 'AMD' }],
    ['one of no vendor is not known', { cpuModel: 'qemu64' }, kvm, undefined],
    [
      'of a custom one its model',
      { cpuCustom: { model: { '#text': 'Haswell' } } },
      kvm,
      { model: 'Haswell', vendor: 'Intel' },
    ],
    [
      'of a custom one its model, in short',
      { cpuCustom: { model: 'Haswell' } },
      emulated,
      { model: 'Haswell', vendor: 'Intel' },
    ],
    ['of a custom one without a model nobody knows', { cpuCustom: { '@mode': 'host-model' } }, kvm, undefined],
  ])('%s', (_, given, facts, expected) => {
    expect(vmCpu(domainSpec('vm0', given), facts)).toEqual(expected)
  })
})
