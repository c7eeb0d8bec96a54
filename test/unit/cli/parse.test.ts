import { describe, expect, test } from '@jest/globals'
import type { CommandSpec } from '../../../src/cli/command.js'
import { versionText } from '../../../src/cli/fast-path.js'
import { parseArgv } from '../../../src/cli/parse.js'

const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'init',
    summary: 'Create an environment',
    example: 'lago init LagoInitFile',
    args: [
      { name: 'workdir', arity: 'optional', help: 'where' },
      { name: 'virt-config', arity: 'optional', help: 'what' },
    ],
    options: [
      { name: 'template-repo-path', type: 'string', help: 'repository file' },
      { name: 'template-repo-name', type: 'string', help: 'repository name' },
      { name: 'set-current', type: 'flag', help: 'make it current' },
      { name: 'depth', type: 'int', help: 'how deep' },
    ],
    run: async () => undefined,
  },
  {
    name: 'snapshot',
    summary: 'Keep a state',
    example: 'lago snapshot s1',
    args: [{ name: 'snapshot-name', arity: 'optional', help: 'name' }],
    options: [{ name: 'list', short: 'l', type: 'flag', help: 'list' }],
    run: async () => undefined,
  },
  {
    name: 'export',
    summary: 'Write disks',
    example: 'lago export -n vm0',
    args: [{ name: 'dir', arity: 'many', help: 'where' }],
    options: [
      { name: 'vm-names', short: 'n', type: 'list', help: 'which' },
      { name: 'wait', short: 'W', type: 'optional', help: 'for what' },
      { name: 'yes', short: 'y', type: 'flag', help: 'sure' },
    ],
    run: async () => undefined,
  },
  {
    name: 'shell',
    summary: 'Open a shell',
    example: 'lago shell vm0',
    args: [
      { name: 'host', arity: 'one', help: 'VM' },
      { name: 'args', arity: 'many', help: 'command' },
    ],
    options: [],
    passThrough: true,
    run: async () => undefined,
  },
]

interface Expected {
  readonly verb: string
  readonly words?: readonly string[]
  readonly options?: Record<string, string>
  readonly globals?: Record<string, string>
}

describe('a command line', () => {
  const cases: [string, Expected][] = [
    ['init', { verb: 'init' }],
    [
      'init dir file --template-repo-path r.json',
      { verb: 'init', words: ['dir', 'file'], options: { template_repo_path: 'r.json' } },
    ],
    [
      'init --template-repo-path=r.json dir',
      { verb: 'init', words: ['dir'], options: { template_repo_path: 'r.json' } },
    ],
    [
      'init --template-repo-p r --set dir',
      { verb: 'init', words: ['dir'], options: { template_repo_path: 'r', set_current: 'true' } },
    ],
    ['--workdir w init', { verb: 'init', globals: { workdir_path: 'w' } }],
    [
      '-w w -fjson --logdepth -1 init',
      { verb: 'init', globals: { workdir_path: 'w', out_format: 'json', logdepth: '-1' } },
    ],
    ['-f json -f yaml init', { verb: 'init', globals: { out_format: 'yaml' } }],
    ['--libvirt_url test:///default init', { verb: 'init', globals: { libvirt_url: 'test:///default' } }],
    [
      '--libvirt-u me --default_root_p pw init',
      { verb: 'init', globals: { libvirt_user: 'me', default_root_password: 'pw' } },
    ],
    ['--ignore -j4 --accel=tcg init', { verb: 'init', globals: { ignore_warnings: 'true', jobs: '4', accel: 'tcg' } }],
    ['-l debug init --workdir w -l error', { verb: 'init', globals: { loglevel: 'error', workdir_path: 'w' } }],
    ['-l debug snapshot -l', { verb: 'snapshot', options: { list: 'true' }, globals: { loglevel: 'debug' } }],
    ['snapshot -- -l', { verb: 'snapshot', words: ['-l'] }],
    ['snapshot --logl debug s', { verb: 'snapshot', words: ['s'], globals: { loglevel: 'debug' } }],
    ['init 007 1e3', { verb: 'init', words: ['007', '1e3'] }],
    [
      '-P x shell vm0 ls -la --out-format y',
      { verb: 'shell', words: ['vm0', 'ls', '-la', '--out-format', 'y'], globals: { prefix_name: 'x' } },
    ],
    ['shell vm0 -c ls', { verb: 'shell', words: ['vm0', '-c', 'ls'] }],
    ['export -n a b c', { verb: 'export', options: { vm_names: 'a b c' } }],
    ['export d -n a b -y', { verb: 'export', words: ['d'], options: { vm_names: 'a b', yes: 'true' } }],
    ['export -n a b -- d e', { verb: 'export', words: ['d', 'e'], options: { vm_names: 'a b' } }],
    ['export -n a --vm b --vm-names=c', { verb: 'export', options: { vm_names: 'a b c' } }],
    ['export -yn a b', { verb: 'export', options: { vm_names: 'a b', yes: 'true' } }],
    ['export -na,b', { verb: 'export', options: { vm_names: 'a\\,b' } }],
    ['export -n --yes', { verb: 'export', options: { vm_names: '', yes: 'true' } }],
    ['export -n', { verb: 'export', options: { vm_names: '' } }],
    ['export --wait d', { verb: 'export', words: ['d'], options: { wait: 'true' } }],
    ['export --wait=port:22 d', { verb: 'export', words: ['d'], options: { wait: 'port:22' } }],
    ['export --wa d', { verb: 'export', words: ['d'], options: { wait: 'true' } }],
    ['export -W d', { verb: 'export', words: ['d'], options: { wait: 'true' } }],
    ['export -yW d', { verb: 'export', words: ['d'], options: { wait: 'true', yes: 'true' } }],
    ['export -Wssh --wait=agent', { verb: 'export', options: { wait: 'agent' } }],
    ['export -y -y', { verb: 'export', options: { yes: 'true' } }],
    ['export -- --wait -n', { verb: 'export', words: ['--wait', '-n'] }],
    ['shell vm0 -- -x', { verb: 'shell', words: ['vm0', '--', '-x'] }],
  ]
  test.each(cases)('%s', async (line, { verb, words = [], options = {}, globals = {} }) => {
    const invocation = await parseArgv(line.split(' '), COMMANDS)
    if (invocation.kind !== 'run') throw new Error(`got ${invocation.kind}`)
    expect(invocation.command.name).toBe(verb)
    expect(invocation.words).toEqual(words)
    expect(Object.fromEntries(invocation.options)).toEqual(options)
    expect(Object.fromEntries(invocation.globals)).toEqual(globals)
  })
})

