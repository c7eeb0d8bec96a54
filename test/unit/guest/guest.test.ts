import { createPublicKey } from 'node:crypto'
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'
import { createSshKeyPair } from '../../../src/guest/ssh-key.js'
import { sftpCommand, sshCommand, type SshTarget } from '../../../src/guest/ssh-command.js'
import { waitForSsh } from '../../../src/guest/wait-for-ssh.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const run = promisify(execFile)
const target: SshTarget = {
  vm: 'vm0',
  ip: '192.168.200.2',
  user: 'root',
  password: 's3cret',
  knownHostsPath: '/prefix/known_hosts',
  keyPath: '/p/id_rsa',
  connectTimeoutMs: 10_000,
  connectTries: 100,
}

test('the key pair is one that ssh-keygen reads and agrees with', async () => {
  const { privateKey, publicKey } = await createSshKeyPair('lago-12345678')
  const file = path.join(await makeTempDir(), 'id_rsa')
  await writeFile(file, privateKey, { mode: 0o600 })
  const { stdout } = await run('ssh-keygen', ['-y', '-f', file])
  expect(publicKey).toBe(`${stdout.trim().split(' ').slice(0, 2).join(' ')} lago-12345678\n`)
  expect(privateKey).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/)
  expect(createPublicKey(privateKey).asymmetricKeyDetails?.modulusLength).toBe(3072)
})

test('ssh takes nothing from the user and the password is in no argument', () => {
  const { argv, env } = sshCommand(target, 'uname -a', { tty: false })
  expect(argv.slice(0, 3)).toEqual(['ssh', '-F', 'none'])
  expect(argv).toContain('IdentityFile="/p/id_rsa"')
  expect(argv).toContain('StrictHostKeyChecking=accept-new')
  expect(argv.slice(-6)).toEqual(['-T', '-l', 'root', '--', '192.168.200.2', 'uname -a'])
  expect(argv.join(' ')).not.toContain('s3cret')
  expect(env).toMatchObject({ LAGO_SSH_PASSWORD: 's3cret', SSH_ASKPASS_REQUIRE: 'force' })
})

test('without a password only the key is tried and nothing is asked', () => {
  const { argv, env } = sshCommand({ ...target, password: undefined }, undefined, { tty: true })
  expect(argv).toContain('PreferredAuthentications=publickey')
  expect(argv).toContain('-t')
  expect(env).toEqual({})
})

test.each([
  ['192.168.200.2', 'root@192.168.200.2'],
  ['fd8f:1391:3a82:200::2', 'root@[fd8f:1391:3a82:200::2]'],
])('sftp is told the address %s as %s', (ip, told) => {
  expect(sftpCommand({ ...target, ip }, '/s').argv.at(-1)).toBe(told)
})

/** A server on loopback that treats each connection as told. */
async function serverThat(treat: (socket: Socket) => void): Promise<{ port: number; close: () => void }> {
  const server = createServer(treat)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, close: () => server.close() } // a TCP server has one
}

test('ssh has come when something greets as ssh does', async () => {
  const { task } = recordedTask()
  const server = await serverThat((socket) => socket.end('SSH-2.0-test\r\n'))
  await waitForSsh(task, { vm: 'vm0', ip: '127.0.0.1', port: server.port }, 10_000)
  server.close()
})

test.each([
  ['says something else', (socket: Socket) => void socket.end('HTTP/1.1 400\r\n'), 'speaks something else than ssh'],
  ['closes at once', (socket: Socket) => void socket.end(), 'closed the connection without a greeting'],
])('a server that %s is named in the error', async (_, treat, text) => {
  const { task } = recordedTask()
  const server = await serverThat(treat)
  await expect(waitForSsh(task, { vm: 'vm0', ip: '127.0.0.1', port: server.port }, 200)).rejects.toMatchObject({
    code: 'LAGO_GUEST_UNREACHABLE',
    message: expect.stringMatching(new RegExp(`^vm0 did not accept ssh within 0.2 s\n  \\d+ x .*${text}`)),
  })
  server.close()
})

test('nobody there: refused connections are counted', async () => {
  const { task } = recordedTask()
  const port = 1 // nobody listens there, and nobody is given it
  await expect(waitForSsh(task, { vm: 'vm0', ip: '127.0.0.1', port }, 200)).rejects.toMatchObject({
    code: 'LAGO_GUEST_UNREACHABLE',
    message: expect.stringContaining('ECONNREFUSED'),
  })
})

test('an abort ends the wait with its reason', async () => {
  const { task, abort } = recordedTask()
  const server = await serverThat(() => abort(new Error('enough')))
  await expect(waitForSsh(task, { vm: 'vm0', ip: '127.0.0.1', port: server.port }, 60_000)).rejects.toThrow('enough')
  server.close()
})
