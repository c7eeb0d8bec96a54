/** `lago ovirt runtest` and `report`, as a user calls them, with the real pytest and the real node. */
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { findProgram } from '../../src/base/process.js'
import { makeProject, outcomeOf, TWO_EMPTY_VMS, type LagoProject, type LagoRun } from '../helpers/lago-project.js'
import { gone } from '../helpers/processes.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const PREFIX = '.lago/default'

const SCENARIOS = {
  '001_good.py': `
import os
from ovirtlago import testlib
@testlib.with_ovirt_prefix
def test_prefix(prefix):
    """its own words"""
    assert sorted(prefix.virt_env.get_vms()) == ['vm0', 'vm1']
    assert prefix.virt_env.get_vm('vm1').ip().endswith('.3')
    assert prefix.virt_env.get_snapshots() == {'vm0': [], 'vm1': []}
    assert prefix.path == os.environ['LAGO_PREFIX'] == os.environ['LAGO_PREFIX_PATH']
    print('workdir %s' % os.environ.get('LAGO_WORKDIR_PATH'))
    print('cwd %s' % os.getcwd())
    assert os.path.isabs(os.environ['SUITE'])
    assert testlib.get_prefixed_name('dc') == 'lago-basic-dc'
def test_left():
    import unittest
    raise unittest.SkipTest('not here')
`,
  '002_bad.py': `
def test_good(): pass
def test_bad(): assert 1 == 2
def test_after(): pass
`,
  '003.mjs': `
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { loadEnv } from 'lago'
test('the environment', async () => {
  const env = await loadEnv()
  assert.deepEqual([...env.vms.keys()], ['vm0', 'vm1'])
  await env.close()
})
`,
}

/** Files in `basic/`, an environment that is down. */
async function suite(files: Readonly<Record<string, string>> = SCENARIOS): Promise<LagoProject> {
  const below = Object.entries(files).map(([name, text]) => [`basic/${name}`, text])
  const dir = await makeTempDir()
  const project = await makeProject(
    dir,
    { LagoInitFile: TWO_EMPTY_VMS, ...Object.fromEntries(below) },
    { SUITE: 'basic' }, // of the directory in which lago is called
  )
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
  return project
}

/** A prefix of that era is known by this file. */
async function ofEra0({ dir }: LagoProject): Promise<void> {
  await writeFile(path.join(dir, PREFIX, '.lago'), '')
}

const runtest = async ({ lago }: LagoProject, ...args: string[]): Promise<LagoRun> =>
  lago(['ovirt', 'runtest', ...args])

test('a scenario that passes: the answer on stdout, the story on stderr, a result file', async () => {
  const project = await suite()
  const run = await runtest(project, 'basic/001_good.py')
  expect(run.exitCode).toBe(0)
  expect(run.stdout).toMatch(
    /^TEST +RESULT +SECONDS\n001_good\.test_prefix +passed +\d+\.\d\n001_good\.test_left +skipped +\d+\.\d\n\n2 tests: 1 passed, 1 skipped, in \d+\.\d s\n$/,
  )
  expect(run.stderr).toMatch(/@ Running test: basic\/001_good\.py: \n/)
  expect(run.stderr).toMatch(/# 001_good\.test_prefix: Success/)
  expect(run.stderr).toContain('SKIPPED: not here')
  expect(run.stderr).toContain(`workdir ${project.dir}/.lago\n`)
  expect(run.stderr).toContain(`cwd ${project.dir}\n`)
  expect(run.stderr).toContain(`Results located at ${project.dir}/${PREFIX}/001_good.py.junit.xml\n`)
  expect(await project.read(`${PREFIX}/001_good.py.junit.xml`)).toContain('<testsuite')
})

test('in era 0.x the prefix is the current directory, and the result file bears the older name', async () => {
  const project = await suite()
  await ofEra0(project)
  const run = await runtest(project, 'basic/001_good.py')
  expect(run).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('workdir None\n') })
  expect(run.stderr).toContain(`cwd ${project.dir}/${PREFIX}\n`)
  expect(await project.ls(PREFIX)).toContain('nosetests-001_good.py.xml')
})

