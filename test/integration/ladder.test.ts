/** The rungs of the ladder with real guests: one that has most of them, and what is told of those that do not get up. */
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { makeProject, outcomeOf, type LagoProject, type LagoRun } from '../helpers/lago-project.js'
import { MINI_ENV, miniVm } from '../helpers/real-host.js'

let project: LagoProject

beforeAll(async () => {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lago-ladder-'))
  const disk = { name: 'root', type: 'empty', dev: 'vda', format: 'qcow2', size: '1M' }
  const nothing = { memory: 64, vcpu: 1, nics: [{ net: 'lago' }], disks: [disk], boot_time_sec: 4 }
  const initFile = {
    domains: { vm0: miniVm([{ net: 'lago' }]), empty: nothing },
    nets: { lago: { type: 'nat', management: true, dhcp: { start: 100, end: 254 } } },
  }
  project = await makeProject(dir, { LagoInitFile: JSON.stringify(initFile) }, MINI_ENV)
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
})

afterAll(async () => {
  expect(await project.lago(['destroy', '--yes'])).toMatchObject({ exitCode: 0 })
  await rm(project.dir, { recursive: true, force: true })
})

/** Begins to wait, and resolves when the wait listens. */
async function beginWait(...words: string[]): Promise<{ ended: Promise<LagoRun> }> {
  const child = project.spawnLago(['wait', ...words])
  const ended = outcomeOf(child)
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('Wait for vm0')) resolve()
    })
    child.on('close', () => reject(new Error('it did not wait')))
  })
  return { ended }
}

test('start waits for ssh: the next command need not', async () => {
  expect(await project.lago(['start', '--wait', 'vm0'])).toMatchObject({ exitCode: 0, stdout: '' })
  expect(await project.read('.lago/default/logs/console-vm0.log')).toContain('mini: ready')
  expect(await project.lago(['shell', 'vm0', 'hostname'])).toMatchObject({ exitCode: 0, stdout: 'vm0\n' })
})

test.each([
  ['running', ['running']],
  ['kernel', ['running', 'kernel']],
  ['agent', ['running', 'kernel', 'agent']],
  ['network', ['running', 'kernel', 'network']],
  ['ssh', ['running', 'kernel', 'network', 'ssh']],
  ['port:22', ['running', 'kernel', 'network', 'port:22']],
  ['cmd:test -e /etc/passwd', ['running', 'kernel', 'network', 'ssh', 'cmd:test -e /etc/passwd']],
])('the rung %s', async (rung, way) => {
  const { exitCode, stdout } = await project.lago(['-f', 'json', 'wait', 'vm0', rung, '--timeout', '60'])
  expect(exitCode).toBe(0)
  const { vm0 } = JSON.parse(stdout) as { vm0: { reached_ms: Record<string, number> } }
  expect(Object.keys(vm0.reached_ms)).toEqual(expect.arrayContaining(way))
})

test.each([
  ['cloud-init', 'vm0 has no cloud-init'],
  ['unit:sshd', 'vm0 does not run systemd'],
])('a rung that the guest cannot have is refused at once: %s', async (rung, text) => {
  expect(await project.lago(['wait', 'vm0', rung])).toMatchObject({
    exitCode: 2,
    stdout: '',
    stderr: expect.stringMatching(new RegExp(`^vm0 did not get to ${rung}: ${text}.*\\[LAGO_NOT_READY\\]$`, 'm')),
  })
})

test('a command is asked again until it succeeds', async () => {
  const { ended } = await beginWait('vm0', 'cmd:test -e /tmp/ready')
  expect(await project.lago(['shell', 'vm0', 'touch /tmp/ready'])).toMatchObject({ exitCode: 0 })
  expect(await ended).toMatchObject({ exitCode: 0 })
})

test('a kernel that panics and stays ends the wait, with the panic as its cause', async () => {
  const { ended } = await beginWait('vm0', 'cmd:false')
  const crash = 'echo 0 > /proc/sys/kernel/panic; sleep 1; echo c > /proc/sysrq-trigger'
  await project.lago(['shell', 'vm0', `setsid sh -c '${crash}' > /dev/null 2>&1 < /dev/null &`])
  const { exitCode, stderr } = await ended
  expect(exitCode).toBe(2)
  expect(stderr).toMatch(
    /^vm0 did not get to cmd:false: its kernel has stopped; cause: kernel panic \[LAGO_NOT_READY\]$/m,
  )
  expect(stderr).toMatch(/^ {2}reached: running after .* kernel after .* network after .* ssh after/m)
  expect(stderr).toMatch(/^ {4}\| .*---\[ end Kernel panic - not syncing: sysrq triggered crash \]---$/m)
})

test('a machine that ends while it is waited for ends the wait', async () => {
  const { ended } = await beginWait('vm0', 'cmd:true')
  expect(await project.lago(['stop', 'vm0'])).toMatchObject({ exitCode: 0 })
  expect(await ended).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/^vm0 did not get to cmd:true: the VM ended.*\[LAGO_NOT_READY\]$/m),
  })
})

test('a machine without a system: start fails when the time is over, and says that there is nothing to boot', async () => {
  const { exitCode, stderr } = await project.lago(['start', '--wait=kernel', 'empty'])
  expect(exitCode).toBe(2)
  expect(stderr).toMatch(/^empty did not get to kernel within 4 s; cause: no boot device.*\[LAGO_NOT_READY\]$/m)
  expect(stderr).toMatch(/^ {2}reached: running after \d+\.\d s$/m)
  expect((await project.lago(['-f', 'flat', 'status'])).stdout).toContain('VMs/empty/status: running')
})
