import { expect, test } from '@jest/globals'
import { loadConfig } from '../../../src/config/load.js'
import { sshLimitMs } from '../../../src/prefix/guests.js'
import { quickstart } from '../../helpers/golden-envs.js'

test.each([
  [{}, 600_000],
  [{ ssh_tries: '3', ssh_timeout: '4' }, 15_000],
  [{ ssh_tries: '3' }, 33_000],
  [{ ssh_timeout: '3' }, 400_000],
  [{ ssh_tries: '1000' }, 600_000],
])('with %j nobody waits longer than %i ms for ssh', (given, limitMs) => {
  const flags = new Map([['lago', new Map(Object.entries(given))]])
  const { config } = loadConfig({ env: {}, homeDir: '/no/home', cwd: '/', flags, etcDir: '/no' })
  const [vm] = quickstart().vms.values()
  if (vm === undefined) throw new Error('unreachable: it has VMs')
  expect(sshLimitMs({ config }, { ...vm, spec: { ...vm.spec, bootTimeoutMs: 600_000 } })).toBe(limitMs)
})
