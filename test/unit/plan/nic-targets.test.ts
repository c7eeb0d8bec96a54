import { expect, test } from '@jest/globals'
import { findNics } from '../../../src/plan/nic-targets.js'
import { planEnv } from '../../../src/plan/plan-env.js'
import { domainSpec, envSpec, netSpec, nic, planFacts } from '../../helpers/env-spec.js'

/** A VM and a net of the same name, a net named as a nic is, and one that nobody is on. */
const spec = envSpec(
  [
    domainSpec('vm0', { nics: [nic('lago'), nic('san'), nic('san'), nic('eth1')] }),
    domainSpec('same', { nics: [nic('lago'), nic('same')] }),
  ],
  ['lago', 'san', 'same', 'eth1', 'empty', '1'].map((name) => netSpec(name, { management: name === 'lago' })),
)
const plan = planEnv(spec, planFacts(spec))
const at = (vm: string, index: number): { vm: string; index: number } => ({ vm, index })

test.each([
  ['lago', [at('vm0', 0), at('same', 0)]],
  ['san', [at('vm0', 1), at('vm0', 2)]],
  ['same', [at('same', 1)]],
  ['same:same', [at('same', 1)]],
  ['same:1', [at('same', 1)]],
  ['same:eth0', [at('same', 0)]],
  ['same:lago', [at('same', 0)]],
  ['vm0:1', [at('vm0', 1)]],
  ['vm0:3', [at('vm0', 3)]],
])('%s', (target, expected) => {
  expect(findNics(plan, target)).toEqual(expected)
})

test.each([
  ['vm0', 'LAGO_NO_SUCH_NET', /no net vm0, but a VM/, /vm0:0 \(lago\), vm0:1 \(san\)/],
  ['lagoo', 'LAGO_NO_SUCH_NET', /did you mean lago\?/, /nets: lago, san, same/],
  ['', 'LAGO_NO_SUCH_NET', /there is no net/, /or VM:NIC/],
  ['empty', 'LAGO_NO_SUCH_NIC', /no VM has a nic on net empty/, /^$/],
  ['vmo:0', 'LAGO_NO_SUCH_VM', /did you mean vm0\?/, /Available VMs: vm0, same/],
  ['vm0:4', 'LAGO_NO_SUCH_NIC', /vm0 has no nic 4/, /vm0:3 \(eth1\)/],
  ['vm0:01', 'LAGO_NO_SUCH_NIC', /vm0 has no nic 01/, /its nics/],
  ['vm0:', 'LAGO_NO_SUCH_NIC', /vm0 has no nic/, /its nics/],
  ['vm0:san', 'LAGO_NO_SUCH_NIC', /more than one nic/, /vm0:1, vm0:2/],
  ['vm0:eth1', 'LAGO_NO_SUCH_NIC', /more than one nic/, /vm0:3, vm0:1/],
  ['same:lagi', 'LAGO_NO_SUCH_NIC', /did you mean same:lago\?/, /its nics/],
  ['same:lago:0', 'LAGO_NO_SUCH_NIC', /no nic lago:0/, /its nics/],
])('%s is refused with what there is', (target, code, message, hint) => {
  try {
    findNics(plan, target)
  } catch (error) {
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
    return expect((error as { hint?: string }).hint ?? '').toMatch(hint)
  }
  throw new Error('it was found')
})
