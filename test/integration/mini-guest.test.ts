/** What the mini template promises of itself, on one running machine. The tests share it; the last one ends it. */
import { execFile } from 'node:child_process'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createTask } from '../../src/base/task.js'
import { waitUntil } from '../../src/base/wait.js'
import { makeProject, type LagoProject } from '../helpers/lago-project.js'
import { MINI_ENV, miniVm } from '../helpers/real-host.js'

const run = promisify(execFile)
const task = createTask({ emit: () => undefined, close: async () => undefined })
let project: LagoProject
let domain: string
let ip: string

beforeAll(async () => {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lago-mini-'))
  const initFile = {
    domains: { mini: miniVm([{ net: 'lago' }]) },
    nets: { lago: { type: 'nat', management: true, dhcp: { start: 100, end: 254 } } },
  }
  project = await makeProject(dir, { LagoInitFile: JSON.stringify(initFile) }, MINI_ENV)
  for (const verb of ['init', 'start']) expect(await project.lago([verb])).toMatchObject({ exitCode: 0 })
  expect(await project.lago(['shell', 'mini', 'true'])).toMatchObject({ exitCode: 0 })
  domain = `${(await project.read('.lago/default/uuid')).slice(0, 8)}-mini`
  const stored = JSON.parse(await project.read('.lago/default/virt/vm-mini')) as { nics: [{ ip: string }] }
  ip = stored.nics[0].ip
})

afterAll(async () => {
  await project.lago(['destroy', '--yes'])
  await rm(project.dir, { recursive: true, force: true })
})

const sshOptions = (): string[] => [
  ...[
    '-F',
    'none',
    '-i',
    path.join(project.dir, '.lago/default/id_rsa'),
    '-o',
    'BatchMode=yes',
    '-o',
    'LogLevel=ERROR',
  ],
  ...['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null'],
]

test.each([
  ['scp over sftp', []],
  ['scp of old', ['-O']],
])('%s brings files there and back', async (_, flags) => {
  const [there, back] = [path.join(project.dir, 'there'), path.join(project.dir, 'back')]
  await writeFile(there, 'a\0b'.repeat(1000))
  await run('scp', [...flags, ...sshOptions(), there, `root@${ip}:/tmp/file`])
  await run('scp', [...flags, ...sshOptions(), `root@${ip}:/tmp/file`, back])
  expect(await readFile(back)).toEqual(await readFile(there))
})

test('tar packs and unpacks', async () => {
  const command = 'mkdir -p /tmp/a && echo hi > /tmp/a/f && tar -C /tmp -cz a | tar -tz'
  expect((await project.lago(['shell', 'mini', command])).stdout).toBe('a/\na/f\n')
})

test('the guest agent answers', async () => {
  const ping = async (): Promise<{ value: string } | { notYet: string }> =>
    run('virsh', ['qemu-agent-command', domain, '{"execute": "guest-ping"}']).then(
      ({ stdout }) => ({ value: stdout }),
      (error: unknown) => ({ notYet: String(error) }),
    )
  expect(JSON.parse(await waitUntil(task, 'the agent', ping, { timeoutMs: 60_000, everyMs: 500 }))).toEqual({
    return: {},
  })
})

test('root logs in on the serial console', async () => {
  const { stdout } = await run('virsh', ['ttyconsole', domain])
  const tty = await open(stdout.trim(), 'r+')
  const output = tty.createReadStream()
  let seen = ''
  output.on('data', (chunk) => (seen += String(chunk)))
  const sees = async (text: RegExp): Promise<void> => {
    const look = async (): Promise<{ value: true } | { notYet: string }> =>
      text.test(seen) ? { value: true } : { notYet: 'other text' }
    await waitUntil(task, String(text), look, { timeoutMs: 60_000, everyMs: 50 })
  }
  const type = async (text: string): Promise<void> => {
    seen = ''
    await tty.write(text)
  }
  // none of these need be the last: messages of the kernel may follow
  await type('\n')
  await sees(/login: /)
  await type('root\n')
  await sees(/[Pp]assword: /)
  await type('123456\n')
  await sees(/# /)
  await type('echo $((6 * 7))\n')
  await sees(/\n42\r?\n/)
  output.destroy() // closes the terminal as well
})

test('the power button ends it, and status tells', async () => {
  await run('virsh', ['shutdown', '--mode', 'acpi', domain])
  const isDown = async (): Promise<{ value: true } | { notYet: string }> => {
    const { stdout } = await project.lago(['-f', 'flat', 'status'])
    return stdout.includes('VMs/mini/status: down\n') ? { value: true } : { notYet: stdout }
  }
  await waitUntil(task, 'power-off', isDown, { timeoutMs: 60_000, everyMs: 500 })
})
