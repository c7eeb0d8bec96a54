/** Copies by the sftp server of a guest, over the connection that there is. */
import { LagoError } from '../base/errors.js'
import { runCommand } from '../base/process.js'
import type { Task } from '../base/task.js'
import { copyFailed } from './copy-ways.js'
import { sftpCommand } from './ssh-command.js'
import { SSH_FAILED } from './ssh-failure.js'
import type { SshGuest } from './ssh-guest.js'

export interface SftpCopy {
  readonly verb: 'put' | 'get'
  readonly from: string
  readonly to: string
  readonly isDirectory: boolean
}

/** False: the guest has no sftp server. Throws `LAGO_COPY_FAILED`, `LAGO_NO_SPACE`, `LAGO_FILE_NAME`. */
export async function copyBySftp(task: Task, guest: SshGuest, copy: SftpCopy): Promise<boolean> {
  using shared = await guest.connect(task)
  const { argv, env } = sftpCommand(guest.target, shared.controlPath)
  const flags = copy.isDirectory ? '-pR' : '-p'
  const input = `${copy.verb} ${flags} ${sftpWord(copy.from)} ${sftpWord(copy.to)}\n`
  const options = { env, input, okCodes: [0, FAILED, SSH_FAILED], package: 'openssh-client' }
  const { exitCode, stderr } = await runCommand(task, argv, options)
  if (exitCode === FAILED) throw copyFailed(`${copy.verb} ${copy.from} by sftp, ${guest.vm}`, stderr)
  return exitCode === 0
}

/** sftp(1), -b: a command of the batch failed. */
const FAILED = 1

/** sftp(1) reads words in quotes, in which patterns are none. */
function sftpWord(word: string): string {
  if (/[\r\n]/.test(word))
    throw new LagoError('LAGO_FILE_NAME', `sftp cannot name ${JSON.stringify(word)}: there is a line break in it`, {
      hint: 'put tar into the guest, or rename the file',
    })
  return `"${word.replace(/[\\"]/g, '\\$&')}"`
}
