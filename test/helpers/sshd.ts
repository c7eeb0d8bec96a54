/** A real ssh server on loopback, with keys of its own, that lets this user in. */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import type { SshTarget } from '../../src/guest/ssh-command.js'
import { endTree } from './processes.js'

const run = promisify(execFile)
const SSHD = '/usr/sbin/sshd'

export interface Sshd {
  readonly dir: string
  readonly target: SshTarget
  /** What the server logged so far. */
  log(): string
  /** How often somebody has logged in. */
  logins(): number
  /** Ends the server and every connection at once. */
  stop(): Promise<void>
  /** Comes up again at the same address. */
  start(): Promise<void>
  renewHostKey(): Promise<void>
}

/** `config`: further lines of sshd_config. To be stopped with `stop`, which removes nothing but the processes. */
export async function startSshd(config: readonly string[] = []): Promise<Sshd> {
  if (!existsSync(SSHD)) throw new Error(`${SSHD} is missing: install the package openssh-server`)
  const dir = await mkdtemp(path.join(await realpath(os.tmpdir()), 'lago-sshd-'))
  const port = await freePort()
  const hostKey = path.join(dir, 'host_key')
  const key = path.join(dir, 'id')
  const bin = path.join(dir, 'bin')
  await mkdir(bin)
  await writeFile(path.join(bin, 'sync'), '#!/bin/sh\n', { mode: 0o755 }) // this host's disks are not the matter
  await newKey(hostKey)
  await newKey(key)
  await mkdir('/run/sshd', { recursive: true, mode: 0o755 }).catch(() => undefined) // for privilege separation, as root
  await writeFile(path.join(dir, 'authorized_keys'), await readFile(`${key}.pub`))
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${hostKey}`,
    `AuthorizedKeysFile ${dir}/authorized_keys`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'PermitRootLogin yes',
    'LogLevel VERBOSE',
    'Subsystem sftp internal-sftp',
    ...config,
    // the first line of its kind counts; another home, since what this user's shell does at its start is not the matter
    `SetEnv HOME=${dir} PATH=${bin}:/usr/bin:/bin`,
  ]
  await writeFile(path.join(dir, 'sshd_config'), `${lines.join('\n')}\n`)
  let log = ''
  let child: ChildProcess | undefined
  const start = async (): Promise<void> => {
    const from = log.length
    child = spawn(SSHD, ['-D', '-e', '-f', path.join(dir, 'sshd_config')], {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    })
    child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()))
    while (!log.slice(from).includes('Server listening')) {
      if (child.exitCode !== null) throw new Error(`sshd ended: ${log}`)
      await Promise.race([once(child.stderr ?? child, 'data'), once(child, 'exit')])
    }
  }
  await start()
  return {
    dir,
    target: {
      vm: 'vm0',
      ip: '127.0.0.1',
      port,
      user: os.userInfo().username,
      password: undefined,
      keyPath: key,
      knownHostsPath: path.join(dir, 'known hosts 100%'),
      connectTimeoutMs: 20_000,
      connectTries: 1,
    },
    log: () => log,
    logins: () => log.split('\n').filter((line) => line.startsWith('Accepted publickey')).length,
    start,
    async stop() {
      if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      await endTree(child.pid)
      await gone
    },
    async renewHostKey() {
      await rm(hostKey)
      await newKey(hostKey)
    },
  }
}

async function newKey(file: string): Promise<void> {
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file])
}

/** Outside of the range from which the kernel gives ports to others, so that it stays free between two starts. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000)
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    server.close()
    if (isFree) return port
  }
}
