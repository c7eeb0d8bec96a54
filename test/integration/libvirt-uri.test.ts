/** libvirt passes a scheme that it does not know on to its daemon, and that has to answer for the error to be the right one. */
import { expect, test } from '@jest/globals'
import { createTask } from '../../src/base/task.js'
import { openLibvirt } from '../../src/libvirt/connection.js'
import { VIR_ERR_NO_CONNECT } from '../../src/libvirt/constants.js'

const task = createTask({ emit: () => undefined, close: async () => undefined })

test('a URI that no driver of libvirt knows is answered with the option to correct', async () => {
  await using broken = openLibvirt({ uri: 'nosuch:///x' })
  for (let time = 0; time < 2; time++)
    await expect(broken.capabilities(task)).rejects.toMatchObject({
      code: 'LAGO_LIBVIRT_CONNECT',
      hint: expect.stringContaining('--libvirt_url'),
      data: { call: 'virConnectOpenAuth', uri: 'nosuch:///x', libvirtCode: VIR_ERR_NO_CONNECT },
    })
})
