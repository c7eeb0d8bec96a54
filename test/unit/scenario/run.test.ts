/** Scenarios run by the real pytest and the real node. */
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { makeScratchDir } from '../../../src/base/scratch-dir.js'
import { readJunit } from '../../../src/scenario/junit.js'
import { runScenario, type ScenarioRequest } from '../../../src/scenario/run.js'
import type { ScenarioResult } from '../../../src/scenario/types.js'
import { gone, isAlive } from '../../helpers/processes.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

interface Run {
  readonly dir: string
  readonly request: ScenarioRequest
  readonly recorded: ReturnType<typeof recordedTask>
  start(): Promise<ScenarioResult>
}

async function scenario(name: string, text: string, options: Partial<ScenarioRequest> = {}): Promise<Run> {
  const dir = await makeTempDir()
  await mkdir(path.join(dir, 'suite'))
  const file = path.join(dir, 'suite', name)
  await writeFile(file, text)
  const request = {
    ...{ file, cwd: dir, env: { PATH: process.env['PATH'], HOME: dir }, resultPath: path.join(dir, 'out', 'r.xml') },
    ...{ timeoutMs: 60_000, stopAtFirst: false, onFailure: async () => undefined, graceMs: 5000 },
    ...options,
  }
  const recorded = recordedTask()
  return { dir, request, recorded, start: async () => runScenario(recorded.task, request) }
}

/** The limit of a scenario, which is over when the test says so. */
function heldLimit(): { timeoutMs: number; end(): void } {
  jest.useFakeTimers({
    doNotFake: ['setImmediate', 'setInterval', 'nextTick', 'queueMicrotask', 'performance', 'Date'],
  })
  return { timeoutMs: LIMIT_MS, end: () => jest.advanceTimersByTime(LIMIT_MS) }
}

afterEach(() => void jest.useRealTimers())

const LIMIT_MS = 8000

const outcomes = ({ tests }: ScenarioResult): string[] => tests.map(({ name, outcome }) => `${name}: ${outcome}`)

const PYTHON = `
import unittest
import pytest
def test_good():
    print('said by the test')
@pytest.mark.parametrize('value', [1, 2])
def test_each(value):
    assert value == 1
def test_left():
    pytest.skip('not here')
def test_left_as_nose_does():
    raise unittest.SkipTest('nor here')
@pytest.fixture
def broken():
    raise RuntimeError('no set-up')
def test_setup(broken):
    pass
class TestClass:
    def test_method(self):
        pass
`

test('pytest: every outcome, its own result file, its output as it comes', async () => {
  const { start, request, recorded, dir } = await scenario('001_basic.py', PYTHON)
  const result = await start()
  expect(outcomes(result)).toEqual([
    '001_basic.test_good: passed',
    '001_basic.test_each[1]: passed',
    '001_basic.test_each[2]: failed',
    '001_basic.test_left: skipped',
    '001_basic.test_left_as_nose_does: skipped',
    '001_basic.test_setup: error',
    '001_basic.TestClass.test_method: passed',
  ])
  expect(result.tests[2]).toMatchObject({ message: expect.stringMatching(/^assert 2 == 1/) })
  expect(result.tests[2]?.details).toContain('assert value == 1')
  expect(result.tests[5]).toMatchObject({ message: expect.stringMatching(/RuntimeError: no set-up/) })
  expect(recorded.messages()).toContain('said by the test')
  expect(recorded.messages()).toEqual(expect.arrayContaining(['SKIPPED: not here', 'SKIPPED: nor here']))
  const written = await readFile(request.resultPath, 'utf8')
  expect(written).toContain('pytest')
  expect(readJunit(written)?.map(({ outcome }) => outcome)).toEqual(result.tests.map(({ outcome }) => outcome))
  expect(await readdir(path.dirname(request.resultPath))).toEqual(['r.xml'])
  expect(await readdir(path.dirname(request.file))).toEqual(['001_basic.py'])
  expect(await readdir(dir)).not.toContain('.pytest_cache')
})

