/** A machine that Lago does not own: an ssh server of our own on a second address of this host. Needs root. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { endTree } from './processes.js'

const run = promisify(execFile)

export interface SshMachine extends AsyncDisposable {
  readonly ip: string
}

/**
 * `ip` leads to an sshd that lets root in with `publicKey` (one line). Its files are in `dir`; commands are looked for in
 * `binDir` first.
 */
export async function startSshMachine(
  dir: string,
  ip: string,
  publicKey: string,
  binDir?: string,
): Promise<SshMachine> {
  const file = (name: string): string => path.join(dir, name)
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file('host_key')])
  await writeFile(file('authorized_keys'), publicKey, { mode: 0o600 })
  const settings = {
    ListenAddress: ip,
    HostKey: file('host_key'),
    AuthorizedKeysFile: file('authorized_keys'),
    PidFile: 'none',
    PermitRootLogin: 'yes',
    PasswordAuthentication: 'no',
    StrictModes: 'no', // the directory is below /tmp
    Subsystem: 'sftp internal-sftp',
    // what root's own start-up files do is not the test's business
    SetEnv: `HOME=${dir}${binDir === undefined ? '' : ` PATH=${binDir}:/usr/bin:/bin`}`,
  }
  const lines = Object.entries(settings).map(([key, value]) => `${key} ${value}\n`)
  await writeFile(file('sshd_config'), lines.join(''))
  await mkdir('/run/sshd', { recursive: true }) // where it locks itself in; a package's service would make it
  await run('ip', ['addr', 'add', `${ip}/32`, 'dev', 'lo'])
  const server = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', file('sshd_config')], { stdio: 'ignore' })
  return {
    ip,
    async [Symbol.asyncDispose]() {
      const ended = server.exitCode === null ? once(server, 'exit') : undefined
      if (server.pid !== undefined) await endTree(server.pid) // sessions, too: they would outlive the address
      await ended
      await run('ip', ['addr', 'del', `${ip}/32`, 'dev', 'lo'])
    },
  }
}
