import type { CommandSpec } from '../command.js'
import { withGuest } from './with-guest.js'

export const copyFromVm: CommandSpec = {
  name: 'copy-from-vm',
  summary: 'Copy a file or a directory out of a VM',
  example: 'lago copy-from-vm vm0 /var/log ./logs',
  args: [
    { name: 'host', arity: 'one', complete: 'vm', help: "the VM's name" },
    { name: 'remote-path', arity: 'one', help: 'what to copy; directories with all that is in them' },
    { name: 'local-path', arity: 'one', complete: 'file', help: 'a directory to copy into, else the new name' },
  ],
  options: [],
  async run(context) {
    const { copyFromGuest } = await import('../../guest/copy-from.js')
    await withGuest(context, async (task, guest, paths) => {
      const request = { from: paths.remote, to: paths.local }
      await task.step(`Copy ${request.from} from ${guest.vm}`, async (task) => copyFromGuest(task, guest, request))
    })
  },
}
