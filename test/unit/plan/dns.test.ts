import { describe, expect, test } from '@jest/globals'
import { planEnv } from '../../../src/plan/plan-env.js'
import { domainSpec, envSpec, netSpec, nic, planFacts } from '../../helpers/env-spec.js'
import type { EnvSpec } from '../../../src/spec/types.js'

function mappingOf(spec: EnvSpec, net: string): Readonly<Record<string, string>> {
  return Object.fromEntries(planEnv(spec, planFacts(spec)).nets.get(net)?.mapping ?? [])
}

describe('names on a net', () => {
  test('a VM has its plain name on its management net only', () => {
    const spec = envSpec(
      [domainSpec('vm0', { nics: [nic('san'), nic('lago')] })],
      [netSpec('lago', { management: true }), netSpec('san')],
    )
    expect(mappingOf(spec, 'lago')).toEqual({
      vm0: '192.168.200.2',
      'vm0-eth1': '192.168.200.2',
      'vm0-lago': '192.168.200.2',
      'vm0-lago-0': '192.168.200.2',
    })
    expect(mappingOf(spec, 'san')).toEqual({
      'vm0-eth0': '192.168.201.2',
      'vm0-san': '192.168.201.2',
      'vm0-san-0': '192.168.201.2',
    })
  })

  test('further nics on one net are counted in the order of the nics, whatever was allocated first', () => {
    const spec = envSpec(
      [domainSpec('vm0', { nics: [nic('lago'), nic('lago', '0.0.0.9'), nic('lago')] })],
      [netSpec('lago')],
    )
    expect(mappingOf(spec, 'lago')).toEqual({
      vm0: '192.168.200.2',
      'vm0-eth0': '192.168.200.2',
      'vm0-lago': '192.168.200.2',
      'vm0-lago-0': '192.168.200.2',
      'vm0-eth1': '192.168.200.9',
      'vm0-lago-1': '192.168.200.9',
      'vm0-eth2': '192.168.200.3',
      'vm0-lago-2': '192.168.200.3',
    })
  })

  test('a net whose name starts with that of another does not disturb the count', () => {
    const spec = envSpec(
      [domainSpec('vm0', { nics: [nic('san-0'), nic('san'), nic('san')] })],
      [netSpec('san', { management: true }), netSpec('san-0')],
    )
    expect(Object.keys(mappingOf(spec, 'san'))).toEqual([
      'vm0-eth1',
      'vm0-san-0',
      'vm0-san',
      'vm0',
      'vm0-eth2',
      'vm0-san-1',
    ])
  })

  test('a VM that is called as the nic of another keeps its name', () => {
    const spec = envSpec([domainSpec('vm0'), domainSpec('vm0-eth0')], [netSpec('lago')])
    expect(mappingOf(spec, 'lago')['vm0-eth0']).toBe('192.168.200.3')
  })
})

describe('what servers answer', () => {
  const spec = envSpec(
    [domainSpec('vm0', { nics: [nic('lago'), nic('san')] }), domainSpec('vm1', { nics: [nic('ops'), nic('san')] })],
    [
      netSpec('lago', { management: true, dnsDomain: 'example.com', dnsRecords: { www: '10.0.0.1', vm0: '10.0.0.2' } }),
      netSpec('san'),
      netSpec('ops', { management: true }),
    ],
  )
  const { nets } = planEnv(spec, planFacts(spec))

  test('a management net: its own records, and the names of all nets over them', () => {
    const records = Object.fromEntries(nets.get('lago')?.dnsRecords ?? [])
    expect(records).toMatchObject({
      www: '10.0.0.1',
      vm0: '192.168.200.2',
      vm1: '192.168.202.2',
      'vm1-san': '192.168.201.3',
    })
    expect(Object.fromEntries(nets.get('ops')?.dnsRecords ?? [])).not.toHaveProperty('www')
  })

  test('another net: nothing, its server is the last management net by name', () => {
    expect(nets.get('san')).toMatchObject({ dnsRecords: undefined, dnsForward: '192.168.202.1', dnsDomain: undefined })
    expect(nets.get('ops')).toMatchObject({ dnsForward: undefined, dnsDomain: 'lago.local' })
    expect(nets.get('lago')).toMatchObject({ dnsDomain: 'example.com' })
  })
})
