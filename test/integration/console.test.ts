/**
 * The console of a mini guest of a real libvirt, the log of it, the agent and libvirt's events. The tests are the life of
 * one VM, in order; each builds on those before it.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { openLibvirt } from '../../src/libvirt/connection.js'
import type { DomainEvent, LibvirtConnection } from '../../src/libvirt/types.js'
import { guestAgent } from '../../src/vm/libvirt/agent.js'
import { makeProject, outcomeOf, type LagoProject } from '../helpers/lago-project.js'
import { MINI_ENV, miniVm } from '../helpers/real-host.js'
import { recordedTask } from '../helpers/recorded-task.js'

const LAGO = fileURLToPath(new URL('../../../bin/lago.js', import.meta.url))
const LOG = '.lago/default/logs/console-vm0.log'
const { task } = recordedTask()
let project: LagoProject
let libvirt: LibvirtConnection
let domain: string

beforeAll(async () => {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lago-console-'))
  const initFile = {
    domains: { vm0: miniVm([{ net: 'lago' }]) },
    nets: { lago: { type: 'nat', management: true, dhcp: { start: 100, end: 254 } } },
  }
  project = await makeProject(dir, { LagoInitFile: JSON.stringify(initFile) }, MINI_ENV)
  libvirt = openLibvirt({ uri: 'qemu:///system' })
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
  domain = `${(await project.read('.lago/default/uuid')).slice(0, 8)}-vm0`
})

afterAll(async () => {
  await libvirt.close()
  await project.lago(['destroy', '--yes'])
  await rm(project.dir, { recursive: true, force: true })
})

/** Resolves when the child has said it, on stdout or stderr; gives everything up to there. */
async function said(child: ChildProcess, text: string): Promise<string> {
  let seen = ''
  return new Promise((resolve, reject) => {
    const look = (chunk: Buffer): void => {
      seen += chunk.toString()
      if (seen.includes(text)) resolve(seen)
    }
    child.stdout?.on('data', look)
    child.stderr?.on('data', look)
    child.on('close', () => reject(new Error(`it ended without ${text}: ${seen}`)))
  })
}

/** Events until there is one that `isLast`. */
async function eventsUntil(
  isLast: (event: DomainEvent) => boolean,
  work: () => Promise<unknown>,
  connection = libvirt,
): Promise<DomainEvent[]> {
  const events: DomainEvent[] = []
  let found = (): void => undefined
  const over = new Promise<void>((resolve) => (found = resolve))
  await using _watch = await connection.watchDomains(task, [domain], (event) => {
    events.push(event)
    if (isLast(event)) found()
  })
  await work()
  await over
  return events
}

const lifecycle = (event: string) => (seen: DomainEvent) => seen.type === 'lifecycle' && seen.event === event

test('a start is told by events, up to the agent, which then answers', async () => {
  const events = await eventsUntil(
    (event) => event.type === 'agent' && event.connected,
    async () =>
      expect(await project.lago(['start'])).toMatchObject({
        exitCode: 0,
        stderr: expect.not.stringContaining('LAGO_'),
      }),
  )
  expect(events).toContainEqual({ type: 'lifecycle', domain, event: 'started', detail: 'booted' })
  const agent = guestAgent(libvirt, { libvirtName: domain, spec: { name: 'vm0' } })
  await agent.ping(task, 20_000)
  await agent.setTime(task, Date.UTC(2033, 0, 1))
  expect((await project.lago(['shell', 'vm0', 'date', '-u', '+%Y'])).stdout).toBe('2033\n')
  await agent.freeze(task)
  await agent.thaw(task)
})

test('the log has what the guest printed from the first byte on, for its user alone', async () => {
  const { stdout } = await project.lago(['console', 'vm0', '--log', '--no-follow'])
  expect(stdout).toContain('mini: init')
  expect(stdout).toContain('vm0 login:')
  expect((await stat(path.join(project.dir, LOG))).mode & 0o777).toBe(0o600)
})

test('the console is both ways, and its output is in the log as well', async () => {
  const child = project.spawnLago(['console', 'vm0'])
  const type = async (text: string, answer: string): Promise<string> => {
    const answered = said(child, answer)
    child.stdin?.write(text)
    return answered
  }
  await said(child, 'Connected to the console of vm0')
  await type('\r', 'login:')
  await type('bob\r', 'Password:')
  const heard = said(child, '42-here')
  expect(await project.lago(['shell', 'vm0', 'echo $((6 * 7))-here > /dev/ttyS0'])).toMatchObject({ exitCode: 0 })
  await heard
  const outcome = outcomeOf(child)
  child.kill('SIGINT')
  expect(await outcome).toMatchObject({ exitCode: 130 })
  const { stdout } = await project.lago(['console', 'vm0', '--log', '--no-follow'])
  expect(stdout).toMatch(/login: bob[^]*42-here/)
})