test('a failed test: exit code 1, the logs of all VMs, where they are; the first failure is the last test', async () => {
  const project = await suite()
  const run = await runtest(project, 'basic/002_bad.py')
  expect(run.exitCode).toBe(1)
  expect(run.stdout).toMatch(/^002_bad\.test_bad +failed +\d+\.\d\n\n2 tests: 1 passed, 1 failed, in /m)
  expect(run.stderr).toMatch(
    /^Some tests failed: 2 tests: 1 passed, 1 failed \[LAGO_TESTS_FAILED\]\n {2}hint: the logs of the VMs are in .*\/test_logs\/002_bad\.test_bad-\d{14}\n$/m,
  )
  const logs = (await project.ls(`${PREFIX}/test_logs`)).filter((name) => name.startsWith('002_bad'))
  expect(logs).toEqual([expect.stringMatching(/^002_bad\.test_bad-\d{14}$/)])
  expect(await project.ls(`${PREFIX}/test_logs/${logs[0] ?? ''}`)).toEqual(['vm0', 'vm1'])
})

test('in era 0.x the tests behind a failed one run, too', async () => {
  const project = await suite()
  await ofEra0(project)
  const run = await runtest(project, 'basic/002_bad.py')
  expect(run).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('3 tests: 2 passed, 1 failed') })
})

test('logs that cannot be collected are a warning; the test counts', async () => {
  const files = { '002_bad.py': SCENARIOS['002_bad.py'] }
  const project = await makeProject(await makeTempDir(), {
    LagoInitFile: TWO_EMPTY_VMS.replace('memory: 64', 'memory: 64\n    artifacts: [/var/log]'),
    ...files,
  })
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
  const run = await runtest(project, '002_bad.py')
  expect(run).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('1 passed, 1 failed') })
  expect(run.stderr).toMatch(/not all logs were collected for 002_bad\.test_bad: VM vm0, /)
})

test('node runs .mjs, and the library is found without being installed beside it; the answer as data', async () => {
  const project = await suite()
  const run = await project.lago(['-f', 'json', 'ovirt', 'runtest', 'basic/003.mjs'])
  expect(run).toMatchObject({ exitCode: 0 })
  expect(JSON.parse(run.stdout)).toMatchObject({
    scenario: `${project.dir}/basic/003.mjs`,
    result: 'passed',
    results_file: `${project.dir}/${PREFIX}/003.mjs.junit.xml`,
    tests: [{ name: 'the environment', result: 'passed' }],
  })
})

test('a scenario that hangs is ended, with the logs collected', async () => {
  const project = await suite({ '001.py': 'import time\ndef test_a(): time.sleep(1000)\n' })
  const run = await runtest(project, '--timeout', '20', 'basic/001.py')
  expect(run.exitCode).toBe(1)
  expect(run.stderr).toMatch(
    /^Some tests failed: .*001\.py did not end within 20 s, in 001\.test_a \[LAGO_TESTS_HUNG\]\n {2}hint: the logs/m,
  )
  expect(await project.read(`${PREFIX}/001.py.junit.xml`)).toContain('did not end within 20 s')
  expect(await project.ls(`${PREFIX}/test_logs`)).toEqual(
    expect.arrayContaining([expect.stringMatching(/^001\.test_a-\d{14}$/), 'report.html', 'report.json']),
  )
})

test('Ctrl-C ends the scenario and all that it has started; no result file is left', async () => {
  const text = `
import os, subprocess, time
def test_a():
    child = subprocess.Popen(['sleep', '1000'])
    print('pids %d %d.' % (os.getpid(), child.pid), flush=True)
    time.sleep(1000)
`
  const project = await suite({ '001.py': text })
  const child = project.spawnLago(['ovirt', 'runtest', 'basic/001.py'])
  const pids = new Promise<readonly string[]>((resolve) => {
    let said = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      const [, ...found] = /pids (\d+) (\d+)\./.exec(said) ?? []
      if (found.length > 0) resolve(found)
    })
  })
  const ended = outcomeOf(child)
  const started = await pids
  child.kill('SIGINT')
  expect(await ended).toMatchObject({ exitCode: 130 })
  for (const pid of started) await gone(recordedTask().task, pid)
  expect((await project.ls(PREFIX)).filter((name) => /junit|runtest/.test(name))).toEqual([])
})

