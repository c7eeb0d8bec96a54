/** What `scripts/make-template` says to what it cannot do. It makes nothing here: that takes a mirror and a minute. */
import { execFile } from 'node:child_process'
import { access, chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { useTempDirs } from '../../helpers/temp-dir.js'

const SCRIPT = fileURLToPath(new URL('../../../../scripts/make-template', import.meta.url))
/** Nobody listens there. */
const SILENT_MIRROR = 'http://127.0.0.1:1/debian'

const makeTempDir = useTempDirs()

interface Ended {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

async function makeTemplate(args: readonly string[], binDirs: readonly string[] = []): Promise<Ended> {
  const env = { ...process.env, ...(binDirs.length > 0 ? { PATH: binDirs.join(':') } : {}) }
  return new Promise((resolve) => {
    execFile(SCRIPT, args, { env }, (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

/** A file where the keys would be: the script only looks whether it can be read. */
async function keyring(): Promise<string> {
  const file = path.join(await makeTempDir(), 'keys.gpg')
  await writeFile(file, '')
  return file
}

/** Makes sure that mmdebstrap and its like are found, without their being installed. */
async function standIns(): Promise<string> {
  const dir = await makeTempDir()
  for (const name of ['mmdebstrap', 'qemu-img', 'dnf', 'curl']) {
    const program = path.join(dir, name)
    await writeFile(program, '#!/bin/sh\nexit 99\n')
    await chmod(program, 0o755)
  }
  return dir
}

async function missing(file: string): Promise<boolean> {
  return access(file).then(
    () => false,
    () => true,
  )
}

describe('a command line that cannot be read ends with 2 and the usage', () => {
  test.each([
    { args: [], message: 'which distribution? debian fedora ubuntu' },
    { args: ['debian', 'ubuntu'], message: 'one distribution at a time, not debian and ubuntu' },
    { args: ['debian', '--siez', '4G'], message: 'there is no option --siez' },
    { args: ['debian', '--siez=4G'], message: 'there is no option --siez' },
    { args: ['debian', '--out'], message: '--out wants a value' },
    { args: ['debian', '--suite='], message: '--suite wants a value' },
  ])('$args', async ({ args, message }) => {
    const { exitCode, stdout, stderr } = await makeTemplate(args)
    expect(stderr).toContain(`make-template: ${message}\nusage: make-template`)
    expect(stdout).toBe('')
    expect(exitCode).toBe(2)
  })
})

describe('a value that cannot be right ends with 1 and says which', () => {
  test.each([
    { args: ['suse'], message: 'there is no distribution suse, only debian fedora ubuntu' },
    { args: ['../debian'], message: 'there is no distribution ../debian, only debian fedora ubuntu' },
    { args: ['debian', '--suite', '../sid'], message: 'this is no name of a release: ../sid' },
    { args: ['debian', '--size', '2T'], message: 'this is no size of a disk: 2T' },
    { args: ['debian', '--size', '100M'], message: 'a disk has from 1G to 2047G, not 100M' },
    { args: ['debian', '--size', '2048G'], message: 'a disk has from 1G to 2047G, not 2048G' },
    { args: ['debian', '--mirror', 'ftp://host/debian'], message: 'this is no URL of a mirror: ftp://host/debian' },
    { args: ['debian', '--mirror', 'http://host/a b'], message: 'this is no URL of a mirror: http://host/a b' },
    { args: ['debian', '--packages', '/*'], message: 'this is no name of a package: /*' },
    { args: ['debian', '--packages', 'vim,--purge'], message: 'this is no name of a package: --purge' },
    { args: ['debian', '--out', '/tmp/$HOME'], message: 'a template repository cannot be in a directory of this name' },
    { args: ['ubuntu', '--keyring', '/no/keys'], message: 'the keys of ubuntu are not there: /no/keys' },
  ])('$args', async ({ args, message }) => {
    const { exitCode, stderr } = await makeTemplate([
      ...args,
      ...(args.includes('--keyring') ? [] : ['--keyring', await keyring()]),
    ])
    expect(stderr).toContain(`make-template: ${message}`)
    expect(exitCode).toBe(1)
  })
})

test('keys in a file whose name would end an option of apt are refused', async () => {
  const file = path.join(await makeTempDir(), 'keys] .gpg')
  await writeFile(file, '')
  const { exitCode, stderr } = await makeTemplate(['debian', '--keyring', file])
  expect(stderr).toBe(`make-template: apt can use no keys from a file of this name: ${file}\n`)
  expect(exitCode).toBe(1)
})

test('the password in the URL of a mirror is refused, and not printed', async () => {
  for (const mirror of ['http://me:secret@host/debian', 'ftp://me:secret@host/debian']) {
    const { exitCode, stderr } = await makeTemplate(['debian', '--mirror', mirror])
    expect(stderr).toContain('mirror')
    expect(stderr).not.toContain('secret')
    expect(exitCode).toBe(1)
  }
})

test('help is on standard output', async () => {
  const { exitCode, stdout, stderr } = await makeTemplate(['--help'])
  expect(stdout).toMatch(/^usage: make-template DISTRIBUTION/)
  expect(stderr).toBe('')
  expect(exitCode).toBe(0)
})

test('programs that are missing are told all at once, with their packages in Debian and in Fedora', async () => {
  const dir = await makeTempDir()
  for (const name of ['bash', 'dirname', 'sed', 'uname', 'realpath', 'numfmt', 'sort'])
    await symlink(path.join('/usr/bin', name), path.join(dir, name))
  const { exitCode, stderr } = await makeTemplate(['debian', '--keyring', await keyring()], [dir])
  expect(stderr).toMatch(/packages are missing: .*mmdebstrap qemu-utils/)
  expect(stderr).toMatch(/\n.*apt-get install .*mmdebstrap qemu-utils/)
  expect(stderr).toMatch(/\n.*dnf install .*mmdebstrap qemu-img/)
  expect(exitCode).toBe(1)
})

describe('with all programs there', () => {
  const path_ = async (): Promise<string[]> => [await standIns(), ...String(process.env['PATH']).split(':')]

  test('a place that cannot be written to is refused', async () => {
    const { exitCode, stderr } = await makeTemplate(
      ['debian', '--keyring', await keyring(), '--out', '/dev/null/repo'],
      await path_(),
    )
    expect(stderr).toContain('make-template: cannot write to /dev/null/repo')
    expect(exitCode).toBe(1)
  })

  test('a repository of another template stays as it is', async () => {
    const out = await makeTempDir()
    await writeFile(path.join(out, 'template-repo.json'), '{\n  "name": "fedora-42"\n}\n')
    const { exitCode, stderr } = await makeTemplate(
      ['debian', '--keyring', await keyring(), '--out', out],
      await path_(),
    )
    expect(stderr).toContain(`make-template: ${out} holds another template repository`)
    expect(exitCode).toBe(1)
    expect(await readdir(out)).toEqual(['template-repo.json'])
  })

  test.each(['debian', 'ubuntu'])(
    'a mirror of %s that does not answer is named, and nothing is left behind',
    async (name) => {
      const out = path.join(await makeTempDir(), 'repo')
      const { exitCode, stderr } = await makeTemplate(
        [name, '--keyring', await keyring(), '--mirror', SILENT_MIRROR, '--out', out],
        await path_(),
      )
      expect(stderr).toMatch(
        /make-template: mirror http:\/\/127.0.0.1:1\/debian does not answer for suite \w+: .*refused/,
      )
      expect(exitCode).toBe(1)
      expect(await missing(out)).toBe(true)
    },
  )

  test('what a killed run left goes with the next one', async () => {
    const out = await makeTempDir()
    await mkdir(path.join(out, '.make-template.killed', 'tree'), { recursive: true })
    await makeTemplate(['debian', '--keyring', await keyring(), '--mirror', SILENT_MIRROR, '--out', out], await path_())
    expect(await missing(out)).toBe(true)
  })
})
