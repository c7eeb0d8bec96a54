/** An old image as a machine of this environment, by virt-sysprep (spec 6.1). */
import type { Task } from '../../base/task.js'
import { checkPassword } from '../password.js'
import type { Identity, RootDisk } from '../types.js'
import { commandsFileText } from './commands.js'
import { sysprepCommands } from './sysprep-content.js'
import { runGuestfsTool, type GuestfsOptions } from './tool.js'
import { withWorkDir } from './work-dir.js'

/**
 * Host name, keys and password go into the image, and what upstream changes in it by `identity.distro`; its host keys,
 * machine id and logs go. Secrets are in files of this user alone, as long as the program runs.
 *
 * Throws `LAGO_PASSWORD`, and as `runGuestfsTool` does; the disk may be half changed then.
 */
export async function sysprepDisk(
  task: Task,
  disk: RootDisk,
  identity: Identity,
  { kvmWorks }: Pick<GuestfsOptions, 'kvmWorks'>,
): Promise<void> {
  const { vm, sshPublicKey, rootPassword } = identity
  if (rootPassword !== undefined) checkPassword(rootPassword)
  await withWorkDir(async (dir) => {
    const publicKeyPath = await dir.write('key', `${sshPublicKey}\n`)
    const passwordPath = await dir.write('password', `${rootPassword ?? ''}\n`)
    const commands = sysprepCommands(identity, { publicKeyPath, passwordPath })
    const commandsPath = await dir.write('commands', commandsFileText(commands))
    const words = ['--commands-from-file', commandsPath]
    await runGuestfsTool(task, 'virt-sysprep', disk, { vm, kvmWorks, words, dir })
  })
}
