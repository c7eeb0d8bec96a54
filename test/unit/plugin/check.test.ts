import { describe, expect, test } from '@jest/globals'
import type { CommandSpec } from '../../../src/plugin/command.js'
import type { LagoPlugin } from '../../../src/plugin/contract.js'
import { checkPlugin, collectAdditions, type TakenNames } from '../../../src/plugin/check.js'
import { definePlugin } from '../../../src/plugin/define.js'

const verb = (name: string): CommandSpec => ({
  name,
  summary: 'Do it',
  example: `lago ${name}`,
  args: [],
  options: [],
  run: async () => undefined,
})
const service = {
  binary: '/bin/x',
  state: async () => 'active',
  start: async () => undefined,
  stop: async () => undefined,
}

describe('a plugin that is one', () => {
  test('comes back as it is', () => {
    const plugin = definePlugin({
      name: 'p',
      api: 1,
      requires: '>=2',
      commands: [verb('greet'), verb('ovirt deploy')],
      vmTypes: { empty: {}, web: { artifacts: () => ['/var/log'] } },
      providers: { cloud: () => Promise.reject(new Error('it ran')) as never },
      outputs: { csv: String },
    })
    expect(checkPlugin(plugin, 'plugin p', '2.0.0')).toBe(plugin)
    expect(checkPlugin({ name: 'p', api: 1, services: { runit: service } }, 'plugin p')).toMatchObject({ name: 'p' })
  })
})

describe('is refused', () => {
  const refused: [unknown, RegExp][] = [
    [undefined, /no plugin as its default export/],
    [[], /no plugin as its default export/],
    [{ api: 1 }, /gives no name/],
    [{ name: 'p' }, /written for plugin api undefined; this Lago has 1/],
    [{ name: 'p', api: 2 }, /written for plugin api 2; this Lago has 1/],
    [{ name: 'p', api: 1, requires: '>=3' }, /requires lago >=3, and this is 2\.0\.0/],
    [{ name: 'p', api: 1, requires: 'any' }, /requires "any", which is no range/],
    [{ name: 'p', api: 1, requires: ['>=2'] }, /which is no range/],
    [{ name: 'p', api: 1, vmTypez: {} }, /adds "vmTypez", which is not known; known: .*vmTypes/],
    [{ name: 'p', api: 1, vmTypes: [] }, /vmTypes that are no object/],
    [{ name: 'p', api: 1, vmTypes: { web: 'x' } }, /in vmTypes a "web" that is no object/],
    [{ name: 'p', api: 1, vmTypes: { web: { artifacts: [] } } }, /in vmTypes a "web" whose artifacts is no function/],
    [{ name: 'p', api: 1, providers: { cloud: {} } }, /in providers a "cloud" that is no function/],
    [{ name: 'p', api: 1, services: { x: { ...service, binary: 'x' } } }, /"x" without the path of a binary/],
    [{ name: 'p', api: 1, services: { x: { ...service, stop: undefined } } }, /"x" without a function stop/],
    [{ name: 'p', api: 1, outputs: { csv: 1 } }, /in outputs a "csv" that is no function/],
    [{ name: 'p', api: 1, commands: {} }, /commands that are no list/],
    [{ name: 'p', api: 1, commands: [null] }, /a verb without a name/],
    [{ name: 'p', api: 1, commands: [{ ...verb('x'), name: '--evil' }] }, /a verb without a name/],
    [{ name: 'p', api: 1, commands: [{ ...verb('x'), example: undefined }] }, /"x" without summary or example/],
    [{ name: 'p', api: 1, commands: [{ ...verb('x'), args: undefined }] }, /"x" without args or options/],
    [{ name: 'p', api: 1, commands: [{ ...verb('x'), run: undefined }] }, /"x" without a function run/],
  ]
  test.each(refused)('%j', (value, message) => {
    expect(() => checkPlugin(value, 'plugin ./p.js', '2.0.0')).toThrow(
      expect.objectContaining({
        code: 'LAGO_PLUGIN_API',
        message: expect.stringMatching(message),
        hint: expect.stringContaining('lago --no-plugins'),
      }),
    )
  })
})

describe('names', () => {
  const taken: TakenNames = {
    commands: ['start'],
    vmTypes: ['default'],
    providers: ['ssh'],
    services: ['systemd'],
    outputs: ['json'],
  }
  const plugin = (name: string, parts: Partial<LagoPlugin>): LagoPlugin => ({ name, api: 1, ...parts })

  test('of all plugins are collected', () => {
    const a = plugin('a', { commands: [verb('greet')], vmTypes: { web: {} } })
    const b = plugin('b', { commands: [verb('b do')], outputs: { csv: String } })
    const { commands, kinds, outputs } = collectAdditions([a, b], taken)
    expect([...commands.keys(), ...kinds.vmTypes.keys(), ...outputs.keys()]).toEqual(['greet', 'b do', 'web', 'csv'])
    expect([...kinds.providers.keys(), ...kinds.services.keys()]).toEqual([])
  })

  const web = { vmTypes: { web: {} } }
  test.each<[LagoPlugin[], string]>([
    [[plugin('a', { commands: [verb('start')] })], 'verb "start" is defined by lago itself and by plugin a'],
    [[plugin('a', { vmTypes: { default: {} } })], 'VM type "default" is defined by lago itself and by plugin a'],
    [[plugin('a', web), plugin('b', web)], 'VM type "web" is defined by plugin a and by plugin b'],
    [[plugin('a', { outputs: { json: String } })], 'output format "json" is defined by lago itself and by plugin a'],
    [[plugin('a', {}), plugin('a', {})], 'two plugins are named a'],
    [[plugin('a', { commands: [verb('start all')] })], 'the verb "start all" begins with another verb'],
    [
      [plugin('a', { commands: [verb('greet')] }), plugin('b', { commands: [verb('greet all')] })],
      'the verb "greet all" begins with another verb',
    ],
  ])('that clash are told with both owners: %#', (plugins, message) => {
    expect(() => collectAdditions(plugins, taken)).toThrow(
      expect.objectContaining({ code: 'LAGO_PLUGIN_CONFLICT', message }),
    )
  })
})
