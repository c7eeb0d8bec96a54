import { describe, expect, test } from '@jest/globals'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { LagoError } from '../../../src/base/errors.js'
import type { CommandContext, CommandOutcome, CommandSpec } from '../../../src/cli/command.js'
import { runProgram } from '../../../src/cli/program.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

type Run = (context: CommandContext) => Promise<CommandOutcome | void>

function verb(run: Run, more: Partial<CommandSpec> = {}): CommandSpec {
  return { name: 'verb', summary: 'Do it', example: 'lago verb', args: [], options: [], run, ...more }
}

interface Given {
  readonly argv?: readonly string[]
  readonly env?: Record<string, string>
  readonly input?: string
  readonly cwd?: string
  readonly abort?: AbortController
}

interface Ended {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** Everything that is in the stream; since Node 26 `read` gives one piece at a time. */
function textOf(stream: PassThrough): string {
  const pieces: unknown[] = []
  for (let piece: unknown = stream.read(); piece !== null; piece = stream.read()) pieces.push(piece)
  return pieces.map(String).join('')
}

/** Runs one verb, `verb`, as a user would. */
async function program(command: CommandSpec, given: Given = {}): Promise<Ended> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  stdin.end(given.input ?? '')
  const cwd = given.cwd ?? '/'
  const io = {
    argv: given.argv ?? ['verb'],
    env: given.env ?? {},
    cwd,
    homeDir: path.join(cwd, 'home'),
    etcDir: path.join(cwd, 'etc'),
    stdin,
    stdout,
    stderr,
    signal: (given.abort ?? new AbortController()).signal,
  }
  const exitCode = await runProgram(io, [command])
  return { exitCode, stdout: textOf(stdout), stderr: textOf(stderr) }
}

describe('a verb that ends well', () => {
  test('has its answer on stdout in the chosen format, and nothing on stderr', async () => {
    const answer = verb(async () => ({ output: ['a', 'b'] }))
    expect(await program(answer)).toEqual({ exitCode: 0, stdout: 'a\nb\n', stderr: '' })
    expect((await program(answer, { argv: ['-fjson', 'verb'] })).stdout).toBe('[\n    "a",\n    "b"\n]\n')
    expect((await program(answer, { env: { LAGO_OUT_FORMAT: 'yaml' } })).stdout).toBe('- a\n- b\n')
  })

  test('prints nothing when it has no answer, or an empty one', async () => {
    expect(await program(verb(async () => undefined))).toEqual({ exitCode: 0, stdout: '', stderr: '' })
    expect((await program(verb(async () => ({ output: [] })))).stdout).toBe('')
  })

  test('may have an exit code of its own', async () => {
    expect((await program(verb(async () => ({ exitCode: 42 })))).exitCode).toBe(42)
  })

  test('shows its steps on stderr, as loglevel and logdepth say', async () => {
    const steps = verb(async ({ task }) =>
      task.step('Outer', async (outer) => outer.step('Inner', async (inner) => inner.log('debug', 'detail'))),
    )
    const all = await program(steps, { argv: ['-l', 'debug', 'verb'] })
    expect(all.stderr).toMatch(
      /^@ Outer: \n {2}# Inner: \n {4}\* detail\n {2}# Inner: Success \(in 0:00:0\d\)\n@ Outer: Success/,
    )
    const few = await program(steps, { env: { LAGO_LOGDEPTH: '1' } })
    expect(few.stderr).toMatch(/^@ Outer: \n@ Outer: Success \(in 0:00:0\d\)\n$/)
  })
})

describe('a verb is given', () => {
  test('its arguments, from the command line before its section of the configuration', async () => {
    const seen: unknown[] = []
    const options = [
      { name: 'dst-dir', type: 'string' as const, help: '' },
      { name: 'yes', type: 'flag' as const, help: '' },
    ]
    const args = [{ name: 'vm', arity: 'many' as const, help: '' }]
    const spy = verb(async ({ args }) => void seen.push(args.one('dst-dir'), args.flag('yes'), args.many('vm')), {
      args,
      options,
    })
    const env = { LAGO__VERB__DST_DIR: '/env', LAGO__VERB__YES: 'no' }
    await program(spy, { env })
    await program(spy, { env, argv: ['verb', 'vm0', '--yes', '--dst', '/flag', 'vm1'] })
    expect(seen).toEqual(['/env', false, [], '/flag', true, ['vm0', 'vm1']])
  })

  test('its flags in the configuration, where rooms look for them', async () => {
    const dirs: string[] = []
    const init = verb(async ({ config }) => void dirs.push(config.store.dir), {
      name: 'init',
      options: [{ name: 'template-store', type: 'string', help: '' }],
    })
    await program(init, { argv: ['init', '--template-store', '/mine'], env: { LAGO__INIT__TEMPLATE_STORE: '/env' } })
    expect(dirs).toEqual(['/mine'])
  })

  test('a question to ask, a place for caches and the environment', async () => {
    const seen: unknown[] = []
    const spy = verb(async ({ confirm, cacheDir, isTerminal, env }) => {
      seen.push(await confirm('Sure? '), cacheDir, isTerminal, env['X'])
    })
    const { stderr } = await program(spy, { input: 'n\n', env: { X: 'x', XDG_CACHE_HOME: '/cache' } })
    expect(seen).toEqual([false, '/cache/lago', false, 'x'])
    expect(stderr).toBe('Sure? ')
  })
})

