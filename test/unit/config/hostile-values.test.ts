/** Settings of the environment, against a model that is safe: refused in words, or the same text as a setting. */
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { isLagoError } from '../../../src/base/errors.js'
import { loadConfig } from '../../../src/config/load.js'
import { HOSTILE_TEXTS } from '../../helpers/hostile.js'

/** What an environment variable can hold, under the names of settings and under others. */
const texts = fc.oneof(fc.constantFrom(...HOSTILE_TEXTS), fc.string({ unit: 'binary' }))
const value = texts.map((text) => text.replaceAll('\0', ''))
const names = [
  ...['LAGO_LIBVIRT_URL', 'LAGO_LIBVIRT_USER', 'LAGO_LIBVIRT_PASSWORD', 'LAGO_SSH_USER', 'LAGO_SSH_PASSWORD'],
  ...['LAGO_SSH_TRIES', 'LAGO_SSH_TIMEOUT', 'LAGO_LEASE_DIR', 'LAGO_DEFAULT_VM_TYPE', 'LAGO_DEFAULT_VM_PROVIDER'],
  ...['LAGO_LOGLEVEL', 'LAGO_LOGDEPTH', 'LAGO_PREFIX_NAME', 'LAGO_OUT_FORMAT', 'LAGO_ACCEL', 'LAGO_JOBS', 'LAGO_STP'],
  ...['LAGO__INIT__TEMPLATE_STORE', 'LAGO__INIT__TEMPLATE_REPO_PATH', 'LAGO_PLUGINS', 'LAGO_PROBE_KERNEL'],
  ...['LAGO__PROTO__', 'LAGO___PROTO____X', 'LAGO__CONSTRUCTOR__PROTOTYPE', 'LAGO_', 'LAGO__', 'LAGO__A__B__C'],
]

test('any value of any variable is a setting, or refused in words', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 4, noNullPrototype: true }), (env) => {
      try {
        loadConfig({ env, flags: new Map(), homeDir: '/none', etcDir: '/none', cwd: '/cwd' })
      } catch (error) {
        if (!isLagoError(error)) throw error
        expect(error.message.split('\n').length).toBeLessThan(20)
      }
      expect(Object.keys(Object.prototype)).toEqual([])
    }),
    { numRuns: 500 },
  )
})

test.each(HOSTILE_TEXTS.filter((text) => text !== '' && !text.includes('\0')))('%j goes through as it is', (text) => {
  const env = { LAGO_SSH_USER: text, LAGO_SSH_PASSWORD: text }
  try {
    const { config } = loadConfig({ env, flags: new Map(), homeDir: '/none', etcDir: '/none', cwd: '/cwd' })
    expect([config.ssh.user, config.ssh.password]).toEqual([text, text])
  } catch (error) {
    if (!isLagoError(error)) throw error
  }
})