const NODE = `
import { describe, it, test } from 'node:test'
import assert from 'node:assert/strict'
test('good', () => console.log('said by the test'))
test('bad', () => assert.equal(1, 2))
test.skip('left', () => undefined)
test.todo('to be written')
test('broken', () => { throw new TypeError('no such thing') })
describe('group', () => {
  it('first', () => undefined)
  describe('deeper', () => it('second', () => assert.fail('on purpose')))
})
test('parent', async (t) => { await t.test('child', () => undefined) })
`

test('node: every outcome, groups, and a result file', async () => {
  const { start, request, recorded } = await scenario('001.mjs', NODE)
  const result = await start()
  expect(outcomes(result)).toEqual([
    'good: passed',
    'bad: failed',
    'left: skipped',
    'to be written: skipped',
    'broken: error',
    'group > first: passed',
    'group > deeper > second: failed',
    'parent > child: passed',
  ])
  expect(result.tests[4]).toMatchObject({ message: 'no such thing' })
  expect(recorded.messages()).toContain('said by the test')
  const written = readJunit(await readFile(request.resultPath, 'utf8'))
  expect(written?.map(({ outcome }) => outcome)).toEqual(result.tests.map(({ outcome }) => outcome))
})

test('node: a program without tests has passed when it ends well, and failed else', async () => {
  const good = await scenario('001.js', 'console.log(typeof require)')
  expect(outcomes(await good.start())).toEqual(['001.js: passed'])
  const bad = await scenario('002.mjs', 'console.error("it is over"); process.exit(3)')
  const { tests } = await bad.start()
  expect(tests).toMatchObject([{ name: '002.mjs', outcome: 'error', message: 'node ended with exit code 3' }])
  expect(tests[0]?.details).toContain('it is over')
})

test('TypeScript: types go, enums and using work, a helper beside it and lago itself are found', async () => {
  const text = `
import test from 'node:test'
import assert from 'node:assert/strict'
import { isLagoError, Env } from 'lago'
import { prefixedName, type WithinOptions } from 'lago/ovirt'
import { one } from './helper.js'
enum Kind { Only = 'only' }
const options: WithinOptions = {}
test('types', async () => {
  let env: Env | undefined
  let closed = false
  { await using it = { async [Symbol.asyncDispose]() { closed = true } } }
  assert.deepEqual([Kind.Only, closed, one, isLagoError(env), options], ['only', true, 1, false, {}])
  assert.equal(prefixedName('dc', '/suites/basic'), 'lago-basic-dc')
})
test('places', () => { throw new Error('here') })
`
  const { start, request } = await scenario('001.ts', text)
  await writeFile(path.join(path.dirname(request.file), 'helper.ts'), 'export const one: number = 1\n')
  const result = await start()
  expect(outcomes(result)).toEqual(['types: passed', 'places: error'])
  expect(result.tests[1]?.details).toContain('001.ts:16:')
})

test('TypeScript that is none is told with its place', async () => {
  const { start } = await scenario('001.ts', 'const = 3\n')
  const { tests } = await start()
  expect(tests).toMatchObject([{ name: '001.ts', outcome: 'error' }])
  expect(tests[0]?.details).toMatch(/001\.ts\(1,7\): error TS/)
})

const NOSE = `
import nose.tools as nt
from nose import SkipTest
from lago import utils
from ovirtlago import testlib
import ovirtlago.testlib
from ovirtlago.testlib import test_sequence_gen
def one():
    nt.assert_equals(utils.invoke_in_parallel(lambda a, b: a + b, [1, 2], [3, 4]), [4, 6])
@testlib.continue_on_failure
def two():
    nt.assert_true(False)
def three():
    raise SkipTest('not here')
def four():
    raise ValueError('no')
def five():
    pass
_TEST_LIST = [one, two, three, four, five]
def test_gen():
    for t in testlib.test_sequence_gen(_TEST_LIST):
        test_gen.__name__ = t.description
        yield t
def check(value):
    nt.eq_(value, 1)
def test_values():
    for value in 1, 2:
        yield check, value
`