describe('a wrong command line', () => {
  const PROGRAM = 'usage: lago [global options] VERB [options] [arguments]'
  const INIT = 'usage: lago [global options] init [options] [WORKDIR] [VIRT_CONFIG]'
  const cases: [string, { message: string; usage: string; hint?: string; code?: string }][] = [
    ['--workdri w init', { message: 'unknown option --workdri', usage: PROGRAM }],
    ['--loglevl x init', { message: 'unknown option --loglevl', usage: PROGRAM, hint: 'did you mean --loglevel?' }],
    ['-z init', { message: 'unknown option -z', usage: PROGRAM }],
    [
      '--libvirt x init',
      {
        message: 'option --libvirt is ambiguous: it could be --libvirt_url, --libvirt-user, --libvirt-password',
        usage: PROGRAM,
      },
    ],
    [
      'init --template-repo x',
      {
        message: 'option --template-repo is ambiguous: it could be --template-repo-path, --template-repo-name',
        usage: INIT,
      },
    ],
    ['init --set-curent', { message: 'unknown option --set-curent', usage: INIT, hint: 'did you mean --set-current?' }],
    ['init --set-current=no', { message: 'option --set-current takes no value', usage: INIT }],
    ['init --depth', { message: 'not enough arguments following: depth', usage: INIT }],
    ['init --depth --set-current', { message: 'not enough arguments following: depth', usage: INIT }],
    [
      'export -n a  b',
      {
        message: 'option --vm-names was given an empty word',
        usage: 'usage: lago [global options] export [options] [DIR ...]',
      },
    ],
    [
      'intit',
      {
        message: 'unknown verb "intit"; known: init, snapshot, export, shell',
        usage: PROGRAM,
        hint: 'did you mean "init"?',
        code: 'LAGO_UNKNOWN_COMMAND',
      },
    ],
    [
      'frobnicate',
      {
        message: 'unknown verb "frobnicate"; known: init, snapshot, export, shell',
        usage: PROGRAM,
        hint: 'lago --help',
        code: 'LAGO_UNKNOWN_COMMAND',
      },
    ],
  ]
  test.each(['ovirt', 'ovirt deploy', 'ovirt --help', '--loglevel debug ovirt --version'])(
    'the package of %s is named where it is not installed',
    async (line) => {
      await expect(parseArgv(line.split(' '), COMMANDS)).rejects.toMatchObject({
        code: 'LAGO_NOT_INSTALLED',
        message: 'the verbs of "lago ovirt" are in the package lago-ovirt, which is not installed',
        hint: 'install it: apt-get install lago-ovirt, or dnf install lago-ovirt',
      })
    },
  )
  test.each(cases)('%s', async (line, { message, usage, hint, code = 'LAGO_USAGE' }) => {
    await expect(parseArgv(line.split(' '), COMMANDS)).rejects.toMatchObject({ code, message, hint, data: { usage } })
  })
})

