import { describe, expect, test } from '@jest/globals'
import type { ArgSpec, CommandSpec } from '../../../src/cli/command.js'
import { joinWords } from '../../../src/config/values.js'
import { parsedArgs } from '../../../src/cli/parsed-args.js'

function command(...args: ArgSpec[]): CommandSpec {
  return {
    name: 'verb',
    summary: '',
    example: '',
    args,
    options: [
      { name: 'dst-dir', type: 'string', help: '' },
      { name: 'yes', short: 'y', type: 'flag', help: '' },
      { name: 'count', type: 'int', help: '' },
      { name: 'kind', type: 'string', choices: ['a', 'b'], help: '' },
      { name: 'names', type: 'list', help: '' },
      { name: 'parts', type: 'list', choices: ['a', 'b'], help: '' },
      { name: 'wait', type: 'optional', help: '' },
      { name: 'pick', type: 'optional', choices: ['a', 'b'], help: '' },
    ],
    run: async () => undefined,
  }
}
const ONE: ArgSpec = { name: 'host', arity: 'one', help: '' }
const OPTIONAL: ArgSpec = { name: 'local-path', arity: 'optional', help: '' }
const MANY: ArgSpec = { name: 'vm-name', arity: 'many', help: '' }

describe('words go to positionals', () => {
  const cases: [string, ArgSpec[], string[], Record<string, readonly string[]>][] = [
    ['none given', [OPTIONAL, MANY], [], { 'local-path': [], 'vm-name': [] }],
    ['in order', [ONE, OPTIONAL], ['a', 'b'], { host: ['a'], 'local-path': ['b'] }],
    ['the last to one behind many', [MANY, ONE], ['a', 'b', 'c'], { 'vm-name': ['a', 'b'], host: ['c'] }],
    ['the only one to one behind many', [MANY, ONE], ['c'], { 'vm-name': [], host: ['c'] }],
    ['the rest to many', [ONE, MANY], ['a', 'b', 'c'], { host: ['a'], 'vm-name': ['b', 'c'] }],
  ]
  test.each(cases)('%s', (_name, specs, words, expected) => {
    const args = parsedArgs(command(...specs), words, {})
    for (const [name, values] of Object.entries(expected)) {
      expect(args.many(name)).toEqual(values)
      expect(args.one(name)).toBe(values[0])
    }
  })
})

test('options come from the section by key, typed', () => {
  const args = parsedArgs(command(), [], { dst_dir: '/d', yes: 'yes', count: '7', kind: 'b', stranger: 'x' })
  expect([args.one('dst-dir'), args.flag('yes'), args.int('count'), args.one('kind')]).toEqual(['/d', true, 7, 'b'])
  expect(args.one('stranger')).toBeUndefined()
})

test.each([
  ['vm0 vm1', ['vm0', 'vm1']],
  [' vm0,vm1 ,\tvm2, ', ['vm0', 'vm1', 'vm2']],
  ['', []],
  [joinWords(['a b', 'c,d', '\\', '-x']), ['a b', 'c,d', '\\', '-x']],
])('a list from %j', (text, words) => {
  expect(parsedArgs(command(), [], { names: text }).list('names')).toEqual(words)
})

test.each([
  ['true', true],
  ['yes', true],
  ['off', undefined],
  ['unit:sshd', 'unit:sshd'],
])('an option whose value may be left out, from %j', (text, value) => {
  expect(parsedArgs(command(), [], { wait: text }).optional('wait')).toBe(value)
})

test('choices hold for each word of a list, and for a value that is not left out', () => {
  const args = parsedArgs(command(), [], { parts: 'b,a', pick: 'true' })
  expect([args.list('parts'), args.optional('pick')]).toEqual([['b', 'a'], true])
})

test('what is not given is undefined, and a flag from a file may say no', () => {
  const args = parsedArgs(command(), [], { yes: 'False' })
  expect([args.one('dst-dir'), args.int('count'), args.list('names'), args.optional('wait')]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ])
  expect([args.flag('yes'), args.many('vm-name')]).toEqual([false, []])
})

describe('refused as LAGO_USAGE, before the verb runs', () => {
  const cases: [string, ArgSpec[], string[], Record<string, string>, string][] = [
    ['a missing word', [ONE], [], {}, 'verb: HOST is missing'],
    ['surplus words', [OPTIONAL], ['a', 'b', 'c'], {}, 'verb: unexpected argument "b c"'],
    ['no whole number', [], [], { count: '1.5' }, 'bad value "1.5" for --count: expected a whole number'],
    ['no rung behind many', [MANY, ONE], [], {}, 'verb: HOST is missing'],
    ['a list with no choice', [], [], { parts: 'a c' }, 'bad value "a c" for --parts: expected one of a, b'],
    ['no choice of what may be left out', [], [], { pick: 'c' }, 'bad value "c" for --pick: expected one of a, b'],
    ['no choice', [], [], { kind: 'c' }, 'bad value "c" for --kind: expected one of a, b'],
    [
      'no boolean',
      [],
      [],
      { yes: 'perhaps' },
      'bad value "perhaps" for --yes: expected one of true, false, yes, no, on, off, 1, 0',
    ],
  ]
  test.each(cases)('%s', (_name, specs, words, section, message) => {
    expect(() => parsedArgs(command(...specs), words, section)).toThrow(
      expect.objectContaining({ code: 'LAGO_USAGE', message }),
    )
  })
})
