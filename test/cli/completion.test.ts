/** `lago completion`: what real shells offer is what the definitions of the verbs say. */
import { execFile } from 'node:child_process'
import { readdir, mkdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { CommandSpec } from '../../src/cli/command.js'
import { commands } from '../../src/cli/commands/index.js'
import { completionScript, type Shell } from '../../src/cli/completion/script.js'
import { GLOBAL_OPTIONS } from '../../src/cli/global-options.js'
import { ovirt } from '../../src/plugins/ovirt/plugin.js'
import { RUNG_FORMS } from '../../src/prefix/wait-rungs.js'
import { afterTwoTabs, offeredBy, type Offered } from '../helpers/shells.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const SHELLS = ['bash', 'zsh', 'fish'] as const
const makeTempDir = useTempDirs()
const run = promisify(execFile)
const verbs = [...commands, ...(ovirt.commands ?? [])]

/** Sources the script `file`. */
const SOURCED = {
  bash: (file: string) => `source ${file}`,
  zsh: (file: string) => `autoload -Uz compinit && compinit -u -D && source ${file}`,
  fish: (file: string) => `source ${file}`,
} as const

async function printed(shell: Shell, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const fullEnv = { PATH: process.env['PATH'], HOME: '/nonexistent', ...env }
  const { stdout } = await run(process.execPath, [path.join(ROOT, 'bin/lago.js'), 'completion', shell], {
    env: fullEnv,
  })
  return stdout
}

/** A workdir with a prefix, some files beside it, and the script of `shell`. */
async function workdir(script: string): Promise<{ readonly cwd: string; readonly file: string }> {
  const cwd = await makeTempDir()
  const prefix = path.join(cwd, '.lago/default')
  await mkdir(path.join(prefix, 'virt'), { recursive: true })
  for (const name of [
    'initialized',
    'virt/env',
    'virt/vm-vm0',
    'virt/vm-vm.1',
    'virt/net-n',
    'virt/net-a-b',
    'virt/snapshot-vm0.clean.xml',
  ])
    await writeFile(path.join(prefix, name), '')
  await symlink('default', path.join(cwd, '.lago/current'))
  await mkdir(path.join(cwd, 'data/sub'), { recursive: true })
  await writeFile(path.join(cwd, 'data/a file'), '')
  await writeFile(path.join(cwd, 'dagger'), '')
  const file = path.join(cwd, 'lago-script')
  await writeFile(file, script)
  return { cwd, file }
}

function sorted(words: readonly string[]): readonly string[] {
  return [...new Set(words)].sort()
}

function longOptions({ options, passThrough }: CommandSpec): readonly string[] {
  return sorted(['--help', ...(passThrough === true ? [] : options.map(({ name }) => `--${name}`))])
}

const firstWords = sorted(verbs.map(({ name }) => name.replace(/ .*/, '')))
const ofFamily = (family: string): readonly string[] =>
  sorted(verbs.flatMap(({ name }) => (name.startsWith(`${family} `) ? [name.slice(family.length + 1)] : [])))
const RUNGS = sorted(RUNG_FORMS.map((form) => form.replace(/:.*/, ':')))
const VMS = ['vm.1', 'vm0']
const FORMATS = ['default', 'flat', 'json', 'yaml']

const EXPECTED: Offered = {
  'lago ': firstWords,
  'lagocli ': firstWords,
  'lago sta': ['start', 'status'],
  'lago nosuch ': [],
  'lago ovirt ': ofFamily('ovirt'),
  'lago template ': ofFamily('template'),
  'lago template-repo ': ['add', 'update'],
  'lago net s': ['set'],
  'lago ovirt --': ['--help', '--version'],
  'lago --': sorted(GLOBAL_OPTIONS.map(({ name }) => `--${name}`)),
  'lago -p .lago/default sta': ['start', 'status'],
  'lago -fjson -j 4 sta': ['start', 'status'],
  'lago --out json sta': ['start', 'status'],
  // the verb's own options first; global ones where none of these begins like that
  'lago export -': sorted([...longOptions(verbOf('export')), '-n', '-s', '-c', '-d', '-h']),
  'lago status --out': ['--out-format'],
  'lago status -- --out': [],
  'lago shell -': ['--help', '-h'],
  'lago shell vm0 --': [],
  // values
  'lago --out-format ': FORMATS,
  'lago --out-format=': FORMATS,
  'lago --out-format=j': ['json'],
  'lago --out=j': ['json'],
  'lago -f ': FORMATS,
  'lago ansible_hosts --format ': ['ini', 'json', 'yaml'],
  'lago start --wait=': RUNGS,
  'lago start --wait=c': ['cloud-init', 'cmd:'],
  'lago export --compress ': ['xz', 'zstd'],
  'lago -P ': ['default'],
  'lago set-current ': ['default'],
  // words of the verb, by their place
  'lago completion ': ['bash', 'fish', 'zsh'],
  'lago start ': VMS,
  'lago start --wait vm': VMS,
  'lago start --ttl 2h vm.': ['vm.1'],
  'lago export -n ': VMS,
  'lago export -n vm0 ': VMS,
  'lago export -n vm0 --force ': [],
  'lago shell v': VMS,
  'lago shell vm0 da': ['dagger', 'data'],
  'lago copy-to-vm vm0 da': ['dagger', 'data'],
  'lago copy-to-vm vm0 x ': [],
  'lago wait vm0 ': sorted([...VMS, ...RUNGS]),
  'lago wait u': ['unit:'],
  'lago net set ': ['a-b', 'n'],
  'lago revert ': ['clean'],
  'lago ovirt revert ': ['clean'],
  'lago ttl ': ['never'],
  // files
  'lago doctor da': ['dagger', 'data'],
  'lago doctor data/': ['data/a file', 'data/sub'],
  'lago collect --output da': ['data'],
  'lago collect --output=da': ['data'],
  'lago export -d da': ['data'],
  'lago ovirt runtest dag': ['dagger'],
}

function verbOf(wanted: string): CommandSpec {
  const verb = verbs.find(({ name }) => name === wanted)
  if (verb === undefined) throw new Error(`no verb ${wanted}`)
  return verb
}

test.each(SHELLS)('%s offers what the definitions say', async (shell) => {
  const { cwd, file } = await workdir(await printed(shell))
  const everyVerb = Object.fromEntries(verbs.map((verb) => [`lago ${verb.name} --`, longOptions(verb)]))
  const expected = { ...EXPECTED, ...everyVerb }
  // on TAB no program is started: none would be found
  const setUp = `${SOURCED[shell](file)}\n${shell === 'fish' ? 'set -x PATH /nonexistent' : 'PATH=/nonexistent'}`
  expect(await offeredBy(shell, { cwd, setUp, lines: Object.keys(expected) })).toEqual(expected)
})

test('bash leaves no blank behind a word that goes on, however often TAB is pressed', async () => {
  const { cwd, file } = await workdir(await printed('bash'))
  const expected = {
    'lago wait un': 'lago wait unit:',
    'lago wait unit:': 'lago wait unit:',
    'lago start --wait=cmd:': 'lago start --wait=cmd:',
    'lago wait age': 'lago wait agent ',
  }
  expect(await afterTwoTabs({ cwd, setUp: SOURCED.bash(file), lines: Object.keys(expected) })).toEqual(expected)
})

test('bash offers the same with failglob, and leaves it on', async () => {
  const { cwd, file } = await workdir(await printed('bash'))
  const isKept = "trap 'shopt -q failglob || echo lago.bash: failglob is off >&2' EXIT"
  const setUp = `${SOURCED.bash(file)}\nshopt -s failglob\n${isKept}`
  const expected: Offered = { 'lago revert ': ['clean'], 'lago destroy --prefix-name ': ['default'] }
  expect(await offeredBy('bash', { cwd, setUp, lines: Object.keys(expected) })).toEqual(expected)
})

const SOME: Offered = { 'lago sta': ['start', 'status'], 'lagocli start --wait=k': ['kernel'], 'lago wait unit:x': [] }

describe('a script that is found by the shell itself', () => {
  test('bash-completion loads it for both names, and goes well with it', async () => {
    const { cwd, file } = await workdir(await printed('bash'))
    const dir = path.join(cwd, 'share/bash-completion/completions')
    await mkdir(dir, { recursive: true })
    for (const name of ['lago', 'lagocli']) await symlink(file, path.join(dir, name))
    const session = { cwd, setUp: 'source /usr/share/bash-completion/bash_completion', lines: Object.keys(SOME) }
    expect(await offeredBy('bash', { ...session, env: { XDG_DATA_HOME: path.join(cwd, 'share') } })).toEqual(SOME)
  })

  test('compinit of zsh loads it for both names', async () => {
    const { cwd, file } = await workdir(await printed('zsh'))
    await mkdir(path.join(cwd, 'functions'))
    await symlink(file, path.join(cwd, 'functions/_lago'))
    const setUp = `fpath+=(${cwd}/functions); autoload -Uz compinit && compinit -u -D`
    expect(await offeredBy('zsh', { cwd, setUp, lines: Object.keys(SOME) })).toEqual(SOME)
  })

  test('fish loads it for both names', async () => {
    const { cwd, file } = await workdir(await printed('fish'))
    const dir = path.join(cwd, '.config/fish/completions')
    await mkdir(dir, { recursive: true })
    const bin = path.join(cwd, 'bin') // fish loads nothing for a program that is not there
    await mkdir(bin)
    for (const name of ['lago', 'lagocli']) {
      await symlink(file, path.join(dir, `${name}.fish`))
      await symlink(path.join(ROOT, `bin/${name}.js`), path.join(bin, name))
    }
    const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}` }
    expect(await offeredBy('fish', { cwd, setUp: '', env, lines: Object.keys(SOME) })).toEqual(SOME)
  })
})

describe('names of VMs are those of', () => {
  test.each(SHELLS)('the prefix that is meant, in %s', async (shell) => {
    const { cwd, file } = await workdir(await printed(shell))
    const setUp = (dir: string): string => `${SOURCED[shell](file)}\ncd ${path.join(cwd, dir)}`
    const old = path.join(cwd, 'old')
    await mkdir(path.join(old, 'virt'), { recursive: true })
    for (const name of ['.lago', 'uuid', 'initialized', 'virt/vm-engine']) await writeFile(path.join(old, name), '')
    const line = 'lago start '
    const cases = {
      '.': VMS,
      'data/sub': VMS,
      '.lago': VMS,
      '.lago/default': VMS,
      old: ['engine'],
      'old/virt': ['engine'],
    }
    for (const [dir, expected] of Object.entries(cases))
      expect([dir, await offeredBy(shell, { cwd, setUp: setUp(dir), lines: [line] })]).toEqual([
        dir,
        { [line]: expected },
      ])
    const elsewhere = {
      [`lago -p ${old} start `]: ['engine'],
      [`lago --prefix-path=${old} start `]: ['engine'],
      [`lago start --prefix-path ${old} `]: ['engine'],
      [`lago -w ${cwd}/data -P default start `]: VMS,
      [`lago -w / start `]: [],
    }
    expect(await offeredBy(shell, { cwd, setUp: setUp('.'), lines: Object.keys(elsewhere) })).toEqual(elsewhere)
    const env = { LAGO_PREFIX_PATH: old }
    expect(await offeredBy(shell, { cwd, setUp: setUp('.'), env, lines: [line] })).toEqual({ [line]: ['engine'] })
  })
})

const plugged = (more: Partial<CommandSpec>): CommandSpec => ({
  name: 'greet',
  summary: 'Greet',
  example: 'lago greet',
  args: [],
  options: [],
  run: async () => {},
  ...more,
})

test('verbs and formats of plugins are in it, those that are left out are not', async () => {
  const dir = await makeTempDir()
  const plugin = `export default { name: 'p', api: 1, outputs: { shout: String }, commands: [{ name: 'greet', summary: 'Greet',
    example: 'lago greet', args: [], options: [{ name: 'loud', type: 'flag', help: 'louder' }], run: async () => {} }] }`
  await writeFile(path.join(dir, 'plugin.mjs'), plugin)
  const script = await printed('fish', { LAGO_PLUGINS: path.join(dir, 'plugin.mjs') })
  const { cwd, file } = await workdir(script)
  const expected = { 'lago gree': ['greet'], 'lago greet --l': ['--loud'], 'lago -f sh': ['shout'] }
  expect(await offeredBy('fish', { cwd, setUp: SOURCED.fish(file), lines: Object.keys(expected) })).toEqual(expected)
  expect(await printed('fish')).not.toContain('greet')
})

describe('hostile definitions', () => {
  const words = [
    'a b',
    "it's",
    'c:d',
    '$(touch pwned)',
    '`touch pwned`',
    'back\\slash',
    '"q"',
    '*',
    ';x',
    'é',
    '=',
    '@vm',
    '[x',
    '~',
  ]
  const texts = `${words.join(' ')} \u0000\u001b[31m\nsecond line: $(touch pwned)`

  test.each(SHELLS)('are only words to %s', async (shell) => {
    const greet = plugged({
      summary: texts,
      options: [
        { name: 'to', type: 'string', help: texts, choices: [...words, 'two\nlines', ''] },
        { name: 'x:y', type: 'flag', help: texts },
        { name: '$(touch pwned)', type: 'flag', help: texts },
      ],
      args: [{ name: 'word', arity: 'one', help: texts, complete: words }],
    })
    const { cwd, file } = await workdir(await completionScript(shell, { verbs: [greet], outputFormats: words }))
    const setUp = SOURCED[shell](file)
    const lines = ['lago gre', 'lago greet --to ', 'lago greet ', 'lago -f ', 'lago greet --', 'lago greet --x']
    expect(await offeredBy(shell, { cwd, setUp, lines })).toEqual({
      'lago gre': ['greet'],
      'lago greet --to ': sorted(words),
      'lago greet ': sorted(words),
      'lago -f ': sorted(words),
      'lago greet --': ['--$(touch pwned)', '--help', '--to', '--x:y'],
      'lago greet --x': ['--x:y'],
    })
    expect(await readdir(cwd)).not.toContain('pwned')
  })

  test('give a script that each shell can read', async () => {
    const word = fc.string({ unit: fc.constantFrom(...'ab \'"\\$`(){}[];:=*?!#~|&<>\n\t%^@,-é\u0000\u2028') })
    const option = fc.record({
      name: word,
      short: fc.constantFrom('x', "'", '$', '\\'),
      type: fc.constantFrom('flag', 'string', 'int', 'list', 'optional'),
      help: word,
      choices: fc.array(word),
    })
    const arg = fc.record({
      name: word,
      arity: fc.constantFrom('one', 'optional', 'many'),
      help: word,
      complete: fc.array(word),
    })
    const verb = fc.record({
      name: fc.constantFrom('greet', 'say hello', 'say good_bye'),
      summary: word,
      args: fc.array(arg, { maxLength: 3 }),
      options: fc.array(option, { maxLength: 3 }),
      passThrough: fc.boolean(),
    })
    const dir = await makeTempDir()
    const checks = { bash: ['bash', '-n'], zsh: ['zsh', '-f', '-n'], fish: ['fish', '--no-execute'] } as const
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(verb, { selector: ({ name }) => name }), async (definitions) => {
        const commandLine = {
          verbs: definitions.map(plugged),
          outputFormats: definitions.map(({ summary }) => summary),
        }
        for (const shell of SHELLS) {
          const file = path.join(dir, shell)
          await writeFile(file, await completionScript(shell, commandLine))
          const [program, ...args] = checks[shell]
          expect(await run(program, [...args, file])).toMatchObject({ stdout: '', stderr: '' })
        }
      }),
      { numRuns: 15 },
    )
  })
})

test('bad usage is told', async () => {
  const cli = path.join(ROOT, 'bin/lago.js')
  await expect(run(process.execPath, [cli, 'completion', 'tcsh'])).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/no shell "tcsh" is known[^]*bash, zsh, fish/),
  })
})
