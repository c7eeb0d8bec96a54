import { expect, test } from '@jest/globals'
import { unlessAborted } from '../../../../src/base/unless-aborted.js'
import type { LibvirtConnection } from '../../../../src/libvirt/types.js'
import { createMachines, type Machines } from '../../../../src/vm/libvirt/machines.js'
import { recordedTask } from '../../../helpers/recorded-task.js'

const CAPABILITIES =
  '<capabilities><host><cpu><arch>i686</arch></cpu></host>' +
  "<guest><os_type>hvm</os_type><arch name='i686'><domain type='test'/></arch></guest></capabilities>"

function machinesOf(capabilities: LibvirtConnection['capabilities']): Machines {
  const libvirt = { uri: 'test:///default', capabilities } as Partial<LibvirtConnection> as LibvirtConnection // what is asked
  return createMachines(libvirt, { accel: 'tcg', probeKernelPath: undefined, cacheDir: '/none' })
}

test.each<['defaultType' | 'qemuUser', string | undefined]>([
  ['defaultType', 'test'],
  ['qemuUser', undefined],
])('the abort of the VM that came first is not that of the next: %s', async (question, answer) => {
  let tell: (text: string) => void = () => undefined
  const told = new Promise<string>((resolve) => (tell = resolve))
  const machines = machinesOf(async ({ signal }) => unlessAborted(signal, told))
  const first = recordedTask()
  const lost = machines[question](first.task)
  const kept = machines[question](recordedTask().task)
  first.abort(new Error('enough'))
  await expect(lost).rejects.toThrow('enough')
  tell(CAPABILITIES)
  expect(await kept).toBe(answer)
})

test.each(['defaultType', 'qemuUser'] as const)(
  'a libvirt that could not be asked is asked again: %s',
  async (question) => {
    let isGone = true
    const machines = machinesOf(async () => {
      if (isGone) throw new Error('libvirtd is gone')
      return CAPABILITIES
    })
    const { task } = recordedTask()
    await expect(machines[question](task)).rejects.toThrow('libvirtd is gone')
    isGone = false
    await machines[question](task)
  },
)