test('one session at a time, unless it is forced', async () => {
  const first = project.spawnLago(['console', 'vm0'])
  await said(first, 'Connected')
  expect(await project.lago(['console', 'vm0'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('LAGO_CONSOLE_BUSY'),
  })
  const outcome = outcomeOf(first)
  const second = project.spawnLago(['console', 'vm0', '--force'])
  await said(second, 'Connected')
  expect(await outcome).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('LAGO_CONSOLE_LOST') })
  const ended = outcomeOf(second)
  second.kill('SIGTERM')
  expect(await ended).toMatchObject({ exitCode: 143 })
})

/** The verb on a terminal of its own; gives how the terminal was before and after, and what was seen. */
async function onTerminal(act: (child: ChildProcess) => Promise<void>): Promise<{ before: string; after: string }> {
  const run = path.join(project.dir, 'run.sh')
  const verb = `sh -c 'echo $$ > pid; exec "$0" "$@"' '${process.execPath}' '${LAGO}' console vm0`
  await writeFile(run, `stty -a > before\n${verb}\necho "exit code $?"\nstty -a > after\n`)
  const child = spawn('script', ['-qec', `sh ${run}`, '/dev/null'], {
    cwd: project.dir,
    env: { PATH: process.env['PATH'], TERM: 'dumb', SHELL: '/bin/sh', ...project.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  await said(child, '^] leaves it')
  await act(child)
  return { before: await project.read('before'), after: await project.read('after') }
}

test('the key leaves with 0, and the terminal is as it was', async () => {
  const { before, after } = await onTerminal(async (child) => {
    const left = said(child, 'exit code 0')
    child.stdin?.write('\x1d')
    await left
    await once(child, 'close')
  })
  expect(after).toBe(before)
})

test('the terminal is as it was after a signal', async () => {
  const { before, after } = await onTerminal(async (child) => {
    const left = said(child, 'exit code 143')
    process.kill(Number(await project.read('pid')), 'SIGTERM')
    await left
    await once(child, 'close')
  })
  expect(after).toBe(before)
})

test('the loss of the connection is told, once', async () => {
  const proxy = await startProxy('/var/run/libvirt/libvirt-sock', path.join(project.dir, 'sock'))
  const cut = openLibvirt({ uri: `qemu+unix:///system?socket=${proxy.path}` })
  const events = await eventsUntil(
    ({ type }) => type === 'connection-lost',
    async () => proxy.cut(),
    cut,
  )
  expect(events).toEqual([{ type: 'connection-lost', reason: expect.stringMatching(/./) }])
  await cut.close()
})

test('the end of the VM ends the console and the log, with 0', async () => {
  const [both, log] = [project.spawnLago(['console', 'vm0']), project.spawnLago(['console', 'vm0', '--log'])]
  await Promise.all([said(both, 'Connected'), said(log, 'mini: init')])
  const outcomes = Promise.all([outcomeOf(both), outcomeOf(log)])
  const events = await eventsUntil(lifecycle('stopped'), async () => project.lago(['stop']))
  expect(events.at(-1)).toEqual({ type: 'lifecycle', domain, event: 'stopped', detail: 'destroyed' })
  expect(await outcomes).toMatchObject([{ exitCode: 0 }, { exitCode: 0 }])
})

test('a stopped VM has a log and no console', async () => {
  const { stdout, exitCode } = await project.lago(['console', 'vm0', '--log'])
  expect({ stdout, exitCode }).toEqual({ stdout: expect.stringContaining('mini: init'), exitCode: 0 })
  expect(await project.lago(['console', 'vm0'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('Host vm0 is not "running", but "down" [LAGO_VM_NOT_RUNNING]'),
  })
})

test('the next start begins a new log, and keeps the one before', async () => {
  const before = await project.read(LOG)
  await rm(path.join(project.dir, '.lago/default/logs/lago.log'))
  expect(await project.lago(['start'])).toMatchObject({ exitCode: 0 })
  expect(await readFile(path.join(project.dir, `${LOG}.previous`), 'utf8')).toBe(before)
  expect(before).toContain('42-here')
  expect(await project.read(LOG)).not.toContain('42-here')
  const { stdout } = await promisify(execFile)('virsh', ['-q', '-c', 'qemu:///system', 'dumpxml', domain])
  expect(stdout).toContain(`<log file='${path.join(project.dir, LOG)}' append='on'/>`)
})

async function startProxy(target: string, socketPath: string): Promise<{ path: string; cut: () => void }> {
  const sockets: Socket[] = []
  const server: Server = createServer((socket) => {
    const upstream = connect(target)
    sockets.push(socket, upstream)
    socket.pipe(upstream).pipe(socket)
    for (const end of [socket, upstream]) end.on('error', () => undefined)
  }).listen(socketPath)
  await once(server, 'listening')
  return {
    path: socketPath,
    cut() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
