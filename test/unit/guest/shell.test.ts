import { readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { runShell } from '../../../src/guest/shell.js'
import { isSurelyUp } from '../../../src/guest/wait-for-ssh.js'
import { recordedTask, type RecordedTask } from '../../helpers/recorded-task.js'
import { startSshd, type Sshd } from '../../helpers/sshd.js'

let sshd: Sshd

beforeEach(async () => {
  sshd = await startSshd()
})

afterEach(async () => {
  await sshd.stop()
  await rm(sshd.dir, { recursive: true })
})

/** The words write to files, since the session has this process's own streams. */
async function shell(...words: string[]): Promise<number> {
  return shellOf(recordedTask(), ...words)
}

async function shellOf({ task }: RecordedTask, ...words: string[]): Promise<number> {
  return runShell(task, sshd.target, { words, cwd: sshd.dir, isTerminal: false })
}

const written = async (): Promise<string> => readFile(path.join(sshd.dir, 'out'), 'utf8')

test('words are joined for the guest, less a leading -c, and the exit code comes back, 255 too', async () => {
  expect(await shell('echo', `"a  b"`, '>', `${sshd.dir}/out;`, 'exit', '7')).toBe(7)
  expect(await written()).toBe('a  b\n')
  expect(await shell('-c', `printf %s "$0" > ${sshd.dir}/out; exit 255`)).toBe(255)
  expect(await written()).toMatch(/sh$/)
})

test('one word that names a local file is run there as a script; with more words it is a command', async () => {
  await writeFile(path.join(sshd.dir, 'script.sh'), `echo "from $0" > ${sshd.dir}/out\nexit 3\n`)
  expect(await shell('script.sh')).toBe(3)
  expect(await written()).toBe('from bash\n')
  expect(await shell('true', 'script.sh')).toBe(0)
})

test('the host key is kept at the first contact, and another one is refused with what to do', async () => {
  expect(await isSurelyUp(recordedTask().task, sshd.target)).toBe(false)
  expect(await shell('true')).toBe(0)
  expect(await readFile(sshd.target.knownHostsPath, 'utf8')).toMatch(/^vm0 ssh-ed25519 /)
  expect(await isSurelyUp(recordedTask().task, sshd.target)).toBe(true)
  expect(await shell('true')).toBe(0)
  expect(sshd.logins()).toBe(2)
  await sshd.stop()
  expect(await isSurelyUp(recordedTask().task, sshd.target)).toBe(false)
  await sshd.renewHostKey()
  await sshd.start()
  await expect(shell('true')).rejects.toMatchObject({
    code: 'LAGO_HOST_KEY_CHANGED',
    hint: expect.stringContaining(sshd.target.knownHostsPath),
  })
})

test('a refused key and a server that is gone are errors of their own', async () => {
  expect(await shell('true')).toBe(0)
  await writeFile(path.join(sshd.dir, 'authorized_keys'), '')
  await expect(shell('true')).rejects.toMatchObject({ code: 'LAGO_GUEST_AUTH' })
  await sshd.stop()
  await expect(shell('true')).rejects.toMatchObject({ code: 'LAGO_GUEST_UNREACHABLE' })
})

test('a leading -- is none of the words, and only the first is', async () => {
  expect(await shell('--', 'echo', 'a', '--', '>', `${sshd.dir}/out`)).toBe(0)
  expect(await written()).toBe('a --\n')
  await writeFile(path.join(sshd.dir, 'script.sh'), 'exit 3\n')
  expect(await shell('--', 'script.sh')).toBe(3)
})

test('a command that is killed is told, since ssh has no exit code for it', async () => {
  const recorded = recordedTask()
  expect(await shellOf(recorded, 'exit 7')).toBe(7)
  expect(recorded.messages().join()).not.toContain('exit code')
  expect(await shellOf(recorded, 'kill -9 $$')).toBe(255)
  expect(recorded.messages()).toContainEqual(expect.stringMatching(/^vm0: .*without an exit code/))
})