test('pytest: what was written for nose runs, generators of tests too, and a sequence ends with its first failure', async () => {
  const { start } = await scenario('002_nose.py', NOSE)
  const result = await start()
  expect(outcomes(result)).toEqual([
    '002_nose.one: passed',
    '002_nose.two: failed',
    '002_nose.three: skipped',
    '002_nose.four: failed',
    '002_nose.five: skipped',
    '002_nose.check: passed',
    '002_nose.check: failed',
  ])
  expect(result.tests[4]).toMatchObject({ message: expect.stringContaining('four, before it, has failed') })
})

const GENERATORS = `
import functools
import unittest
from nose.plugins.attrib import attr
from ovirtlago import testlib
state = {}
said = []
def setup_module(): said.append('module')
def check(value): assert value == 1
def first(): state['x'] = 1
@attr('slow', kind='lazy')
def test_lazy():
    yield first
    yield 'check', state['x']
@testlib.with_ovirt_prefix
def test_ours(prefix):
    for value in 1, 2: yield check, value
def theirs(func):
    @functools.wraps(func)
    def wrapper(*args): return func('argument', *args)
    return wrapper
@theirs
def test_theirs(argument): yield check, 1
def hiding(func):
    def test_hiding(): return func()
    return test_hiding
@hiding
def test_hidden():
    yield check, 1
    yield check, 3
def test_broken():
    yield check, 1
    raise ValueError('no more')
def test_left():
    raise unittest.SkipTest('none here')
    yield
def test_empty():
    return
    yield
class TestClass(object):
    @classmethod
    def setup_class(cls): said.append('class')
    @classmethod
    def teardown_class(cls): said.append('class ends')
    def setup_method(self, method):
        self.count = 0
        said.append(method.__name__)
    def test_gen(self):
        for value in 1, 1: yield self.count_to, value
        yield 'count_to', 2
        yield check, 1
    def count_to(self, value):
        self.count += 1
        assert self.count == value
    def test_plain(self): assert self.count == 0
def test_last():
    methods = ['count_to', 'count_to', 'count_to', 'check', 'test_plain']
    assert said == ['module', 'class'] + methods + ['class ends']
`

describe('pytest: generators of tests', () => {
  test('run as they are iterated: decorated, in classes, with what is around them', async () => {
    const { start, request } = await scenario('001.py', GENERATORS)
    const result = await start()
    expect(outcomes(result)).toEqual([
      '001.first: passed',
      '001.check: passed',
      '001.check: passed',
      '001.check: failed',
      '001.check: passed',
      '001.test_hidden: failed',
      '001.check: passed',
      '001.test_broken: failed',
      '001.test_left: skipped',
      '001.TestClass.count_to: passed',
      '001.TestClass.count_to: passed',
      '001.TestClass.count_to: failed',
      '001.TestClass.check: passed',
      '001.TestClass.test_plain: passed',
      '001.test_last: passed',
    ])
    expect(result.tests[5]).toMatchObject({ message: 'assert 3 == 1' })
    expect(result.tests[7]).toMatchObject({
      message: 'ValueError: no more',
      details: expect.stringMatching(/^suite\/001\.py:\d+: in test_broken\n/),
    })
    expect(readJunit(await readFile(request.resultPath, 'utf8'))?.map(({ outcome }) => outcome)).toEqual(
      result.tests.map(({ outcome }) => outcome),
    )
  })

  test('end with the first failure, where that is wanted', async () => {
    const text = `
def check(value): assert value == 1
def test_gen():
    for value in 1, 2, 3:
        print('yields %d' % value)
        yield check, value
def test_after(): pass
`
    const { start, recorded } = await scenario('001.py', text, { stopAtFirst: true })
    expect(outcomes(await start())).toEqual(['001.check: passed', '001.check: failed'])
    expect(recorded.messages()).toContain('yields 2')
    expect(recorded.messages()).not.toContain('yields 3')
  })

  test('what is returned and yields no tests is an error, not silence', async () => {
    const text = 'def values(): yield 5\ndef test_a(): return values()\n'
    const { tests } = await (await scenario('001.py', text)).start()
    expect(tests).toMatchObject([
      { outcome: 'failed', message: 'AssertionError: the generator that test_a returned yields what is no test: 5' },
    ])
  })
})