describe('an error', () => {
  test('that is known is told in one line with its hint, and exits with 2', async () => {
    const failing = verb(async () => {
      throw new LagoError('LAGO_X', 'no such thing', { hint: 'make one' })
    })
    expect(await program(failing)).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'no such thing [LAGO_X]\n  hint: make one\n',
    })
    expect((await program(failing, { argv: ['-ldebug', 'verb'] })).stderr).toMatch(/LagoError: no such thing\n +at /)
  })

  test('may come with an answer, which is printed first', async () => {
    const error = new LagoError('LAGO_TEST', 'two of three')
    const { exitCode, stdout, stderr } = await program(verb(async () => ({ output: ['a'], exitCode: 0, error })))
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: 'a\n' })
    expect(stderr).toContain('two of three [LAGO_TEST]')
  })

  test('that is unknown exits with 1 and has a stack', async () => {
    const run = await program(verb(async () => Promise.reject(new Error('oops'))))
    expect(run).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^Error occured, aborting\nError: oops\n +at /),
    })
  })

  test('of a cancelled run is the cancellation, whatever was thrown on the way', async () => {
    const abort = new AbortController()
    const cancelled = verb(async () => {
      abort.abort(new LagoError('LAGO_CANCELLED', 'cancelled by SIGTERM', { data: { signal: 'SIGTERM' } }))
      throw new Error('a consequence')
    })
    expect(await program(cancelled, { abort })).toMatchObject({
      exitCode: 143,
      stderr: 'cancelled by SIGTERM [LAGO_CANCELLED]\n',
    })
  })

  const refused: [string, readonly string[], number, RegExp][] = [
    [
      'an unknown verb',
      ['vreb'],
      2,
      /^usage: .*\nunknown verb "vreb"; known: verb \[LAGO_UNKNOWN_COMMAND\]\n {2}hint: did you mean "verb"\?\n$/,
    ],
    ['an unknown option', ['verb', '-z'], 2, /^usage: .*verb\nunknown option -z \[LAGO_USAGE\]\n$/],
    [
      'a bad value',
      ['--logdepth', 'x', 'verb'],
      2,
      /^bad value "x" for --logdepth: expected a whole number \[LAGO_USAGE\]\n$/,
    ],
    ['an unknown format', ['-f', 'xml', 'verb'], 2, /known: default, flat, json, yaml \[LAGO_UNKNOWN_KIND\]/],
    ['surplus words', ['verb', 'x'], 2, /^usage: .*\nverb: unexpected argument "x" \[LAGO_USAGE\]\n$/],
    ['no verb', [], 1, /^usage: lago/],
    ['events that cannot be written', ['--events', '/no/such', 'verb'], 2, /cannot write events: ENOENT/],
  ]
  test.each(refused)('before the verb runs: %s', async (_name, argv, exitCode, stderr) => {
    const never = verb(async () => Promise.reject(new Error('it ran')))
    expect(await program(never, { argv })).toEqual({ exitCode, stdout: '', stderr: expect.stringMatching(stderr) })
  })
})

test('warnings of the configuration are shown, unless they are to be ignored', async () => {
  const quiet = verb(async () => undefined)
  const env = { LAGO_LOGDEPT: '2' }
  expect((await program(quiet, { env })).stderr).toBe(
    '@ unknown key "logdept" in [lago] (env:LAGO_LOGDEPT); did you mean "logdepth"?\n',
  )
  expect((await program(quiet, { env, argv: ['--ignore-warnings', 'verb'] })).stderr).toBe('')
})

test('help and version go to stdout and run nothing', async () => {
  const never = verb(async () => Promise.reject(new Error('it ran')))
  expect(await program(never, { argv: ['verb', '--help'] })).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^usage: lago \[global options\] verb\n[\s\S]*\n$/),
    stderr: '',
  })
  expect(await program(never, { argv: ['-l', 'info', '--version'] })).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^lago \d/),
    stderr: '',
  })
})

describe('the log file and --events', () => {
  test('hold everything, and the error, without secrets', async () => {
    const cwd = await makeTempDir()
    const failing = verb(async ({ task, logTo }) => {
      logTo(path.join(cwd, 'lago.log'))
      await task.step('Step', async (step) => {
        step.log('debug', 'get http://me:pass@host with topsecret')
        throw new LagoError('LAGO_X', 'topsecret is wrong', { data: { password: 'topsecret' } })
      })
    })
    const run = await program(failing, {
      cwd,
      argv: ['--ssh-password', 'topsecret', '--events', 'events.json', 'verb'],
    })
    expect(run.exitCode).toBe(2)
    const log = await readFile(path.join(cwd, 'lago.log'), 'utf8')
    const events = await readFile(path.join(cwd, 'events.json'), 'utf8')
    expect(log).toMatch(/DEBUG::get http:\/\/me:\*\*\*@host with \*\*\*\n/)
    expect(log).toMatch(/ERROR::\*\*\* is wrong .*"code":"LAGO_X"/)
    const types = events
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string }).type)
    expect(types).toEqual(['step.start', 'log', 'step.end', 'log'])
    expect(run.stderr + log + events).not.toMatch(/topsecret|:pass@/)
    expect(run.stderr).toContain('*** is wrong [LAGO_X]')
  })

  test('are not made by a verb that has nothing to tell', async () => {
    const cwd = await makeTempDir()
    await program(
      verb(async ({ logTo }) => logTo(path.join(cwd, 'lago.log'))),
      { cwd },
    )
    expect(await readdir(cwd)).toEqual([])
  })
})
