import { describe, expect, test } from '@jest/globals'
import { planEnv } from '../../../src/plan/plan-env.js'
import { domainSpec, emptyDisk, envSpec, netSpec, nic, planFacts, templateDisk, UUID } from '../../helpers/env-spec.js'

describe('planEnv', () => {
  const spec = envSpec(
    [
      domainSpec('vm0', {
        nics: [nic('san'), nic('lago')],
        disks: [templateDisk('root', 'vda'), emptyDisk('data', 'sda')],
      }),
      domainSpec('vm1', { nics: [nic('lago')] }),
    ],
    [netSpec('lago', { management: true }), netSpec('san', { mtu: 9000 })],
  )
  const plan = planEnv(spec, planFacts(spec))

  test('keeps the order of the file and the specs as they are', () => {
    expect(plan.uuid).toBe(UUID)
    expect([...plan.vms.keys()]).toEqual(['vm0', 'vm1'])
    expect([...plan.nets.keys()]).toEqual(['lago', 'san'])
    expect(plan.vms.get('vm0')?.spec).toBe(spec.domains.get('vm0'))
    expect(plan.nets.get('san')?.spec).toBe(spec.nets.get('san'))
  })

  test('gives each VM its names, nics and disks', () => {
    expect(plan.vms.get('vm0')).toMatchObject({
      libvirtName: '6f1a2b3c-vm0',
      managementNet: 'lago',
      managementIp: '192.168.200.2',
      nics: [
        { net: 'san', ip: '192.168.201.2', mac: '54:52:c0:a8:c9:02', mtu: 9000 },
        { net: 'lago', ip: '192.168.200.2', mac: '54:52:c0:a8:c8:02', mtu: 1500 },
      ],
      disks: [{ spec: { name: 'root' } }, { spec: { name: 'data' } }],
    })
  })

  test('gives each net its names, its gateway and its part', () => {
    expect(plan.nets.get('lago')).toMatchObject({
      libvirtName: '6f1a-lago',
      bridgeName: '6f1a-lago-ni',
      isManagement: true,
      gateway: '192.168.200.1',
    })
    expect(plan.nets.get('san')).toMatchObject({ isManagement: false, gateway: '192.168.201.1' })
  })

  test('gives the same plan for the same input', () => {
    expect(planEnv(spec, planFacts(spec))).toEqual(plan)
  })

  test('takes the gateway of the init file, and the first address of the subnet without one', () => {
    const own = envSpec([domainSpec('vm0')], [netSpec('lago', { gateway: '192.168.210.2' })])
    const planned = planEnv(own, planFacts(own))
    expect(planned.nets.get('lago')?.gateway).toBe('192.168.210.2')
    expect(planned.vms.get('vm0')?.managementIp).toBe('192.168.210.3')
  })

  test('makes the first net by name management when none is marked', () => {
    const own = envSpec([domainSpec('vm0', { nics: [nic('b'), nic('a')] })], [netSpec('b'), netSpec('a')])
    const planned = planEnv(own, planFacts(own))
    expect(planned.vms.get('vm0')?.managementNet).toBe('a')
    expect(planned.nets.get('a')?.isManagement).toBe(true)
    expect(planned.nets.get('b')?.isManagement).toBe(false)
  })

  test('leaves addresses on a bridge to others; each nic has a MAC of its own there, which stays', () => {
    const own = envSpec([domainSpec('vm0', { nics: [nic('br')] })], [netSpec('br', { type: 'bridge' })])
    const planned = planEnv(own, planFacts(own))
    expect(planned.vms.get('vm0')).toMatchObject({
      managementIp: undefined,
      nics: [{ ip: undefined, mac: expect.stringMatching(/^54:52:fe(:[0-9a-f]{2}){3}$/) }],
    })
    const again = planEnv(own, planFacts(own, { uuid: UUID.replace('6', '7') }))
    expect(again.vms.get('vm0')?.nics[0]?.mac).not.toBe(planned.vms.get('vm0')?.nics[0]?.mac)
    expect(planned.nets.get('br')).toMatchObject({ gateway: undefined, bridgeName: '6f1a-br' })
  })
})
