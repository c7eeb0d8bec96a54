/** The SDK with guests that run: the words in which tests are written. One environment; each test builds on the last. */
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { init, loadEnv, type Env, type Vm } from '../../src/index.js'
import { makeProject, outcomeOf, type LagoProject } from '../helpers/lago-project.js'
import { hostState, MINI_ENV, miniVm } from '../helpers/real-host.js'

let project: LagoProject
let before: Awaited<ReturnType<typeof hostState>>
let env: Env
let vm: Vm

beforeAll(async () => {
  before = await hostState()
  project = await makeProject(await mkdtemp(path.join(os.tmpdir(), 'lago-sdk-')), {}, MINI_ENV)
  const spec = {
    domains: { vm0: { ...(miniVm([{ net: 'lago' }]) as object), artifacts: ['/root/kept'] } },
    nets: { lago: { type: 'nat', management: true, dhcp: { start: 100, end: 254 } } },
  }
  env = await init({ spec, cwd: project.dir, workdir: '.lago', env: project.env })
  vm = env.vm('vm0')
})

afterAll(async () => {
  await env[Symbol.asyncDispose]()
  await rm(project.dir, { recursive: true, force: true })
})

test('a machine is started and waited for, and says on its console how it came up', async () => {
  await env.start()
  await vm.waitForSsh()
  await vm.waitForPort(22)
  expect(await vm.state()).toBe('running')
  expect(await vm.consoleLog()).not.toBe('')
})

test('commands side by side lose nothing, also where the guest has dropbear', async () => {
  const lane = async (lane: number): Promise<string> => {
    let said = ''
    for (let turn = 0; turn < 4; turn++) said += (await vm.exec(`echo ${lane}.${turn}; exit 3`)).stdout
    return said
  }
  const said = await Promise.all([1, 2, 3].map(lane))
  expect(said).toEqual([1, 2, 3].map((lane) => [0, 1, 2, 3].map((turn) => `${lane}.${turn}\n`).join('')))
})

test('words reach the command as they are; a text is for the shell', async () => {
  expect(await vm.exec(['printf', '%s|', "it's", '$HOME', 'a  b'])).toMatchObject({
    exitCode: 0,
    stdout: "it's|$HOME|a  b|",
    stderr: '',
  })
  expect(await vm.exec('echo $HOME; echo no >&2; exit 3')).toMatchObject({
    exitCode: 3,
    stdout: '/root\n',
    stderr: 'no\n',
  })
  expect(await vm.succeed('cat', { input: 'from here' })).toBe('from here')
  expect((await vm.fail('test -e /nowhere')).exitCode).toBe(1)
  await expect(vm.succeed('echo why >&2; exit 9')).rejects.toMatchObject({
    code: 'LAGO_GUEST_COMMAND',
    message: expect.stringMatching(/on vm0 failed with exit code 9\n {2}why$/),
  })
})

test('commands share a connection', async () => {
  const parents = await Promise.all([1, 2, 3].map(async () => vm.succeed('cut -d" " -f4 /proc/$PPID/stat')))
  expect(new Set(parents).size).toBe(1)
})

test('a script of this host runs there', async () => {
  const script = path.join(project.dir, 'script.sh')
  await writeFile(script, 'echo "on $(hostname)"\nexit 4\n')
  expect(await vm.script('script.sh')).toMatchObject({ exitCode: 4, stdout: 'on vm0\n' })
})

test('files go in and come out', async () => {
  await writeFile(path.join(project.dir, 'there'), 'and back')
  await vm.copyTo('there', '/root/kept')
  await vm.copyFrom('/root/kept', 'back')
  expect(await readFile(path.join(project.dir, 'back'), 'utf8')).toBe('and back')
})

test('services are managed by what is found in the guest, which is written down', async () => {
  await expect(vm.service('web').state()).rejects.toMatchObject({ code: 'LAGO_SERVICE' })
  const systemctl = '#!/bin/sh\n[ "$1" != start ] || echo "$@" > /run/started\n'
  await vm.succeed('cat > /usr/bin/systemctl && chmod +x /usr/bin/systemctl', { input: systemctl })
  await vm.service('web').start()
  expect(await vm.succeed('cat /run/started')).toContain('web')
  expect(await vm.service('web').state()).toBe('active')
  expect(await project.read('.lago/default/virt/vm-vm0')).toContain('systemd')
})

test('what takes a while is waited for', async () => {
  await vm.succeed('(sleep 1; touch /root/late) >/dev/null 2>&1 &')
  await vm.waitForFile('/root/late')
  await expect(vm.waitForFile('/root/never', { timeoutMs: 1 })).rejects.toMatchObject({ code: 'LAGO_TIMEOUT' })
})

test('a revert takes everything back, and the connection is made anew without a word', async () => {
  await vm.succeed('sleep 1000 >/dev/null 2>&1 & echo $! > /run/pid')
  await env.snapshot('clean')
  await vm.succeed('kill $(cat /run/pid) && rm /root/kept')
  await env.revert('clean')
  await vm.succeed('kill -0 $(cat /run/pid) && test -e /root/kept')
  expect((await vm.snapshots()).get('clean')).toMatchObject({ withMemory: true })
})

test('artifacts are collected', async () => {
  await env.collectArtifacts('collected')
  const [kept = ''] = await readdir(path.join(project.dir, 'collected', 'vm0'))
  expect(await readFile(path.join(project.dir, 'collected', 'vm0', kept), 'utf8')).toBe('and back')
})

test('the command line sees the same environment, and what another stops is told', async () => {
  expect((await project.lago(['-f', 'flat', 'status'])).stdout).toContain('VMs/vm0/status: running')
  expect(await project.lago(['stop'])).toMatchObject({ exitCode: 0 })
  await expect(vm.succeed('true')).rejects.toMatchObject({
    code: expect.stringMatching(/^LAGO_(GUEST_UNREACHABLE|VM_NOT_RUNNING)$/),
  })
  await expect(vm.succeed('true')).rejects.toMatchObject({ code: 'LAGO_VM_NOT_RUNNING' })
})

test('after a start commands find the machine again', async () => {
  await vm.start()
  expect(await vm.succeed('hostname')).toBe('vm0\n')
})

test('a program that forgets to close its environment ends all the same', async () => {
  const library = new URL('../../src/index.js', import.meta.url).href
  const script = `
    const { loadEnv } = await import(${JSON.stringify(library)})
    const env = await loadEnv({ prefixPath: ${JSON.stringify(env.prefixDir)} })
    console.log(await env.vm('vm0').succeed('hostname'))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: fileURLToPath(new URL('../../..', import.meta.url)),
    env: { PATH: process.env['PATH'], ...project.env },
  })
  expect(await outcomeOf(child)).toEqual({ exitCode: 0, stdout: 'vm0\n\n', stderr: '' })
})

test('destroy leaves the host as it was before init', async () => {
  const loaded = await loadEnv({ cwd: project.dir, env: project.env })
  await loaded.close()
  await env.destroy()
  expect(await project.ls('.')).not.toContain('.lago')
  expect(await hostState(before)).toEqual(before)
})
