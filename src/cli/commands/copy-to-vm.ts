import { realpath } from 'node:fs/promises'
import { explainSystemError, LagoError } from '../../base/errors.js'
import type { CommandSpec } from '../command.js'
import { withGuest, type CopyPaths, type GuestWork } from './with-guest.js'

export const copyToVm: CommandSpec = {
  name: 'copy-to-vm',
  summary: 'Copy a file or a directory into a VM',
  example: 'lago copy-to-vm vm0 ./build /root',
  args: [
    { name: 'host', arity: 'one', complete: 'vm', help: "the VM's name" },
    { name: 'local-path', arity: 'one', complete: 'file', help: 'what to copy; directories with all that is in them' },
    { name: 'remote-path', arity: 'one', help: 'a directory to copy into, else the new name' },
  ],
  options: [],
  async run(context) {
    const { copyToGuest } = await import('../../guest/copy-to.js')
    const work: GuestWork = async (task, guest, paths) => {
      const request = { from: paths.local, to: paths.remote }
      await task.step(`Copy ${request.from} to ${guest.vm}`, async (task) => copyToGuest(task, guest, request))
    }
    await withGuest(context, work, refusePrefix)
  },
}

/** A copy of the directory that holds the prefix would hand its private key to the guest, and disks that grow meanwhile. */
async function refusePrefix({ local, prefixDir }: CopyPaths): Promise<void> {
  const [tree, prefix] = await Promise.all([realpath(local), realpath(prefixDir)]).catch((error: unknown) => {
    throw explainSystemError(error)
  })
  if (!`${prefix}/`.startsWith(tree === '/' ? tree : `${tree}/`)) return
  throw new LagoError('LAGO_USAGE', `cannot copy ${local} into a VM: the prefix ${prefix} is in it`, {
    hint: 'copy what is beside it, name by name',
    data: { path: local, prefix },
  })
}
