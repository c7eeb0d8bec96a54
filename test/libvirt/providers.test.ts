import { expect, test } from '@jest/globals'
import { openLibvirt } from '../../src/libvirt/connection.js'
import { createLibvirtProvider } from '../../src/vm/libvirt/provider.js'
import { createSshProvider } from '../../src/vm/ssh/provider.js'
import { quickstart } from '../helpers/golden-envs.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { describeProvider, startContext } from './provider-contract.js'
import { TEST_URI } from './test-driver.js'

describeProvider('local-libvirt', async () => {
  const libvirt = openLibvirt({ uri: TEST_URI })
  const options = { accel: 'auto', probeKernelPath: undefined, cacheDir: '/nonexistent' } as const
  return {
    provider: createLibvirtProvider(libvirt, options),
    env: quickstart(),
    close: async () => libvirt.close(),
  }
})

describeProvider('ssh', async () => ({
  provider: createSshProvider(),
  env: quickstart(),
  close: async () => undefined,
}))

test('the ssh provider says what it leaves undone', async () => {
  const { task, messages } = recordedTask()
  const env = quickstart()
  const [vm] = [...env.vms.values()]
  if (vm === undefined) throw new Error('unreachable: quickstart has VMs')
  const provider = createSshProvider()
  await provider.start(task, vm, await startContext(env))
  await provider.shutdown(task, vm, 'reboot')
  await provider.stop(task, vm)
  expect(messages()).toEqual([
    'vm0 is not started: it is a machine of others (vm-provider ssh)',
    'vm0 is not rebooted: it is a machine of others (vm-provider ssh)',
    `${vm.libvirtName} is not stopped: it is a machine of others (vm-provider ssh)`,
  ])
})
