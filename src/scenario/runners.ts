/** Which program runs a scenario file, and how it is called. */
import path from 'node:path'
import { LagoError } from '../base/errors.js'
import { endWithParent } from '../base/end-with-us.js'
import { ownModule, packageDir } from '../base/package-dir.js'
import { findProgram } from '../base/process.js'
import type { Task } from '../base/task.js'

export interface Runner {
  readonly name: 'pytest' | 'nosetests' | 'node'
  readonly argv: readonly [string, ...string[]]
  /** Added to the environment; undefined: taken out of it. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** It tells what it is at; without, there is the result file alone. */
  readonly hasEvents: boolean
  /** It writes the result file itself. */
  readonly writesJunit: boolean
}

export interface RunnerRequest {
  /** Absolute. */
  readonly file: string
  /** Absolute; where the runner is to write its result file. */
  readonly junitPath: string
  readonly stopAtFirst: boolean
  readonly pythonPath: string | undefined
}

const KINDS: Readonly<Record<string, (request: RunnerRequest) => Promise<Runner>>> = {
  '.py': pythonRunner,
  '.js': nodeRunner,
  '.mjs': nodeRunner,
  '.ts': nodeRunner,
  '.mts': nodeRunner,
}

/**
 * By the file's ending: Python by pytest, or by nosetests where that alone is installed; JavaScript and TypeScript by
 * Node's own test runner. It ends with us. Throws `LAGO_NO_TEST_RUNNER`, and `LAGO_USAGE` for other files.
 */
export async function findRunner(task: Task, request: RunnerRequest): Promise<Runner> {
  const kind = KINDS[path.extname(request.file)]
  if (kind === undefined)
    throw new LagoError('LAGO_USAGE', `no runner is known for the test file ${request.file}`, {
      hint: `test files end in ${Object.keys(KINDS).join(', ')}`,
    })
  const runner = await kind(request)
  return { ...runner, argv: [...(await endWithParent(task)), ...runner.argv] as [string, ...string[]] } // not empty before
}

async function pythonRunner(request: RunnerRequest): Promise<Runner> {
  const ownPath = path.join(packageDir(), 'python')
  const env = {
    PYTHONPATH: [ownPath, request.pythonPath].filter((part) => part !== undefined && part !== '').join(path.delimiter),
    PYTHONUNBUFFERED: '1',
    PYTHONDONTWRITEBYTECODE: '1', // suites are often read-only, and never ours
  }
  const pytest = await firstProgram('pytest', 'pytest-3', 'py.test')
  if (pytest !== undefined && /\[|::/.test(request.file))
    throw new LagoError('LAGO_USAGE', `pytest takes no path with "[" or "::" in it: ${request.file}`, {
      hint: 'rename the file, or the directory of the suite',
    })
  if (pytest !== undefined)
    return { name: 'pytest', argv: pytestArgv(pytest, ownPath, request), env, hasEvents: true, writesJunit: true }
  const nose = await firstProgram('nosetests', 'nosetests-3', 'nosetests-2.7')
  if (nose !== undefined)
    return { name: 'nosetests', argv: noseArgv(nose, request), env, hasEvents: false, writesJunit: true }
  throw new LagoError('LAGO_NO_TEST_RUNNER', `neither pytest nor nosetests is on this host, to run ${request.file}`, {
    hint: 'install pytest: the package python3-pytest, or "pip install pytest"',
  })
}

/**
 * Settings of whatever lies above the scenario are kept out: its own directory, with its `conftest.py`, is all that
 * counts. Files are not left there either.
 */
function pytestArgv(program: string, ownPath: string, request: RunnerRequest): [string, ...string[]] {
  const dir = path.dirname(request.file)
  return [
    program,
    ...['-p', 'ovirtlago._pytest_plugin', '-p', 'no:cacheprovider'],
    ...['-c', path.join(ownPath, 'ovirtlago', 'pytest.ini'), `--rootdir=${dir}`, `--confcutdir=${dir}`],
    ...['-q', '--capture=tee-sys', '--tb=short', '-rN', `--junit-xml=${request.junitPath}`],
    ...(request.stopAtFirst ? ['-x'] : []),
    request.file,
  ]
}

function noseArgv(program: string, request: RunnerRequest): [string, ...string[]] {
  return [
    program,
    ...['-v', '--nocapture', '--with-xunit', `--xunit-file=${request.junitPath}`],
    ...(request.stopAtFirst ? ['--stop'] : []),
    request.file,
  ]
}

/** In one process, not by `--test`, so that a failed test can wait until the guests have been looked at. */
async function nodeRunner(request: RunnerRequest): Promise<Runner> {
  const preload = ownModule('scenario-preload', 'scenario/node/preload')
  const reporter = ownModule('scenario-reporter', 'scenario/node/reporter')
  return {
    name: 'node',
    argv: [
      process.execPath,
      ...[
        '--enable-source-maps',
        '--import',
        preload,
        `--test-reporter=${reporter}`,
        '--test-reporter-destination=stderr',
      ],
      request.file,
    ],
    env: {
      OVIRTLAGO_STOP_AT_FIRST: request.stopAtFirst ? '1' : '',
      NODE_TEST_CONTEXT: undefined, // Lago itself may run in a test of node's runner
    },
    hasEvents: true,
    writesJunit: false,
  }
}

async function firstProgram(...names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const found = await findProgram(name)
    if (found !== undefined) return found
  }
  return undefined
}
