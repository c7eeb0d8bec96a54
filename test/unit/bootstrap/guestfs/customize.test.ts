/** A stand-in takes the part of virt-customize, on a host without setpriv(1). */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { customizeDisk, type CustomizeStep } from '../../../../src/bootstrap/guestfs/customize.js'
import { useGuestfsBench, type GuestfsBench } from '../../../helpers/guestfs-bench.js'
import type { GuestfsRun } from '../../../helpers/guestfs-tool.js'

const makeBench = useGuestfsBench([])
const KEY = 'ssh-rsa AAAA lago'
const PASSWORD = 'not:to be\\ seen'

async function customize(bench: GuestfsBench, step: CustomizeStep, kvmWorks = true): Promise<GuestfsRun | undefined> {
  const publicKeyPath = keyOf(bench)
  await writeFile(publicKeyPath, `${KEY}\n`)
  await customizeDisk(bench.task, bench.disk, step, { vm: 'vm0', kvmWorks, publicKeyPath })
  return (await bench.runs()).at(-1)
}

function keyOf({ dir }: GuestfsBench): string {
  return path.join(dir, 'id_rsa.pub')
}

test('options go to the program in their order, with values as they are', async () => {
  const bench = await makeBench()
  const step = {
    install: ['vim', 'git'],
    'run-command': "echo '$HOME' && true",
    touch: ['/root/a'],
    'selinux-relabel': '',
    v: '',
    update: null,
    'sm-register': [],
    smp: 2,
    m: 1024,
  }
  expect(await customize(bench, step)).toEqual({
    tool: 'virt-customize',
    format: 'qcow2',
    disk: bench.disk.path,
    options: [
      ['install', 'vim'],
      ['install', 'git'],
      ['run-command', "echo '$HOME' && true"],
      ['touch', '/root/a'],
      ['selinux-relabel'],
      ['v'],
      ['update'],
      ['sm-register'],
      ['smp', '2'],
      ['m', '1024'],
    ],
    files: {},
    temporaryDir: expect.any(String),
    forcesTcg: false,
  })
  expect(await bench.left()).toEqual([])
})

describe('ssh-inject', () => {
  test.each([[''], [null], [[]]])('without a value takes the key of the environment: %j', async (value) => {
    const bench = await makeBench()
    const run = await customize(bench, { 'ssh-inject': value })
    expect(run?.options).toEqual([['ssh-inject', `root:file:${keyOf(bench)}`]])
    expect(run?.files).toEqual({ [keyOf(bench)]: `${KEY}\n` })
  })

  test('with a value is left as it is', async () => {
    const bench = await makeBench()
    const run = await customize(bench, { 'ssh-inject': [`debian:file:${keyOf(bench)}`] })
    expect(run?.options).toEqual([['ssh-inject', `debian:file:${keyOf(bench)}`]])
  })
})

describe('a password', () => {
  test.each([
    ['root-password', '', ''],
    ['root-password', 'locked:', 'locked:'],
    ['password', 'bob:', 'bob:'],
    ['password', 'bob:locked:', 'bob:locked:'],
    ['sm-credentials', 'me:', 'me:'],
  ])('of %s %spassword: is handed over in a file, which is gone afterwards', async (name, before, kept) => {
    const bench = await makeBench()
    const run = await customize(bench, { [name]: `${before}password:${PASSWORD}` })
    const [file = ''] = Object.keys(run?.files ?? {})
    expect(run?.options).toEqual([[name, `${kept}file:${file}`]])
    expect(run?.files).toEqual({ [file]: `${PASSWORD}\n` })
    expect(bench.messages().join('\n')).not.toContain(PASSWORD)
    expect(await bench.left()).toEqual([])
  })

  test('each has a file of its own', async () => {
    const run = await customize(await makeBench(), { password: ['bob:password:1st', 'eve:password:2nd'] })
    expect(Object.values(run?.files ?? {})).toEqual(['1st\n', '2nd\n'])
  })

  test.each(['random', 'disabled', 'locked:random'])('that is none is left as it is: %s', async (selector) => {
    const run = await customize(await makeBench(), { 'root-password': selector })
    expect(run?.options).toEqual([['root-password', selector]])
  })

  test('is in no error', async () => {
    const bench = await makeBench({ fails: 'refuses' })
    const failure: unknown = await customize(bench, { 'root-password': `password:${PASSWORD}` }).catch((error: unknown) => error) // prettier-ignore
    expect(failure).toMatchObject({ code: 'LAGO_BOOTSTRAP' })
    expect(inspect(failure, { depth: Infinity, showHidden: true })).not.toContain(PASSWORD)
    expect(await bench.left()).toEqual([])
  })
})

test.each(['', '-', '--install', '-v', 'a b', 'install=vim', 'ins\ntall', '-a', 'ä', 'install-'])(
  'what is no name of an option is refused before anything is run: %j',
  async (name) => {
    const bench = await makeBench()
    await expect(customize(bench, { touch: '/a', [name]: 'x' })).rejects.toMatchObject({
      code: 'LAGO_BUILD_OPTION',
      message: `a build step of vm0 cannot be given to virt-customize: ${JSON.stringify(name)} is not the name of an option`,
      hint: expect.stringContaining('install: [vim]'),
    })
    expect(await bench.runs()).toEqual([])
  },
)

test.each([[{ a: 1 }], [true], [[['vim']]], [[{ a: 1 }]]])('what is no value is refused: %j', async (value) => {
  const refused = { code: 'LAGO_BUILD_OPTION', message: expect.stringMatching(/the value of install is neither/) }
  await expect(customize(await makeBench(), { install: value })).rejects.toMatchObject(refused)
})

test('an option that virt-customize does not know is told in its words', async () => {
  const bench = await makeBench()
  await expect(customize(bench, { 'no-such-option': '' })).rejects.toMatchObject({
    code: 'LAGO_BOOTSTRAP',
    message: `virt-customize could not prepare ${bench.disk.path} of vm0: unrecognized option '--no-such-option'`,
  })
})

test('the machine is emulated where KVM does not work', async () => {
  expect(await customize(await makeBench(), { touch: '/a' }, false)).toMatchObject({ forcesTcg: true })
})

test('an abort ends the program', async () => {
  const bench = await makeBench({ fails: 'hang' })
  const running = customize(bench, { touch: '/a' })
  const pid = await bench.pid()
  bench.abort(new Error('enough'))
  await expect(running).rejects.toThrow('enough')
  expect(() => process.kill(pid, 0)).toThrow('ESRCH')
})

test('a missing program is named with its package', async () => {
  await expect(customize(await makeBench('not installed'), { touch: '/a' })).rejects.toMatchObject({
    code: 'LAGO_COMMAND_MISSING',
    message: 'the program "virt-customize" is not on this host',
    hint: 'install the package guestfs-tools (of Debian 12, of Fedora; earlier ones: libguestfs-tools)',
  })
})