const NAMES = `
import unittest
said = []
def setup(): said.append('module')
def teardown(): print('said %s' % ' '.join(said))
def check_test_name(): assert said == ['module']
class Foo_Test(object):
    @classmethod
    def setupClass(cls): said.append('class')
    def setUp(self): said.append('test')
    def teardown(self): said.append('end')
    def test_a(self): pass
    def yields_tests(self): yield self.test_a
class Known(unittest.TestCase):
    def setUp(self): said.append('unit')
    def test_b(self): pass
class TestPytest(object):
    def setup_method(self): said.append('method')
    def setup(self): raise AssertionError('not this one')
    def test_c(self): pass
`

test('pytest: tests, set-up and tear-down by the names of nose', async () => {
  const { start, recorded } = await scenario('001.py', NAMES)
  expect(outcomes(await start())).toEqual([
    '001.check_test_name: passed',
    '001.Foo_Test.test_a: passed',
    '001.Foo_Test.test_a: passed',
    '001.Known.test_b: passed',
    '001.TestPytest.test_c: passed',
  ])
  expect(recorded.messages()).toContain('said module class test end test end unit method')
})

describe('the first failure', () => {
  test('pytest: is the last test', async () => {
    const text = 'def test_a(): assert 0\ndef test_b(): pass\n'
    const { start } = await scenario('001.py', text, { stopAtFirst: true })
    expect(outcomes(await start())).toEqual(['001.test_a: failed'])
  })

  test('node: leaves the others out, but not what clears up', async () => {
    const text = `
import { after, test } from 'node:test'
after(() => console.log('cleared up'))
test('a', () => { throw new Error('no') })
test('b', () => console.log('b has run'))
`
    const { start, recorded } = await scenario('001.mjs', text, { stopAtFirst: true })
    expect(outcomes(await start())).toEqual(['a: error', 'b: skipped'])
    expect(recorded.messages()).toContain('cleared up')
    expect(recorded.messages()).not.toContain('b has run')
  })
})

describe('a failed test waits until it has been looked at', () => {
  const cases = [
    [
      '001.py',
      `
import os
def leave(text):
    with open(os.environ['STATE'], 'w') as file:
        file.write(text)
def test_a():
    leave('a')
    assert 0
def test_b():
    leave('b')
`,
    ],
    [
      '001.mjs',
      `
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
const leave = (text) => writeFileSync(process.env.STATE, text)
test('a', () => { leave('a'); throw new Error('no') })
test('b', () => leave('b'))
`,
    ],
  ] as const
  test.each(cases)('%s', async (name, text) => {
    const stateFile = path.join(await makeTempDir(), 'state')
    const seen: string[] = []
    const { start } = await scenario(name, text, {
      env: { PATH: process.env['PATH'], STATE: stateFile },
      onFailure: async (_, testName) => {
        seen.push(`${testName}: ${await readFile(stateFile, 'utf8')}`)
        return '/logs'
      },
    })
    const result = await start()
    expect(seen).toEqual([expect.stringMatching(/a: a$/)])
    expect(await readFile(stateFile, 'utf8')).toBe('b')
    expect(result.tests.map(({ logsDir }) => logsDir)).toEqual(['/logs', undefined])
  })
})

test('an error at the import is one of the file', async () => {
  const { start, request } = await scenario('001.py', 'import nobody_has_this\ndef test_a(): pass\n')
  const { tests } = await start()
  expect(tests).toMatchObject([
    { name: '001', outcome: 'error', message: expect.stringContaining("No module named 'nobody_has_this'") },
  ])
  expect(readJunit(await readFile(request.resultPath, 'utf8'))).toMatchObject([{ outcome: 'error' }])
})