test.each([
  ['dir/', 'dir/001_good.py.junit.xml'],
  ['other.xml', `${PREFIX}/other.xml`],
  ['a/b/other.xml', 'a/b/other.xml'],
])('--junitxml-file %s', async (given, expected) => {
  const project = await suite()
  expect(await runtest(project, 'basic/001_good.py', '--junitxml-file', given)).toMatchObject({ exitCode: 0 })
  expect(await project.read(expected)).toContain('<testsuite')
})

test.each(['null', '{"version":1,"scenarios":[{}]}', '{"version":2,"scenarios":[]}', ''])(
  'a report that is none (%s) is left, and hides no result',
  async (text) => {
    const project = await suite()
    await mkdir(path.join(project.dir, PREFIX, 'test_logs'))
    await writeFile(path.join(project.dir, PREFIX, 'test_logs/report.json'), text)
    const run = await runtest(project, 'basic/002_bad.py')
    expect(run).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('1 passed, 1 failed') })
    expect(run.stderr).toMatch(/the report of the suite lacks this scenario: .*report\.json is no report of version 1/)
    expect(run.stderr).toContain('[LAGO_TESTS_FAILED]')
    expect(await project.read(`${PREFIX}/test_logs/report.json`)).toBe(text)
    expect(await project.lago(['ovirt', 'report'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('[LAGO_REPORT_FORMAT]'),
    })
  },
)

test('a machine that cannot be reached is an error of ssh, not an exit code', async () => {
  const text = `
from ovirtlago import LagoError, testlib
@testlib.with_ovirt_prefix
def test_a(prefix):
    vm = prefix.get_vms()['vm0']
    assert vm.state() == 'down' and not prefix.get_nets()['lago'].alive()
    try:
        print('gave %s' % (vm.ssh(['true']),))
    except LagoError as error:
        assert 'vm0' in str(error)
    else:
        raise AssertionError('no error')
`
  const project = await suite({ '001.py': text })
  expect(await runtest(project, 'basic/001.py')).toMatchObject({ exitCode: 0 })
})

test('--revert goes to a snapshot first, and tells when there is none of that name', async () => {
  const project = await suite()
  const run = await runtest(project, '--revert', 'clean', 'basic/001_good.py')
  expect(run).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('LAGO_NO_SUCH_SNAPSHOT') })
  expect(run.stderr).not.toContain('Running test')
})

describe('bad input', () => {
  test('a file that is not there', async () => {
    const project = await suite()
    const run = await runtest(project, 'basic/009.py')
    expect(run).toMatchObject({ exitCode: 1, stdout: '' })
    expect(run.stderr).toContain(`Test file not found: ${project.dir}/basic/009.py [LAGO_NO_TEST_FILE]`)
    expect(await runtest(project, 'basic')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('not found') })
  })

  test('usage: no file, a kind of file that nothing runs, a negative limit', async () => {
    const project = await suite({ '001.sh': 'true', '001.py': '' })
    expect(await runtest(project)).toMatchObject({ exitCode: 2 })
    expect(await runtest(project, 'basic/001.sh')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('test files end in .py'),
    })
    expect(await runtest(project, '--timeout=-1', 'basic/001.py')).toMatchObject({ exitCode: 2 })
    expect(await runtest(project, '--timeout=2147484', 'basic/001.py')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('takes 2147483 seconds at most'),
    })
    expect(await runtest(project, '--junitxml-file', './basic', 'basic/001.py')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/that is a directory .*\n {2}hint: .* ends in \//),
    })
  })
})