describe('help', () => {
  test.each([['-h'], ['--help'], ['--he'], ['-l', 'debug', '--help', 'init']])(
    'of the program: %s',
    async (...argv) => {
      const help = await parseArgv(argv, COMMANDS)
      expect(help).toMatchObject({
        kind: 'help',
        exitCode: 0,
        text: expect.stringContaining('usage: lago [global options] VERB'),
      })
      expect(help).toMatchObject({ text: expect.stringMatching(/lago init +Create an environment/) })
      expect(help).toMatchObject({ text: expect.stringMatching(/-w, --workdir-path +path of the workdir/) })
    },
  )

  test('of a password tells of better places for it', async () => {
    const help = await parseArgv(['--help'], COMMANDS)
    for (const variable of ['LAGO_SSH_PASSWORD', 'LAGO_LIBVIRT_PASSWORD', 'LAGO_DEFAULT_ROOT_PASSWORD'])
      expect(help).toMatchObject({ text: expect.stringContaining(variable) })
  })

  test('of a verb names its arguments, options and an example', async () => {
    const help = await parseArgv(['init', 'x', '--help'], COMMANDS)
    if (help.kind !== 'help') throw new Error(`got ${help.kind}`)
    expect(help.text).toBe(
      `usage: lago [global options] init [options] [WORKDIR] [VIRT_CONFIG]

Create an environment

Arguments:
  WORKDIR      where
  VIRT_CONFIG  what

Options:
      --template-repo-path  repository file                             [string]
      --template-repo-name  repository name                             [string]
      --set-current         make it current                            [boolean]
      --depth               how deep                                    [number]
  -h, --help                show this help and exit                    [boolean]

Examples:
  lago init LagoInitFile

global options: lago --help
`.trimEnd(),
    )
  })

  test('stands in for a missing verb, as a failure', async () => {
    expect(await parseArgv(['-l', 'debug'], COMMANDS)).toMatchObject({ kind: 'help', exitCode: 1 })
  })
})

test.each([['--version'], ['--vers'], ['-l', 'debug', '--version', 'init'], ['init', '--version']])(
  'version: %s',
  async (...argv) => {
    expect(await parseArgv(argv, COMMANDS)).toEqual({ kind: 'version' })
  },
)

test.each(['--help', '-h'])('%s right behind a verb that takes words as they stand is its help', async (word) => {
  expect(await parseArgv(['shell', word], COMMANDS)).toMatchObject({
    kind: 'help',
    text: expect.stringContaining('usage: lago [global options] shell HOST'),
    exitCode: 0,
  })
  expect(await parseArgv(['shell', 'vm0', word], COMMANDS)).toMatchObject({ kind: 'run', words: ['vm0', word] })
})

describe('a family of verbs', () => {
  const family = (size: number): CommandSpec[] =>
    Array.from({ length: size }, (_, index) => ({ ...(COMMANDS[0] as CommandSpec), name: `yum verb${index}` }))

  test.each([
    [['yum'], 1],
    [['yum', '--help'], 0],
    [['-l', 'debug', 'yum', '-h'], 0],
  ])('%j lists it', async (argv, exitCode) => {
    expect(await parseArgv(argv, [...COMMANDS, ...family(2)])).toMatchObject({
      kind: 'help',
      exitCode,
      text: expect.stringMatching(
        /^usage: lago \[global options\] yum VERB .*[\s\S]*lago yum verb0 [\s\S]*lago yum verb1 /,
      ),
    })
  })

  test('has a version', async () => {
    expect(await parseArgv(['yum', '--version'], family(1))).toEqual({ kind: 'version', family: 'yum' })
    expect(versionText('yum')).toMatch(/^lago yum \d/)
  })

  test('names its verbs when one is unknown', async () => {
    await expect(parseArgv(['yum', 'remove'], family(2))).rejects.toMatchObject({
      code: 'LAGO_UNKNOWN_COMMAND',
      message: 'unknown verb "yum remove"; known: yum verb0, yum verb1',
      data: { usage: 'usage: lago [global options] yum VERB [options] [arguments]' },
    })
  })

  test('stands in one line of the help when it is large', async () => {
    const [small, large] = await Promise.all([10, 11].map(async (size) => parseArgv(['--help'], family(size))))
    expect(small).toMatchObject({ text: expect.stringMatching(/lago yum verb9/) })
    expect(large).toMatchObject({
      text: expect.stringMatching(/lago yum VERB +verb0, verb1, [\s\S]*see lago yum\s+--help/),
    })
    expect(large).not.toMatchObject({ text: expect.stringMatching(/lago yum verb9/) })
  })
})
