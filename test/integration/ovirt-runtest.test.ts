/** Scenarios in Python and TypeScript on a mini guest of a real network. The tests are the life of one environment, in order. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { makeProject, type LagoProject } from '../helpers/lago-project.js'
import { hostState, MINI_ENV, miniVm } from '../helpers/real-host.js'

let project: LagoProject
let before: Awaited<ReturnType<typeof hostState>>

/** In the manner of the suites of 2015. */
const INITIALIZE = `
import os
import nose.tools as nt
from ovirtlago import testlib


@testlib.with_ovirt_prefix
def initialize_engine(prefix):
    engine = prefix.virt_env.engine_vm()
    engine.wait_for_ssh()
    engine.copy_to(os.path.join(os.environ.get('SUITE'), 'answer-file.conf'), '/tmp/answer-file')
    result = engine.ssh(['cat', '/tmp/answer-file', '&&', 'echo', 'to stderr', '>&2'])
    nt.assert_equals(result.code, 0)
    nt.assert_equals((result.out, result.err.strip()), ('the answers', 'to stderr'))
    nt.assert_equals(engine.ssh(['exit', '7']).code, 7)
    code, out, _ = engine.ssh('cat', data='typed in')
    nt.assert_equals((code, out), (0, 'typed in'))


@testlib.with_ovirt_prefix
def repository(prefix):
    url = 'http://%s.1:8585/default/el7/a' % prefix.virt_env.engine_vm().ip().rsplit('.', 1)[0]
    nt.assert_equals(prefix.virt_env.engine_vm().ssh(['wget', '-q', '-O', '-', url]).out, 'a package')


@testlib.with_ovirt_prefix
def copies(prefix):
    prefix.virt_env.get_vm('engine').copy_from('/tmp/answer-file', 'got')
    with open('got') as file:
        nt.assert_equals(file.read(), 'the answers')
    script = os.path.join(os.environ['SUITE'], 'script.sh')
    nt.assert_equals(prefix.virt_env.get_vm('engine').ssh_script(script).out, 'of a script\\n')


_TEST_LIST = [initialize_engine, repository, copies]


def test_gen():
    for t in testlib.test_sequence_gen(_TEST_LIST):
        test_gen.__name__ = t.description
        yield t
`

const SNAPSHOT = `
from ovirtlago import testlib


@testlib.with_ovirt_prefix
def test_snapshot(prefix):
    prefix.virt_env.create_snapshots('clean')
    assert prefix.virt_env.get_snapshots() == {'engine': ['clean']}
`

/** The second test writes over what the first has left in the log. */
const FAIL = `
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { loadEnv, type Env } from 'lago'
import { engineVm } from 'lago/ovirt'
test('leaves its mark', async () => {
  const env: Env = await loadEnv()
  try {
    await engineVm(env).succeed('echo of the moment > /root/log')
    assert.equal(await engineVm(env).succeed('cat /tmp/none || true'), 'something')
  } finally {
    await env.close()
  }
})
test('is not to be seen', async () => undefined)
`

beforeAll(async () => {
  before = await hostState()
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lago-runtest-'))
  const vm = { ...(miniVm([{ net: 'lago' }]) as object), 'vm-type': 'ovirt-engine', artifacts: ['/root/log'] }
  const initFile = {
    domains: { engine: vm },
    nets: { lago: { type: 'nat', management: true, dhcp: { start: 100, end: 254 } } },
  }
  const files = {
    LagoInitFile: JSON.stringify(initFile),
    'suite/001_initialize.py': INITIALIZE,
    'suite/002_snapshot.py': SNAPSHOT,
    'suite/003_fail.ts': FAIL,
    'suite/answer-file.conf': 'the answers',
    'suite/script.sh': 'echo of a script\n',
  }
  project = await makeProject(dir, files, { ...MINI_ENV, SUITE: path.join(dir, 'suite') })
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
  const repo = path.join(dir, '.lago/default/internal_repo/default/el7')
  await mkdir(repo, { recursive: true })
  await writeFile(path.join(repo, 'a'), 'a package')
  expect(await project.lago(['start'])).toMatchObject({ exitCode: 0 })
})

afterAll(async () => {
  await project.lago(['destroy', '--yes'])
  await rm(project.dir, { recursive: true, force: true })
})

test('a scenario as of 2015 copies, runs commands, and its guest finds the repository', async () => {
  const run = await project.lago(['ovirt', 'runtest', 'suite/001_initialize.py'])
  expect(`${run.stdout}${run.stderr}`).toContain('3 tests: 3 passed') // or it is told why
  expect(run.exitCode).toBe(0)
})

test('a scenario takes a snapshot while it runs', async () => {
  const run = await project.lago(['ovirt', 'runtest', 'suite/002_snapshot.py'])
  expect(run).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('1 test: 1 passed') })
})

test('a scenario in TypeScript that fails has the guest looked at', async () => {
  const run = await project.lago(['ovirt', 'runtest', '--revert', 'clean', 'suite/003_fail.ts'])
  expect(run).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('2 tests: 1 failed, 1 skipped') })
  const logs = (await project.ls('.lago/default/test_logs')).find((name) => name.startsWith('leaves its mark-'))
  expect(await project.read(`.lago/default/test_logs/${logs ?? ''}/engine/_root_log`)).toBe('of the moment\n')
})

test('nothing is left', async () => {
  expect(await project.lago(['destroy', '--yes'])).toMatchObject({ exitCode: 0 })
  expect(await hostState(before)).toEqual(before)
})
