import type { CommandSpec } from '../command.js'
import { withGuest } from './with-guest.js'

export const copyToVm: CommandSpec = {
  name: 'copy-to-vm',
  summary: 'Copy a file or a directory into a VM',
  example: 'lago copy-to-vm vm0 ./build /root',
  args: [
    { name: 'host', arity: 'one', help: "the VM's name" },
    { name: 'local-path', arity: 'one', help: 'what to copy; directories with all that is in them' },
    { name: 'remote-path', arity: 'one', help: 'a directory to copy into, else the new name' },
  ],
  options: [],
  async run(context) {
    const { copyToGuest } = await import('../../guest/copy-to.js')
    await withGuest(context, async (task, guest, paths) => {
      const request = { from: paths.local, to: paths.remote }
      await task.step(`Copy ${request.from} to ${guest.vm}`, async (task) => copyToGuest(task, guest, request))
    })
  },
}
