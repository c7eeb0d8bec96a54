/**
 * Deploy, collect and shutdown on mini guests of a real libvirt, through the program as a user runs it. The tests are
 * the life of one environment, in order; each builds on those before it.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { makeProject, type LagoProject } from '../helpers/lago-project.js'
import { hostState, MINI_ENV, miniVm } from '../helpers/real-host.js'

const run = promisify(execFile)
let project: LagoProject
let before: Awaited<ReturnType<typeof hostState>>

const ARTIFACTS = ['/root/logs', '/root/odd/*', '/root/odd/to-logs', '/nowhere']

beforeAll(async () => {
  before = await hostState()
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lago-deploy-'))
  const scripts = { 'deploy-scripts': [path.join(dir, 'one.sh'), path.join(dir, 'two.sh')] }
  const vm0 = { ...(miniVm([{ net: 'lago' }]) as object), artifacts: ARTIFACTS, metadata: scripts }
  const initFile = {
    domains: { vm0, vm1: miniVm([{ net: 'lago' }]) },
    nets: { lago: { type: 'nat', management: true, dhcp: { start: 100, end: 254 } } },
  }
  const files = {
    LagoInitFile: JSON.stringify(initFile),
    'one.sh': 'echo "one ${BASH_VERSION:+bash}" | tee -a /root/ran\n',
    'two.sh': 'echo two >> /root/ran\necho "I am going to fail"\nexit 3\n',
  }
  project = await makeProject(dir, files, MINI_ENV)
})

afterAll(async () => {
  await project.lago(['destroy', '--yes'])
  await rm(project.dir, { recursive: true, force: true })
})

async function ran(): Promise<string> {
  return (await project.lago(['shell', 'vm0', 'cat', '/root/ran'])).stdout
}

async function copyOf(script: string): Promise<string> {
  const names = await readdir(path.join(project.dir, '.lago/default/scripts'))
  return path.join(project.dir, '.lago/default/scripts', names.find((name) => name.endsWith(script)) ?? '')
}

test('deploy runs the scripts in order and names the one that failed', async () => {
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
  expect(await project.lago(['start'])).toMatchObject({ exitCode: 0 })
  const deploy = await project.lago(['deploy'])
  expect(deploy).toMatchObject({ exitCode: 2, stdout: '' })
  expect(deploy.stderr).toMatch(/two\.sh failed with status 3 on vm0 \[LAGO_DEPLOY_FAILED\]/)
  expect(deploy.stderr).toContain('I am going to fail')
  expect(deploy.stderr).not.toContain('Deploy VM vm1')
  expect(await ran()).toBe('one bash\ntwo\n')
  expect(await project.read('.lago/default/logs/lago.log')).toContain('one.sh: one bash')
})

test('deploy --changed goes on from the script that failed, and does nothing when nothing has changed', async () => {
  await writeFile(await copyOf('two.sh'), 'echo two, repaired >> /root/ran\n')
  expect(await project.lago(['deploy', '--changed'])).toMatchObject({ exitCode: 0 })
  expect(await ran()).toBe('one bash\ntwo\ntwo, repaired\n')
  expect(await project.lago(['deploy', '--changed'])).toMatchObject({ exitCode: 0 })
  expect(await ran()).toBe('one bash\ntwo\ntwo, repaired\n')
})

test('deploy --changed runs what comes behind a changed script again; deploy alone runs everything', async () => {
  await writeFile(await copyOf('one.sh'), 'echo one, changed > /root/ran\n')
  expect(await project.lago(['deploy', '--changed', 'vm0'])).toMatchObject({ exitCode: 0 })
  expect(await ran()).toBe('one, changed\ntwo, repaired\n')
  expect(await project.lago(['deploy'])).toMatchObject({ exitCode: 0 })
  expect(await ran()).toBe('one, changed\ntwo, repaired\n')
  expect(await project.lago(['deploy', 'vm7'])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('vm7') })
})

const FILL = `
mkdir -p /root/logs/sub /root/odd && cd /root/odd
for i in 1 2 3; do seq $((i * 1000)) > /root/logs/sub/f$i; done
echo x > 'a b'; echo y > '-dash'; echo z > "q'uo\\"te"; echo n > "$(printf 'new\\nline')"
ln -s sub/f1 /root/logs/link; ln -s /root/logs to-logs; mkfifo /root/logs/pipe
sync
`

test('collect from the disk gives the same as from the running machine, with what was not written back yet', async () => {
  await writeFile(path.join(project.dir, 'fill.sh'), FILL)
  expect(await project.lago(['shell', 'vm0', 'fill.sh'])).toMatchObject({ exitCode: 0 })
  expect(await project.lago(['collect', '--output', 'live'])).toMatchObject({ exitCode: 0, stdout: '' })
  expect(await project.lago(['stop', 'vm0'])).toMatchObject({ exitCode: 0 })
  expect(await project.lago(['collect', '--output', 'stopped'])).toMatchObject({ exitCode: 0, stdout: '' })
  await run('diff', ['-r', '--no-dereference', path.join(project.dir, 'live'), path.join(project.dir, 'stopped')])
  expect(await project.ls('live')).toEqual(['vm0', 'vm1'])
  expect(await project.ls('live/vm1')).toEqual([])
  const odd = ['-dash', 'a b', 'new\nline', `q'uo"te`, 'to-logs'].map((name) => `_root_odd_${name}`)
  expect(await project.ls('live/vm0')).toEqual(['_root_logs', ...odd].sort())
  const [first] = (await readFile(path.join(project.dir, 'live/vm0/_root_logs/sub/f3'), 'utf8')).split('\n')
  expect(first).toBe('1')
})

test('an output directory that is there is kept under another name; --no-skip names what is missing', async () => {
  const collect = await project.lago(['collect', '--output', 'stopped', '--no-skip'])
  expect(collect).toMatchObject({ exitCode: 2 })
  expect(collect.stderr).toContain('Failed to extract files: /nowhere (vm0) [LAGO_GUEST_NO_FILE]')
  const kept = (await project.ls('.')).filter((name) => name.startsWith('stopped.'))
  expect(kept).toEqual([expect.stringMatching(/^stopped\.\d{4}-\d\d-\d\d_\d\d:\d\d:\d\d$/)])
  expect(await project.ls('stopped/vm0')).toEqual(await project.ls('live/vm0'))
})

test('shutdown takes what runs down gracefully, and the nets with it', async () => {
  expect(await project.lago(['shutdown', '--timeout', '120'])).toMatchObject({ exitCode: 0, stdout: '' })
  const { stdout } = await project.lago(['-f', 'flat', 'status'])
  expect(stdout).toContain('VMs/vm1/status: down')
  expect(stdout).toContain('Networks/lago/status: down')
  expect(await project.read('.lago/default/logs/console-vm1.log')).not.toBe('')
})

test('destroy leaves the host as it was before init', async () => {
  expect(await project.lago(['destroy', '--yes'])).toMatchObject({ exitCode: 0 })
  expect(await hostState(before)).toEqual(before)
})
