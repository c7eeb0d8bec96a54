import { describe, expect, test } from '@jest/globals'
import { expandVars } from '../../../src/base/expand-vars.js'
import { nearest } from '../../../src/base/nearest.js'
import { createRegistry } from '../../../src/base/registry.js'

test.each([
  ['$A/x', 'one/x'],
  ['${A}b', 'oneb'],
  ['$AB', '$AB'],
  ['${NO}', '${NO}'],
  ['$', '$'],
  ['a$$A', 'a$one'],
  ['$(A)', '$(A)'],
  ['`A`', '`A`'],
])('expandVars turns %s into %s', (text, expanded) => {
  expect(expandVars(text, { A: 'one' })).toBe(expanded)
})

test.each([
  ['memroy', 'memory'],
  ['nic', 'nics'],
  ['Memory', 'memory'],
  ['zzz', undefined],
  ['vm', undefined],
])('the nearest of %s is %s', (name, found) => {
  expect(nearest(name, ['memory', 'nics', 'disks'])).toBe(found)
})

test('a name that ends with what was written is nearer than one that is spelt alike', () => {
  expect(nearest('vm1', ['vm0', 'lago_suite_vm1'])).toBe('lago_suite_vm1')
  expect(nearest('VM1', ['vm0', 'suite-vm1'])).toBe('suite-vm1')
  expect(nearest('vm1', ['vm0', 'novm1'])).toBe('vm0') // no word of it
  expect(nearest('', ['vm_'])).toBeUndefined()
})

describe('registry', () => {
  test('lists the known names for an unknown one', () => {
    const registry = createRegistry('VM type', [['default', 1]])
    expect(registry.get('default')).toBe(1)
    expect(() => registry.get('defalt')).toThrow('unknown VM type "defalt"; known: default')
  })

  test('refuses a name that is given twice', () => {
    const twice = [
      ['a', 1],
      ['a', 2],
    ] as const
    expect(() => createRegistry('VM type', twice)).toThrow(expect.objectContaining({ code: 'LAGO_PLUGIN_CONFLICT' }))
  })
})
