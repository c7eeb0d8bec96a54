/** Plugins of the configuration, as a run of the program meets them. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import type { CommandContext, CommandSpec } from '../../../src/cli/command.js'
import { runProgram } from '../../../src/cli/program.js'
import type { LagoPlugin } from '../../../src/plugin/contract.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

const verb = (name: string, more: Partial<CommandSpec> = {}): CommandSpec => ({
  name,
  summary: `Summary of ${name}`,
  example: `lago ${name}`,
  args: [],
  options: [],
  run: async ({ kinds }: CommandContext) => ({ output: { [name]: [...(kinds?.vmTypes.keys() ?? ['no kinds'])] } }),
  ...more,
})
const own = [verb('status'), verb('shell', { passThrough: true, args: [{ name: 'words', arity: 'many', help: '' }] })]

interface Ended {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

const GREETER = `
const greet = (name) => ({
  name, summary: 'Greet', example: 'lago greet', args: [], options: [{ name: 'loud', type: 'flag', help: 'louder' }],
  run: async ({ args, kinds, config }) => ({ output: [args.flag('loud') ? 'HELLO' : 'hello', ...kinds.vmTypes.keys()] }),
})
export default {
  name: 'greeter', api: 1, commands: [greet('greet'), greet('greeter say')], vmTypes: { web: {} },
  outputs: { shout: (value) => JSON.stringify(value).toUpperCase() },
}`

const NONE = ''

/** `lago ARGV...` where `LAGO_PLUGINS` names a file with `plugin`, if there is one. */
async function lago(
  argv: readonly string[],
  plugin: string = GREETER,
  more: { env?: Record<string, string>; inTree?: readonly LagoPlugin[] } = {},
): Promise<Ended> {
  const cwd = await makeTempDir()
  if (plugin !== NONE) await writeFile(path.join(cwd, 'plugin.mjs'), plugin)
  const env: Record<string, string> = { ...(plugin === NONE ? {} : { LAGO_PLUGINS: './plugin.mjs' }), ...more.env }
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const io = { argv, env, cwd, homeDir: cwd, etcDir: cwd, stdin, stdout, stderr, signal: new AbortController().signal }
  const exitCode = await runProgram(io, own, more.inTree)
  for (const stream of [stdout, stderr]) stream.end()
  return { exitCode, stdout: await textOf(stdout), stderr: await textOf(stderr) }
}

async function textOf(stream: PassThrough): Promise<string> {
  const pieces: unknown[] = []
  for await (const piece of stream) pieces.push(piece)
  return pieces.map(String).join('')
}

describe('a plugin that is fine', () => {
  test('has its verbs, with their options, kinds and help', async () => {
    expect(await lago(['greet', '--loud'])).toEqual({ exitCode: 0, stdout: 'HELLO\nweb\n', stderr: '' })
    expect((await lago(['--help'])).stdout).toMatch(/lago greet +Greet/)
    expect((await lago(['greet', '--help'])).stdout).toMatch(/^usage: lago \[global options\] greet \[options\]/)
  })

  test('may have verbs of two words, which their first word lists', async () => {
    expect((await lago(['greeter', 'say'])).stdout).toBe('hello\nweb\n')
    expect((await lago(['greeter', 'say', '--help'])).stdout).toMatch(/^usage: .* greeter say /)
    expect(await lago(['greeter', '-h'])).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('greeter say') })
    expect(await lago(['greeter'])).toMatchObject({ exitCode: 1, stdout: '' })
    expect(await lago(['greeter', 'sya'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('unknown verb "greeter sya"; known: greeter say [LAGO_UNKNOWN_COMMAND]'),
    })
  })

  test('gives its kinds to Lago’s own verbs, and its formats to all', async () => {
    expect((await lago(['-f', 'shout', 'status'])).stdout).toBe('{"STATUS":["WEB"]}\n')
    expect((await lago(['-f', 'xml', 'status'])).stderr).toContain('known: default, flat, json, yaml, shout')
  })

  test('may come with Lago, and is then there in any case', async () => {
    const inTree: readonly LagoPlugin[] = [{ name: 'in-tree', api: 1, vmTypes: { engine: {} } }]
    expect((await lago(['-f', 'flat', 'status'], NONE, { inTree })).stdout).toBe('status: engine\n')
    expect((await lago(['-f', 'flat', '--no-plugins', 'status'], GREETER, { inTree })).stdout).toBe('status: engine\n')
    expect((await lago(['status'], GREETER.replace('web: {}', 'engine: {}'), { inTree })).stderr).toMatch(
      /^VM type "engine" is defined by plugin in-tree and by plugin greeter \[LAGO_PLUGIN_CONFLICT\]/,
    )
  })
})

describe('a plugin that is not', () => {
  const BROKEN = "throw new Error('out of order')"

  test.each([['status'], ['greet'], ['--help']])('is one error for lago %s', async (...argv) => {
    expect(await lago(argv, BROKEN)).toEqual({
      exitCode: 2,
      stdout: '',
      stderr:
        'plugin ./plugin.mjs (env:LAGO_PLUGINS) cannot be loaded: out of order [LAGO_PLUGIN_LOAD]\n' +
        '  hint: lago --no-plugins works without plugins; they are named by "plugins" in the configuration\n',
    })
  })

  test.each<[readonly string[], Record<string, string>]>([
    [['--no-plugins', 'status'], {}],
    [['--no-plug', 'status'], {}],
    [['status', '--no-plugins'], {}],
    [['status'], { LAGO_NO_PLUGINS: 'yes' }],
    [['--version'], {}],
    [['--no-plugins', '--help'], {}],
  ])('is not looked at by lago %j with %j', async (argv, env) => {
    expect(await lago(argv, BROKEN, { env })).toMatchObject({ exitCode: 0, stderr: '' })
  })

  test('is looked at when --no-plugins is a word for somebody else', async () => {
    expect(await lago(['shell', 'vm0', '--no-plugins'], BROKEN)).toMatchObject({ exitCode: 2 })
  })

  test('leaves its verbs unknown without it', async () => {
    expect((await lago(['greet', '--no-plugins'])).stderr).toMatch(/unknown verb "greet"; known: status, shell/)
  })

  test('is told to be for another api', async () => {
    expect((await lago(['status'], "export default { name: 'p', api: 2 }")).stderr).toMatch(
      /^plugin \.\/plugin\.mjs \(env:LAGO_PLUGINS\) is written for plugin api 2; this Lago has 1 \[LAGO_PLUGIN_API\]/,
    )
  })
})

test('without plugins there are no kinds', async () => {
  expect((await lago(['-f', 'flat', 'status'], NONE)).stdout).toBe('status: no kinds\n')
})

test('a configuration file that cannot be parsed keeps nobody from the help text', async () => {
  const cwd = await makeTempDir()
  await mkdir(path.join(cwd, 'lago'))
  await writeFile(path.join(cwd, 'lago/lago.conf'), 'plugins')
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const { signal } = new AbortController()
  const io = { env: {}, cwd, homeDir: cwd, etcDir: cwd, stdin: new PassThrough(), stdout, stderr, signal }
  expect(await runProgram({ ...io, argv: ['--help'] }, own)).toBe(0)
  expect(await runProgram({ ...io, argv: ['status'] }, own)).toBe(2)
})
