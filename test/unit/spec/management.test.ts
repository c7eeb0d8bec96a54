import { expect, test } from '@jest/globals'
import { managementNets } from '../../../src/spec/management.js'

test.each<[marked: Record<string, boolean>, expected: string[]]>([
  [{ a: false, b: true }, ['b']],
  [{ b: true, a: true }, ['b', 'a']],
  [{ b: false, a: false }, ['a']],
  [{}, []],
])('of %j the management nets are %j', (marked, expected) => {
  const nets = new Map(Object.entries(marked).map(([name, management]) => [name, { management }]))
  expect([...managementNets(nets)]).toEqual(expected)
})
