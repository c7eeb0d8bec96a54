// Looks at the engine from outside, and at what is left to do for a host. In JavaScript, to show that, too.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { loadEnv } from 'lago'
import { engineVm, hostVms } from 'lago/ovirt'

const env = await loadEnv({ prefixPath: process.env.LAGO_PREFIX_PATH })
after(() => env.close())

test('the engine has been set up once, without errors', async () => {
  const log = await engineVm(env).succeed('cat /var/log/ovirt-engine/setup/*.log')
  assert.match(log, /Execution of setup completed successfully\n$/)
  assert.doesNotMatch(log, /ERROR/)
})

test('there are two hosts, and each of them knows the engine by name', async () => {
  const hosts = hostVms(env)
  assert.deepEqual(hosts.map(({ name }) => name).sort(), ['host0', 'host1'])
  for (const host of hosts) await host.succeed(['ping', '-c', '1', 'engine'])
})
