import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { isLagoError } from '../../../src/base/errors.js'
import { parseInitFile } from '../../../src/spec/load.js'

const words = [
  'lago',
  'vm0',
  'memory',
  'nics',
  'net',
  'disks',
  'type',
  'template',
  'empty',
  'file',
  'size',
  'path',
  'name',
]
const moreWords = [
  'dev',
  'vda',
  'domains',
  'nets',
  'prototypes',
  'based-on',
  'management',
  'dhcp',
  'start',
  'gw',
  'ip',
  'x',
]
const hostile = [
  '../../etc/passwd',
  '$(touch /tmp/x)',
  '`id`',
  'a\nb',
  'a\u0000b',
  '\u202e\u{1f4a9}',
  '__proto__',
  'constructor',
  '',
  ' ',
  '-rf',
  'x'.repeat(10_000),
]
const key = fc.constantFrom(...words, ...moreWords, ...hostile)
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.oneof(key, fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.string()),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 6, noNullPrototype: true }),
  ),
}))
const file = fc.record({ domains: value, nets: value, prototypes: value }, { requiredKeys: [], noNullPrototype: true })

/** A file that is right but for one value put in somewhere. */
const nearlyRight = fc
  .tuple(
    fc.constantFrom('memory', 'nics', 'disks', 'metadata', 'groups', 'based-on', 'ssh-user', 'accel', 'build'),
    value,
  )
  .map(([name, odd]) => ({
    domains: {
      vm0: { nics: [{ net: 'lago' }], disks: [{ name: 'a', dev: 'vda', type: 'empty', size: '1G' }], [name]: odd },
    },
    nets: { lago: { dhcp: { start: 2, end: 9 } } },
  }))

test.each([
  ['values of any shape', file],
  ['a right file with one odd value', nearlyRight],
])('%s give a spec or LAGO_SPEC_INVALID with a line per issue', async (_title, arbitrary) => {
  await fc.assert(
    fc.asyncProperty(arbitrary, async (content) => {
      await expectSpecOrRefusal(JSON.stringify(content))
    }),
    { numRuns: 150 },
  )
})

test('any text gives a spec or LAGO_SPEC_INVALID', async () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(
        fc.constantFrom(':', ' ', '\n', '- ', '&a', '*a', '{', '}', '[', '"', 'nets', 'domains', '<<', '!', '|', '\t'),
      )
      .map((parts) => parts.join('')),
  )
  await fc.assert(fc.asyncProperty(text, expectSpecOrRefusal), { numRuns: 300 })
})

test.each(hostile)('as a name %j is taken or refused, and never reaches a prototype', async (name) => {
  const content = `{"domains": {${JSON.stringify(name)}: {"nics": [{"net": ${JSON.stringify(name)}}], "polluted": true}}, "nets": {${JSON.stringify(name)}: {"polluted": true}}}`
  await expectSpecOrRefusal(content)
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  expect(({} as Record<string, unknown>).polluted).toBeUndefined() // {} has no such key of its own
})

async function expectSpecOrRefusal(text: string): Promise<void> {
  try {
    const { spec, warnings } = await parseInitFile(text, '/somewhere/LagoInitFile')
    for (const name of [...spec.domains.keys(), ...spec.nets.keys()]) expect(name).toMatch(/^[A-Za-z0-9._-]+$/)
    expect(warnings.every(({ severity }) => severity === 'warning')).toBe(true)
  } catch (error) {
    if (!isLagoError(error, 'LAGO_SPEC_INVALID')) throw error
    const { issues } = error.data as { issues: readonly unknown[] }
    expect(error.message.split(/[\n\r\u2028\u2029]/)).toHaveLength(issues.length)
    expect(Math.max(...error.message.split('\n').map((line) => line.length))).toBeLessThan(2000)
  }
}
