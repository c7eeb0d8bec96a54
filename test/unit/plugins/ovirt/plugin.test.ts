import { expect, test } from '@jest/globals'
import { commands } from '../../../../src/cli/commands/index.js'
import { checkPlugin, collectAdditions } from '../../../../src/plugin/check.js'
import { OWN_KINDS } from '../../../../src/prefix/kinds.js'
import { ovirt } from '../../../../src/plugins/ovirt/plugin.js'

test('is in order, and in nobody’s way: at the start it is not looked at again', () => {
  const plugin = checkPlugin(ovirt, 'plugin ovirt')
  const taken = { ...OWN_KINDS, commands: commands.map(({ name }) => name), outputs: [] }
  const { commands: verbs } = collectAdditions([plugin], taken)
  expect([...verbs.keys()].every((name) => name.startsWith('ovirt '))).toBe(true)
  expect([...verbs.values()]).toEqual(ovirt.commands)
})