/** A directory with the programs that Lago needs here, and those of `scripts`. */
async function pathWith(programs: Readonly<Record<string, string>>): Promise<string> {
  const dir = await makeTempDir()
  for (const name of ['qemu-img', 'python3', 'sh', 'cat', 'basename']) {
    const found = name === 'python3' ? '/usr/bin/python3' : await findProgram(name)
    if (found !== undefined) await symlink(found, path.join(dir, name))
  }
  for (const [name, text] of Object.entries(programs)) {
    await writeFile(path.join(dir, name), text)
    await chmod(path.join(dir, name), 0o755)
  }
  return dir
}

/** Stands in for nosetests, which newer Pythons cannot run: takes exactly what it is to be called with, and writes what nose does. */
const NOSE_STAND_IN = `#!/bin/sh
test "$#" = 6 && test "$1 $2 $3 $5" = '-v --nocapture --with-xunit --stop' || exit 64
case "$4" in --xunit-file=/*) ;; *) exit 64 ;; esac
echo 'stand-in for nosetests runs' "$6"
printf '%s' '<?xml version="1.0"?><testsuite name="nosetests" tests="2" errors="0" failures="1" skip="0"><testcase classname="001_good" name="test_a" time="0.1"></testcase><testcase classname="001_good" name="test_b" time="0.2"><failure type="exceptions.AssertionError" message="no">Traceback</failure></testcase></testsuite>' > "\${4#--xunit-file=}"
exit 1
`

test('nosetests where pytest is not installed: results from its file, logs at the end', async () => {
  const project = await suite()
  const env = { PATH: await pathWith({ nosetests: NOSE_STAND_IN }) }
  const run = await project.lago(['ovirt', 'runtest', 'basic/001_good.py'], { env })
  expect(run.stderr).toContain(`stand-in for nosetests runs ${project.dir}/basic/001_good.py`)
  expect(run).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('2 tests: 1 passed, 1 failed') })
  expect(await project.read(`${PREFIX}/001_good.py.junit.xml`)).toContain('name="nosetests"')
  expect(await project.ls(`${PREFIX}/test_logs`)).toEqual(
    expect.arrayContaining([expect.stringMatching(/^001_good\.test_b-/)]),
  )
})

test('neither pytest nor nosetests', async () => {
  const project = await suite()
  const run = await project.lago(['ovirt', 'runtest', 'basic/001_good.py'], { env: { PATH: await pathWith({}) } })
  expect(run).toMatchObject({ exitCode: 1, stdout: '' })
  expect(run.stderr).toMatch(/LAGO_NO_TEST_RUNNER\]\n {2}hint: install pytest/)
})

test('report: the results of all scenarios in their order, one that ran again in its place, what was collected linked', async () => {
  const project = await suite()
  const none = await project.lago(['ovirt', 'report'])
  expect(none).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('LAGO_NO_REPORT') })
  await runtest(project, 'basic/002_bad.py')
  await runtest(project, 'basic/001_good.py')
  await writeFile(path.join(project.dir, 'basic/002_bad.py'), 'def test_mended(): pass\n')
  await runtest(project, 'basic/002_bad.py')
  const post = `${PREFIX}/test_logs/post-001_good.py`
  expect(await project.lago(['ovirt', 'collect', '--output', post])).toMatchObject({ exitCode: 0 })
  expect(await project.read(`${PREFIX}/test_logs/report.html`)).toContain('href="./post-001_good.py/"')
  const run = await project.lago(['ovirt', 'report'])
  expect(run).toMatchObject({ exitCode: 0 })
  expect(run.stdout).toMatch(
    /^SCENARIO +RESULT +SECONDS\n002_bad\.py +passed .*\n001_good\.py +passed .*\n\n2 scenarios: all passed, in /,
  )
  const data = JSON.parse((await project.lago(['-f', 'json', 'ovirt', 'report'])).stdout) as unknown
  expect(data).toEqual(JSON.parse(await project.read(`${PREFIX}/test_logs/report.json`)))
  expect(data).toMatchObject({
    version: 1,
    suite: 'basic',
    scenarios: [
      { name: '002_bad.py', outcome: 'passed', tests: [{ name: '002_bad.test_mended' }] },
      { name: '001_good.py', logs: 'post-001_good.py', resultFile: '../001_good.py.junit.xml' },
    ],
  })
})
