import { expect, test } from '@jest/globals'
import { readEnv } from '../../../src/config/env.js'

const settings: [string, string, string][] = [
  ['LAGO_LOGLEVEL', 'lago', 'loglevel'],
  ['LAGO_PREFIX_NAME', 'lago', 'prefix_name'],
  ['LAGO__INIT__TEMPLATE_STORE', 'init', 'template_store'],
  ['LAGO__START__WAIT_SUSPEND', 'start', 'wait_suspend'],
  ['LAGO__TWO_WORDS__KEY', 'two_words', 'key'],
  ['LAGO__A__B__C', 'a', 'b__c'],
]
test.each(settings)('%s is key of [%s]: %s', (variable, section, key) => {
  const warnings: string[] = []
  expect(readEnv({ [variable]: 'v' }, (text) => warnings.push(text))).toEqual([{ variable, section, key, value: 'v' }])
  expect(warnings).toEqual([])
})

test.each(['LAGO_', 'LAGO__', 'LAGO__NO_END', 'LAGO__NO_END_', 'LAGO__NO_KEY__'])(
  '%s is malformed and ignored',
  (name) => {
    const warnings: string[] = []
    expect(readEnv({ [name]: 'v' }, (text) => warnings.push(text))).toEqual([])
    expect(warnings).toEqual([`${name} is ignored: expected LAGO_KEY or LAGO__SECTION__KEY`])
  },
)

test('an empty variable is ignored with a warning, and others are nobody’s business', () => {
  const warnings: string[] = []
  const env = { LAGO_WORKDIR_PATH: '', LAGOON: 'x', PATH: '/bin', MY_LAGO_X: 'y' }
  expect(readEnv(env, (text) => warnings.push(text))).toEqual([])
  expect(warnings).toEqual(['LAGO_WORKDIR_PATH is ignored: it is empty'])
})
