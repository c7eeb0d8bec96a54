/** What is read becomes plain data, of a size that can be borne, whatever the text asks for. */
import { expect, test } from '@jest/globals'
import { parseCloudConfig } from '../../../src/bootstrap/cloud-init/user-text.js'
import { parseInitFile } from '../../../src/spec/load.js'
import { copyPlainData } from '../../../src/spec/plain-data.js'
import { parseRepository } from '../../../src/store/repository-file.js'
import { parseMetadata } from '../../../src/store/published.js'

const file = (metadata: string): string =>
  `domains:\n  vm0:\n    nics: [{net: lago}]\n    metadata:\n      fact: ${metadata}\nnets: {lago: {}}\n`

test.each([
  '!!js/function "function () { return 1 }"',
  '!!js/regexp /a/',
  '!!python/object/apply:os.system ["touch /tmp/hx7"]',
  '!!binary aGVsbG8=',
  '!!timestamp 2001-01-01',
  '!!set {a}',
  '!!omap [a: 1]',
  '!local {a: 1}',
])('YAML: the tag of %s makes nothing but an error', async (text) => {
  await expect(parseInitFile(file(text), 'f')).rejects.toMatchObject({ code: 'LAGO_SPEC_INVALID' })
})

test.each([
  ['2001-01-01', '2001-01-01'],
  ['0x10', 16],
  ['yes', 'yes'],
  ['~', null],
])('YAML: %s is %p and no object', async (text, value) => {
  const { spec } = await parseInitFile(file(text), 'f')
  expect(spec.domains.get('vm0')?.metadata).toEqual({ fact: value })
})

test.each(['.inf', '.nan', '-.inf'])('YAML: %s, which could not be kept, is refused in words', async (text) => {
  await expect(parseInitFile(file(text), 'f')).rejects.toMatchObject({ code: 'LAGO_SPEC_INVALID' })
})

test('JSON: a number without end, which could not be kept, is refused in words', async () => {
  const text = '{"domains": {"vm0": {"nics": [{"net": "a"}], "metadata": {"fact": 1e400}}}, "nets": {"a": {}}}'
  await expect(parseInitFile(text, 'f')).rejects.toMatchObject({ code: 'LAGO_SPEC_INVALID' })
})

const DEEP = 200_000
const bomb = (of: string): string =>
  [`a0: &a0 [x, x, x, x, x, x, x, x, x, x]`]
    .concat(Array.from({ length: 9 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(10).fill(`*a${n}`).join(', ')}]`))
    .concat(of)
    .join('\n')
const mergeBomb = [`a0: &a0 {k0: 1}`]
  .concat(Array.from({ length: 200 }, (_, n) => `a${n + 1}: &a${n + 1} {<<: [*a${n}, *a${n}], k${n + 1}: 1}`))
  .join('\n')

test.each([
  ['aliases of aliases', bomb('domains: {vm0: {nics: [], metadata: {fact: *a9}}}\nnets: {lago: {}}')],
  ['lists without end, as YAML', `domains: ${'['.repeat(DEEP)}`],
  ['lists without end, as JSON', `{"domains": ${'['.repeat(DEEP)}${']'.repeat(DEEP)}}`],
  ['mappings without end', `{"domains": ${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}}`],
  ['lists that are indented without end', Array.from({ length: 1900 }, (_, n) => `${' '.repeat(n)}-`).join('\n')],
  ['merges of merges', `${mergeBomb}\ndomains: {vm0: {nics: [], metadata: *a200}}\nnets: {lago: {}}\n`],
  ['a list that contains itself', 'domains: {vm0: {nics: [], metadata: {fact: &a [*a]}}}\nnets: {lago: {}}'],
])('the init file: %s is refused in words', async (_, text) => {
  await expect(parseInitFile(text, 'f')).rejects.toMatchObject({ code: 'LAGO_SPEC_INVALID' })
})

test.each([
  ['aliases of aliases', bomb('packages: *a9')],
  ['lists without end', `packages: ${'['.repeat(DEEP)}`],
  ['a key that is a prototype', '__proto__: {polluted: true}'],
  ['a tag', 'packages: !!js/function "x"'],
])('user-data: %s is refused in words', (_, text) => {
  expect(() => parseCloudConfig('vm0', `#cloud-config\n${text}`)).toThrow(
    expect.objectContaining({ code: 'LAGO_USER_DATA' }),
  )
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
})

test.each([
  ['lists without end', `{"distro": ${'['.repeat(DEEP)}${']'.repeat(DEEP)}}`],
  ['a key that is a prototype', '{"__proto__": {"polluted": true}}'],
  ['half a character', '{"distro": "\\ud800"}'],
])("a template's metadata: %s is refused in words", (_, text) => {
  expect(() => parseMetadata(text, (why) => new Error(`metadata ${why}`))).toThrow(/^metadata /)
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
})

test.each(['__proto__', 'constructor', 'hasOwnProperty'])('a repository: %s is a name like any other', (name) => {
  const text = `{"name": "r", "templates": {"${name}": {"versions": {}}}, "sources": {}}`
  expect(Object.keys(parseRepository('r.json', text).templates)).toEqual([name])
  expect(Object.hasOwn(Object.prototype, 'versions')).toBe(false)
})

test('a copy shares nothing, and says at which depth it ends', () => {
  const shared = { a: [1] }
  const { value, findings } = copyPlainData({ one: shared, two: shared })
  const copy = value as { one: typeof shared; two: typeof shared } // of what was given
  copy.one.a.push(2)
  expect([copy.two.a, shared.a, findings]).toEqual([[1], [1], []])
})