test('no test at all passes with a warning', async () => {
  const { start, recorded } = await scenario('001.py', 'x = 1\n')
  expect((await start()).tests).toEqual([])
  expect(recorded.messages('warning')).toEqual([expect.stringMatching(/there is no test in .*001\.py/)])
})

describe('a scenario that does not end', () => {
  const cases = [
    [
      '001.py',
      'import time\ndef test_a(): pass\ndef test_b():\n    print("begun", flush=True)\n    time.sleep(1000)\n',
    ],
    [
      '001.py',
      'import signal, time\ndef test_a(): pass\ndef test_b():\n    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    print("begun", flush=True)\n    time.sleep(1000)\n',
    ],
    [
      '001.mjs',
      "import { test } from 'node:test'\ntest('a', () => undefined)\ntest('b', () => new Promise(() => setInterval(() => console.log('begun'), 10)))\n",
    ],
    [
      '001.mjs',
      "import { test } from 'node:test'\ntest('a', () => undefined)\ntest('b', () => { console.log('begun'); for (;;); })\n",
    ],
  ] as const
  test.each(cases)('%s is ended, and its result file says so (%#)', async (name, text) => {
    const limit = heldLimit()
    const { start, request, recorded } = await scenario(name, text, { timeoutMs: limit.timeoutMs, graceMs: 200 })
    const run = start()
    await recorded.message(/^begun$/)
    limit.end()
    const result = await run
    expect(result.hasHung).toBe(true)
    expect(result.tests).toMatchObject([
      { name: expect.stringMatching(/a$/), outcome: 'passed' },
      {
        name: expect.stringMatching(/b$/),
        outcome: 'error',
        message: 'it did not end within 8 s, and was ended',
      },
    ])
    expect(readJunit(await readFile(request.resultPath, 'utf8'))?.[1]).toMatchObject({
      message: 'it did not end within 8 s, and was ended',
    })
  })
})

test('an abort ends it and what it has started, and leaves no result file, not even an old one', async () => {
  const text = `
import subprocess, time
def test_a():
    child = subprocess.Popen(['sleep', '1000'])
    print('pid %d' % child.pid, flush=True)
    time.sleep(1000)
`
  const { start, recorded, request } = await scenario('001.py', text)
  await mkdir(path.dirname(request.resultPath))
  await writeFile(request.resultPath, 'of an earlier run')
  const run = start()
  const pid = (await recorded.message(/^pid \d+$/)).slice(4)
  recorded.abort(new Error('enough'))
  await expect(run).rejects.toThrow('enough')
  await gone(recordedTask().task, pid)
  expect(await readdir(path.dirname(request.resultPath))).toEqual([])
})

test('what a scenario leaves behind ends with it', async () => {
  const text = `
import subprocess
def test_a():
    child = subprocess.Popen(['sleep', '1000'])
    print('pid %d' % child.pid, flush=True)
`
  const { start, recorded } = await scenario('001.py', text)
  expect(outcomes(await start())).toEqual(['001.test_a: passed'])
  const pid = (await recorded.message(/^pid \d+$/)).slice(4)
  await gone(recordedTask().task, pid)
})

