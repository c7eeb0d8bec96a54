import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { open, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import path from 'node:path'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { openSshGuest, type SshGuest } from '../../../src/guest/ssh-guest.js'
import type { SshTarget } from '../../../src/guest/ssh-command.js'
import { startScript } from '../../helpers/child-script.js'
import { gone, isAlive } from '../../helpers/processes.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { startSshd, type Sshd } from '../../helpers/sshd.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

/** Of each ssh that holds a connection for the process and does nothing else. */
function masterPids(parent = process.pid): readonly number[] {
  const { stdout } = spawnSync('pgrep', ['-P', String(parent), '-a', 'ssh'], { encoding: 'utf8' })
  const lines = stdout.split('\n').filter((line) => line.includes('ControlMaster=yes'))
  return lines.map((line) => Number.parseInt(line, 10))
}

function masterPid(parent = process.pid): number {
  const [pid = 0, ...others] = masterPids(parent)
  expect([pid > 0, others]).toEqual([true, []])
  return pid
}

describe('with a server that answers', () => {
  let sshd: Sshd
  let guest: SshGuest

  beforeEach(async () => {
    sshd = await startSshd()
    guest = openSshGuest(sshd.target)
  })

  afterEach(async () => {
    await guest[Symbol.asyncDispose]()
    await sshd.stop()
    await rm(sshd.dir, { recursive: true })
  })

  test('a command gives its output and its exit code, 255 included', async () => {
    const { task } = recordedTask()
    expect(await guest.run(task, 'echo out; echo err >&2; exit 3')).toEqual({
      exitCode: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    })
    expect(await guest.run(task, 'echo mine >&2; exit 255')).toEqual({ exitCode: 255, stdout: '', stderr: 'mine\n' })
  })

  test('words reach the guest as they are, and input too', async () => {
    const { task } = recordedTask()
    const words = ["it's", 'a  b', '$HOME', '-n', '*', 'x\ny', '', 'ü', '"']
    const { stdout } = await guest.run(task, ['printf', '<%s>', ...words])
    expect(stdout).toBe(words.map((word) => `<${word}>`).join(''))
    expect(await guest.run(task, ['cat'], { input: 'given' })).toMatchObject({ stdout: 'given' })
    expect(await guest.run(task, ['cat'])).toMatchObject({ stdout: '' })
  })

  test('output is told as it comes, never half a character', async () => {
    const { task } = recordedTask()
    const told: string[] = []
    const script = `printf '\\303'; read line; printf '\\244'; echo err >&2`
    const running = guest.run(task, script, {
      input: 'go\n',
      onOutput: (text, stream) => told.push(`${stream}:${text}`),
    })
    expect(await running).toMatchObject({ stdout: 'ä', stderr: 'err\n' })
    expect(told.sort()).toEqual(['stderr:err\n', 'stdout:ä'])
  })

  test('many commands share one connection, which is gone with the guest', async () => {
    const { task } = recordedTask()
    const results = await Promise.all([1, 2, 3, 4, 5].map(async (n) => guest.run(task, `echo ${n}`)))
    expect(results.map(({ stdout }) => stdout)).toEqual(['1\n', '2\n', '3\n', '4\n', '5\n'])
    expect(sshd.logins()).toBe(1)
    const { controlPath = '' } = await guest.connect(task)
    expect(existsSync(controlPath)).toBe(true)
    await guest[Symbol.asyncDispose]()
    expect(existsSync(path.dirname(controlPath))).toBe(false)
    await expect(guest.run(task, 'true')).rejects.toMatchObject({ code: 'LAGO_GUEST_UNREACHABLE' })
  })

  test('more sessions than the server allows on one connection get connections of their own', async () => {
    await sshd.stop()
    await writeFile(path.join(sshd.dir, 'sshd_config'), 'MaxSessions 1\n', { flag: 'a' })
    await sshd.start()
    const { task } = recordedTask()
    const results = await Promise.all([7, 255, 9].map(async (n) => guest.run(task, `read x; exit ${n}`)))
    expect(results.map(({ exitCode }) => exitCode)).toEqual([7, 255, 9])
  })

  test('one that ends with 255 while the server takes no more sessions breaks no connection', async () => {
    await sshd.stop()
    await writeFile(path.join(sshd.dir, 'sshd_config'), 'MaxSessions 1\n', { flag: 'a' })
    await sshd.start()
    const { task } = recordedTask()
    const long = guest.start(task, 'echo up; read x; exit $x')
    await once(long.stdout, 'data')
    expect(await guest.run(task, 'exit 255')).toMatchObject({ exitCode: 255 })
    long.stdin.end('5\n')
    expect(await long.ended).toMatchObject({ exitCode: 5 })
    expect(sshd.logins()).toBe(2)
  })

  describe('that calls itself dropbear, which loses sessions that begin when others end', () => {
    beforeEach(async () => {
      await sshd.stop()
      await writeFile(path.join(sshd.dir, 'sshd_config'), 'VersionAddendum dropbear_2022.83\n', { flag: 'a' })
      await sshd.start()
    })

    test('commands one after another share a connection, those side by side have connections of their own', async () => {
      const { task } = recordedTask()
      await guest.run(task, 'true') // and, before it, the sync of the first contact
      await guest.run(task, 'true')
      expect(sshd.logins()).toBe(1)
      const long = guest.start(task, 'read x; exit $x')
      const results = await Promise.all([7, 8, 9].map(async (n) => guest.run(task, `echo ${n}; exit ${n}`)))
      expect(results.map(({ exitCode, stdout }) => [exitCode, stdout])).toEqual([
        [7, '7\n'],
        [8, '8\n'],
        [9, '9\n'],
      ])
      long.stdin.end('5\n')
      expect(await long.ended).toMatchObject({ exitCode: 5 })
      expect(sshd.logins()).toBe(4)
      await guest.run(task, 'true')
      expect(sshd.logins()).toBe(4)
    })

    test('after one that was given up, and may go on in the guest, the connection is another', async () => {
      const { task } = recordedTask()
      const aborted = recordedTask()
      const { stdout, ended } = guest.start(aborted.task, 'echo up; while sleep 0.2 && echo >&2; do :; done')
      await once(stdout, 'data')
      aborted.abort(new Error('enough'))
      await expect(ended).rejects.toThrow('enough')
      expect(await guest.run(task, 'echo on')).toMatchObject({ stdout: 'on\n' })
      expect(sshd.logins()).toBe(2)
    })
  })

  test('large output and input pass whole', async () => {
    const { task } = recordedTask()
    const { stdin, stdout, ended } = guest.start(task, 'cat; echo end >&2')
    const sent = Buffer.alloc(3 * 1024 ** 2, 'abcdefg')
    stdin.end(sent)
    const chunks: Buffer[] = []
    for await (const chunk of stdout) chunks.push(chunk as Buffer)
    expect(Buffer.concat(chunks).equals(sent)).toBe(true)
    expect(await ended).toEqual({ exitCode: 0, stderr: 'end\n' })
  })

  test('a command whose input is given up ends, before and after it has begun', async () => {
    const { task } = recordedTask()
    const early = guest.start(task, 'cat')
    early.stdin.destroy()
    await expect(early.ended).rejects.toThrow('the input of a command in vm0 was given up')
    const { stdin, stdout, ended } = guest.start(task, 'cat; echo more')
    stdin.write('some')
    await once(stdout, 'data')
    stdin.on('error', () => undefined)
    stdin.destroy(new Error('no more'))
    await expect(ended).rejects.toThrow('no more')
    expect(await guest.run(task, 'echo on')).toMatchObject({ stdout: 'on\n' })
  })

  test('a command that ends without reading its input gives all of its output', async () => {
    const { task } = recordedTask()
    const { stdin, stdout, ended } = guest.start(task, 'exec 0<&-; head -c 3000000 /dev/zero')
    stdin.on('error', () => undefined)
    stdin.end(Buffer.alloc(5_000_000))
    let size = 0
    for await (const chunk of stdout) size += (chunk as Buffer).length
    expect(await ended).toMatchObject({ exitCode: 0 })
    expect(size).toBe(3_000_000)
  })

  test('a guest that prints for ever is stopped', async () => {
    const { task } = recordedTask()
    await expect(guest.run(task, 'cat /dev/zero')).rejects.toMatchObject({ code: 'LAGO_GUEST_OUTPUT' })
  })

  test('the abort ends the command with its reason, and other commands go on', async () => {
    const { task } = recordedTask()
    const aborted = recordedTask()
    const other = guest.start(task, 'cat')
    const said = new Promise<void>((resolve) => {
      const running = guest.run(aborted.task, 'echo up; while sleep 0.2 && echo >&2; do :; done', {
        onOutput: () => resolve(),
      })
      running.catch(() => undefined)
      expectation = expect(running).rejects.toThrow('enough')
    })
    await said
    aborted.abort(new Error('enough'))
    await expectation
    other.stdin.end('still here')
    expect(String(await once(other.stdout, 'data'))).toBe('still here')
    expect(await other.ended).toMatchObject({ exitCode: 0 })
  })
  let expectation: Promise<void>

  test('the abort of one command does not cut the connection that another waits for', async () => {
    const { task } = recordedTask()
    const aborted = recordedTask()
    const lost = guest.run(aborted.task, 'true')
    const kept = guest.run(task, 'echo kept')
    aborted.abort(new Error('enough'))
    await expect(lost).rejects.toThrow('enough')
    expect(await kept).toMatchObject({ stdout: 'kept\n' })
    expect(sshd.logins()).toBe(1)
  })

  test('a connection that died in mid-command is an error, and the next command has a new one', async () => {
    const { task } = recordedTask()
    const { stdout, ended } = guest.start(task, 'echo up; while sleep 0.2 && echo >&2; do :; done')
    await once(stdout, 'data')
    await sshd.stop()
    await expect(ended).rejects.toMatchObject({
      code: 'LAGO_GUEST_UNREACHABLE',
      message: expect.stringMatching(/^cannot reach vm0 \(\w+@127\.0\.0\.1\) by ssh: (?!Bytes|Transferred)./),
      data: { vm: 'vm0', ip: '127.0.0.1' },
    })
    await sshd.start()
    expect(await guest.run(task, 'echo back')).toMatchObject({ stdout: 'back\n' })
  })

  test('after disconnect running commands fail and the next makes a new connection', async () => {
    const { task } = recordedTask()
    const { stdout, ended } = guest.start(task, 'echo up; while sleep 0.2 && echo >&2; do :; done')
    await once(stdout, 'data')
    await guest.disconnect()
    await expect(ended).rejects.toMatchObject({ code: 'LAGO_GUEST_UNREACHABLE' })
    expect(await guest.run(task, 'echo back')).toMatchObject({ stdout: 'back\n' })
    expect(sshd.logins()).toBe(2)
  })

  test('a disconnect that takes its time does not end a command that has come after it', async () => {
    const { task } = recordedTask()
    await guest.run(task, 'true')
    const old = masterPid()
    process.kill(old, 'SIGSTOP')
    const disconnected = guest.disconnect()
    const next = guest.start(task, 'echo up; read x; exit $x')
    await once(next.stdout, 'data')
    process.kill(old, 'SIGCONT')
    await disconnected
    next.stdin.end('5\n')
    expect(await next.ended).toMatchObject({ exitCode: 5 })
  })

  test('a first contact that is given up while the guest writes its disks leaves no connection', async () => {
    await writeFile(path.join(sshd.dir, 'bin', 'sync'), `#!/bin/sh\nexec sleep 600\n`)
    const { task, abort, message } = recordedTask()
    const given = expect(guest.run(task, 'true')).rejects.toThrow('enough')
    await message(/^vm0: run sync$/)
    const master = masterPid()
    abort(new Error('enough'))
    await given
    await guest[Symbol.asyncDispose]()
    expect(await isAlive(String(master))).toBe(false)
  })

  test('the host key is kept under the name of the VM, and another one is refused', async () => {
    const { task } = recordedTask()
    await guest.run(task, 'true')
    const kept = await readFile(sshd.target.knownHostsPath, 'utf8')
    expect(kept).toMatch(/^vm0 ssh-ed25519 \S+\n$/)
    await guest.disconnect()
    await sshd.stop()
    await sshd.renewHostKey()
    await sshd.start()
    await expect(guest.run(task, 'true')).rejects.toMatchObject({
      code: 'LAGO_HOST_KEY_CHANGED',
      hint: expect.stringContaining(sshd.target.knownHostsPath),
    })
    expect(await readFile(sshd.target.knownHostsPath, 'utf8')).toBe(kept)
    await rm(sshd.target.knownHostsPath)
    expect(await guest.run(task, 'true')).toMatchObject({ exitCode: 0 })
  })

  test.each(['garbage\n', 'vm0 garbage\n', 'vm1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAA\n'])(
    'a file for the host key without the key of the VM (%j) is no first contact',
    async (content) => {
      const { task } = recordedTask()
      await writeFile(sshd.target.knownHostsPath, content)
      await expect(guest.run(task, 'true')).rejects.toMatchObject({
        code: 'LAGO_HOST_KEY_CHANGED',
        message: expect.stringContaining(sshd.target.knownHostsPath),
      })
      expect(await readFile(sshd.target.knownHostsPath, 'utf8')).toBe(content)
      expect(sshd.logins()).toBe(0)
    },
  )

  test('a first contact that cannot be noted is an error, and leaves no connection', async () => {
    const publicKey = await readFile(path.join(sshd.dir, 'host_key.pub'), 'utf8')
    const knownHostsPath = path.join(sshd.dir, 'k'.repeat(250)) // no name for a file beside it is short enough
    await writeFile(knownHostsPath, `# not met yet\nvm0 ${publicKey}`)
    await using other = openSshGuest({ ...sshd.target, knownHostsPath })
    await expect(other.run(recordedTask().task, 'true')).rejects.toThrow('ENAMETOOLONG')
    expect(masterPids()).toEqual([])
  })

  test('the first contact, and no later one, lets the guest write its disks', async () => {
    const first = recordedTask()
    await guest.run(first.task, 'true')
    await guest.disconnect()
    await guest.run(first.task, 'true')
    expect(first.messages().filter((text) => text === 'vm0: run sync')).toHaveLength(1)
  })

  test('killed, lago leaves no connection', async () => {
    const script = startScript(new URL('./hold-guest.js', import.meta.url), [JSON.stringify(sshd.target)])
    expect(await script.nextLine()).toBe('ready')
    const master = String(masterPid(script.pid))
    expect(await isAlive(master)).toBe(true)
    await script.kill('SIGKILL')
    await gone(recordedTask().task, master)
  })

  test('a key that the guest does not know is its own error', async () => {
    await writeFile(path.join(sshd.dir, 'authorized_keys'), '')
    const { task } = recordedTask()
    await expect(guest.run(task, 'true')).rejects.toMatchObject({
      code: 'LAGO_GUEST_AUTH',
      message: expect.stringContaining('Permission denied'),
    })
  })
})

describe('with a server that does not', () => {
  let server: Server
  const sockets = new Set<Socket>()
  let target: SshTarget

  const listen = async (treat: (socket: Socket) => void): Promise<void> => {
    server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
      treat(socket)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const dir = await makeTempDir()
    target = {
      vm: 'vm0',
      ip: '127.0.0.1',
      port: (server.address() as AddressInfo).port, // a TCP server has one
      user: 'root',
      password: undefined,
      keyPath: path.join(dir, 'id'),
      knownHostsPath: path.join(dir, 'known_hosts'),
      connectTimeoutMs: 1000,
      connectTries: 100,
    }
  }

  afterEach(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })

  test.each([
    ['drops connections after the banner', (socket: Socket) => void socket.end('SSH-2.0-test\r\n')],
    ['drops connections at once', (socket: Socket) => void socket.destroy()],
    ['never says a word', () => undefined],
    ['hangs in the key exchange', (socket: Socket) => void socket.write('SSH-2.0-test\r\n')],
  ])('one that %s is an error that names the VM, in bounded time', async (_, treat) => {
    await listen(treat)
    const { task } = recordedTask()
    await using guest = openSshGuest(target)
    await expect(guest.run(task, 'true')).rejects.toMatchObject({
      code: 'LAGO_GUEST_UNREACHABLE',
      message: expect.stringMatching(/^cannot reach vm0 \(root@127\.0\.0\.1\) by ssh: \S/),
    })
    expect(existsSync(target.knownHostsPath)).toBe(false)
  })

  test('the abort ends the attempt, also one that comes while the known host keys are read', async () => {
    await listen(() => undefined)
    execFileSync('mkfifo', [target.knownHostsPath])
    const { task } = recordedTask()
    await using guest = openSshGuest({ ...target, connectTimeoutMs: 600_000 })
    const lost = expect(guest.run(task, 'true')).rejects.toMatchObject({ code: 'LAGO_GUEST_UNREACHABLE' })
    const keys = await open(target.knownHostsPath, 'w') // once it is being read
    const disposed = guest[Symbol.asyncDispose]()
    await keys.close()
    await disposed
    await lost
  })

  test('the abort ends the attempt', async () => {
    const { task, abort } = recordedTask()
    await listen(() => abort(new Error('enough')))
    await using guest = openSshGuest({ ...target, connectTimeoutMs: 60_000 })
    await expect(guest.run(task, 'true')).rejects.toThrow('enough')
  })
})