describe('what has made a session of its own, and holds the output of the scenario', () => {
  const daemon = (last: string): string => `
import os, subprocess, time
def test_a():
    child = subprocess.Popen(['sleep', '1000'], start_new_session=True, close_fds=False)
    print('pid %d' % child.pid, flush=True)
    ${last}
`
  /** Gives its process id; it is ended behind the test. */
  const pids: number[] = []
  const pidOf = async ({ recorded }: Run): Promise<string> => {
    const pid = (await recorded.message(/^pid \d+$/)).slice(4)
    pids.push(Number(pid))
    return pid
  }
  afterEach(() => {
    for (const pid of pids.splice(0)) process.kill(pid)
  })

  test('is left, and not waited for', async () => {
    const run = await scenario('001.py', daemon(`print('the last word')`))
    expect(outcomes(await run.start())).toEqual(['001.test_a: passed'])
    expect(await isAlive(await pidOf(run))).toBe(true)
    expect(run.recorded.messages()).toContain('the last word')
    expect(run.recorded.messages('warning')).toEqual([
      'something that the scenario has started, in a session of its own, is at work still: it is left, unheard',
    ])
  })

  test('does not hinder the limit', async () => {
    const limit = heldLimit()
    const run = await scenario('001.py', daemon('time.sleep(1000)'), { timeoutMs: limit.timeoutMs, graceMs: 5000 })
    const ended = run.start()
    await pidOf(run)
    limit.end()
    const result = await ended
    expect(result).toMatchObject({ hasHung: true, tests: [{ name: '001.test_a', outcome: 'error' }] })
  })

  test('does not hinder an abort', async () => {
    const run = await scenario('001.py', daemon('time.sleep(1000)'))
    const ended = run.start()
    await pidOf(run)
    run.recorded.abort(new Error('enough'))
    await expect(ended).rejects.toThrow('enough')
  })

  test('may print for ever', async () => {
    const chatter = `while True: print('still here', flush=True)`
    const text = daemon('pass').replace(`['sleep', '1000']`, `[sys.executable, '-c', "${chatter}"]`)
    const run = await scenario('001.py', text.replace('import os,', 'import os, sys,'))
    expect(outcomes(await run.start())).toEqual(['001.test_a: passed'])
    await gone(recordedTask().task, (await run.recorded.message(/^pid \d+$/)).slice(4)) // nobody reads any more
  })
})

test('a runner that is gone in the middle is an error of the test', async () => {
  const { start, request } = await scenario('001.py', 'import os\ndef test_a(): os._exit(0)\n')
  const { tests } = await start()
  expect(tests).toMatchObject([{ name: '001.test_a', outcome: 'error', message: 'pytest ended with exit code 0' }])
  expect(readJunit(await readFile(request.resultPath, 'utf8'))).toMatchObject([{ outcome: 'error' }])
})

test('settings above the scenario are not read, a conftest beside it is', async () => {
  const { start, dir } = await scenario('001.py', 'def test_a(beside): assert beside == 1\n')
  await writeFile(path.join(dir, 'pytest.ini'), '[pytest]\naddopts = --no-such-option\n')
  await writeFile(path.join(dir, 'conftest.py'), 'raise RuntimeError("it was read")\n')
  const beside = 'import pytest\n@pytest.fixture\ndef beside(): return 1\n'
  await writeFile(path.join(dir, 'suite', 'conftest.py'), beside)
  expect(outcomes(await start())).toEqual(['001.test_a: passed'])
})

test('pytest: options that it does not know, as an old one', async () => {
  const { start } = await scenario('001.py', 'def test_a(): pass\n', {
    env: { PATH: process.env['PATH'], PYTEST_ADDOPTS: '--no-such-option' },
  })
  expect((await start()).tests).toMatchObject([
    {
      outcome: 'error',
      message: expect.stringContaining('5.4 or newer'),
      details: expect.stringContaining('--no-such'),
    },
  ])
})

test('pytest: a path that it cannot take is refused', async () => {
  const { start } = await scenario('a[1].py', 'def test_a(): pass\n')
  await expect(start()).rejects.toMatchObject({ code: 'LAGO_USAGE', message: expect.stringContaining('a[1].py') })
})

test('a file of another kind is refused', async () => {
  const { start } = await scenario('001.sh', '')
  await expect(start()).rejects.toMatchObject({
    code: 'LAGO_USAGE',
    hint: 'test files end in .py, .js, .mjs, .ts, .mts',
  })
})

test('what a killed run has left beside the result file goes with the next one', async () => {
  const { dir, start } = await scenario('001.py', 'def test_a(): pass\n')
  const outDir = path.join(dir, 'out')
  await mkdir(outDir)
  const left = await makeScratchDir('runtest', outDir)
  const own = process.pid.toString(36)
  const dead = left.replace(`-${own}-`, '-zzzzzz-') // no pid is as large
  await rename(left, dead)
  await start()
  expect(await readdir(outDir)).toEqual(['r.xml'])
})
