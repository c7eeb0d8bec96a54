import { execFile } from 'node:child_process'
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { copyFromGuest } from '../../../src/guest/copy-from.js'
import { copyToGuest } from '../../../src/guest/copy-to.js'
import { openSshGuest, type SshGuest } from '../../../src/guest/ssh-guest.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { startSshd, type Sshd } from '../../helpers/sshd.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const run = promisify(execFile)
const { task } = recordedTask()
let dir: string
let sshd: Sshd
let guest: SshGuest

/** What a poor guest has. */
const POOR = ['sh', 'bash', 'cat', 'chmod', 'mv', 'rm', 'mkdir']

/** The server's commands find `programs` and nothing else; `scripts` are programs of our own. */
async function openGuest(programs?: readonly string[], scripts: Readonly<Record<string, string>> = {}): Promise<void> {
  const bin = path.join(dir, 'bin')
  await mkdir(bin)
  for (const program of programs ?? [])
    await symlink((await run('sh', ['-c', `command -v ${program}`])).stdout.trim(), path.join(bin, program))
  for (const [name, text] of Object.entries({ sync: '#!/bin/sh\n', ...scripts }))
    await writeFile(path.join(bin, name), text, { mode: 0o755 })
  const searched = programs === undefined ? `${bin}:/usr/bin:/bin` : bin
  sshd = await startSshd([`SetEnv HOME=${dir} PATH=${searched}`])
  guest = openSshGuest(sshd.target)
}

beforeEach(async () => {
  dir = await makeTempDir()
  await mkdir(path.join(dir, 'there'))
})

afterEach(async () => {
  await guest[Symbol.asyncDispose]()
  await sshd.stop()
  await rm(sshd.dir, { recursive: true })
})

const inside = (...names: string[]): string => path.join(dir, ...names)
const to = async (from: string, target: string): Promise<void> => copyToGuest(task, guest, { from, to: target })
const from = async (source: string, target: string): Promise<void> =>
  copyFromGuest(task, guest, { from: source, to: target })

async function makeTree(root: string): Promise<void> {
  await mkdir(path.join(root, 'sub dir', '-rf'), { recursive: true })
  for (const name of ['plain', `it's "quoted"`, 'line\nbreak', '-n', '$(id)', 'ü'])
    await writeFile(path.join(root, 'sub dir', name), `content of ${name}`)
  await writeFile(Buffer.concat([Buffer.from(`${root}/sub dir/`), Buffer.from([0x66, 0xff])]), 'bytes')
  await writeFile(path.join(root, 'program'), '#!/bin/sh\n', { mode: 0o750 })
  await symlink('sub dir/plain', path.join(root, 'link'))
  await utimes(path.join(root, 'program'), 1000, 1000)
  await utimes(path.join(root, 'sub dir'), 2000, 2000)
}

/** `rm` of Node stumbles over names that are not UTF-8. */
const sweep = async (): Promise<unknown> => run('rm', ['-rf', inside('tree'), inside('there'), inside('back')])

describe('by tar', () => {
  beforeEach(async () => openGuest())

  test('a tree goes there and back unchanged: names, modes, times, links', async () => {
    await makeTree(inside('tree'))
    await to(inside('tree'), inside('there', 'new'))
    await from(inside('there', 'new'), inside('back'))
    for (const copy of ['there/new', 'back']) {
      await run('diff', ['-r', '--no-dereference', inside('tree'), inside(copy)])
      const program = await stat(inside(copy, 'program'))
      expect([program.mode & 0o7777, program.mtimeMs]).toEqual([0o750, 1_000_000])
      expect((await stat(inside(copy, 'sub dir'))).mtimeMs).toBe(2_000_000)
    }
    expect(sshd.logins()).toBe(1)
    await sweep()
  })

  test('an existing directory is copied into, with and without a slash, and merged', async () => {
    await mkdir(inside('tree'))
    await writeFile(inside('tree', 'f'), '1')
    await mkdir(inside('there', 'tree'))
    await writeFile(inside('there', 'tree', 'old'), 'old')
    await to(inside('tree'), inside('there'))
    expect(await readdir(inside('there', 'tree'))).toEqual(['f', 'old'])
    await mkdir(inside('back', 'tree'), { recursive: true })
    await writeFile(inside('back', 'tree', 'mine'), 'mine')
    await from(`${inside('there', 'tree')}/`, `${inside('back')}/`)
    expect(await readdir(inside('back', 'tree'))).toEqual(['f', 'mine', 'old'])
    expect(await readdir(inside('back'))).toEqual(['tree'])
  })

  test.each(['plain', 'a b', '-f', `'"`, 'line\nbreak', '*'])(
    'a file called %j is copied, renamed or not',
    async (name) => {
      await writeFile(inside(name), 'content', { mode: 0o741 })
      await chmod(inside(name), 0o741)
      await to(inside(name), inside('there'))
      await to(inside(name), inside('there', 'renamed'))
      expect((await readdir(inside('there'))).sort()).toEqual([name, 'renamed'].sort())
      await mkdir(inside('back'))
      await from(inside('there', name), inside('back'))
      await from(inside('there', 'renamed'), inside('back', `${name}2`))
      expect((await readdir(inside('back'))).sort()).toEqual([name, `${name}2`].sort())
      expect(await readFile(inside('back', `${name}2`), 'utf8')).toBe('content')
      expect((await stat(inside('back', name))).mode & 0o777).toBe(0o741)
    },
  )

  test('a file replaces a file, and the file behind a link is what is copied', async () => {
    await writeFile(inside('file'), 'new')
    await symlink('file', inside('link'))
    await writeFile(inside('there', 'target'), 'old')
    await to(inside('link'), inside('there', 'target'))
    expect(await readFile(inside('there', 'target'), 'utf8')).toBe('new')
    await writeFile(inside('back'), 'old')
    await from(inside('link'), inside('back'))
    expect(await readFile(inside('back'), 'utf8')).toBe('new')
  })

  test('holes stay holes both ways', async () => {
    await writeFile(inside('sparse'), 'head')
    await truncate(inside('sparse'), 50 * 1024 ** 2)
    await to(inside('sparse'), inside('there', 'sparse'))
    await from(inside('there', 'sparse'), inside('back'))
    for (const copy of ['there/sparse', 'back']) {
      const { size, blocks } = await stat(inside(copy))
      expect(size).toBe(50 * 1024 ** 2)
      expect(blocks * 512).toBeLessThan(1024 ** 2)
    }
  })

  test.each([
    ['a missing local file', async () => to(inside('none'), '/tmp'), 'LAGO_FILE'],
    ['a missing local parent', async () => from(inside('there'), inside('none', 'x')), 'LAGO_FILE'],
    ['a missing local directory, by its slash', async () => from(inside('there'), `${inside('none')}/`), 'LAGO_FILE'],
    ['a missing file in the guest', async () => from(inside('none'), dir), 'LAGO_GUEST_NO_FILE'],
    ['a device in the guest', async () => from('/dev/null', dir), 'LAGO_GUEST_NO_FILE'],
    ['a missing parent in the guest', async () => to(inside('there'), inside('none', 'x')), 'LAGO_GUEST_NO_FILE'],
    ['a missing directory, by its slash', async () => to(inside('there'), `${inside('none')}/`), 'LAGO_GUEST_NO_FILE'],
    ['a file in the place of a directory', async () => to(inside('there'), sshd.target.keyPath), 'LAGO_COPY_FAILED'],
  ])('%s is one line', async (_, copy, code) => {
    await expect(copy()).rejects.toMatchObject({ code, message: expect.not.stringContaining('\n') })
    expect(await readdir(dir)).toEqual(['bin', 'there'])
  })
})

test('without tar, sftp does it, directories too', async () => {
  await openGuest(POOR)
  await mkdir(inside('tree', 'sub dir'), { recursive: true })
  await writeFile(inside('tree', 'sub dir', `it's [a] "file"*`), 'content', { mode: 0o750 })
  await utimes(inside('tree', 'sub dir', `it's [a] "file"*`), 1000, 1000)
  await to(inside('tree'), inside('there', 'n"e w'))
  await from(inside('there', 'n"e w'), inside('back'))
  await run('diff', ['-r', inside('tree'), inside('back')])
  const { mode, mtimeMs } = await stat(inside('back', 'sub dir', `it's [a] "file"*`))
  expect([mode & 0o777, mtimeMs]).toEqual([0o750, 1_000_000])
  await from(inside('there', 'n"e w', 'sub dir', `it's [a] "file"*`), inside('file'))
  expect(await readFile(inside('file'), 'utf8')).toBe('content')
  expect(sshd.logins()).toBe(1)
})

test('a name with a line break cannot be told to sftp, and is refused', async () => {
  await openGuest(POOR)
  await writeFile(inside('a\nrm x'), '')
  await expect(to(inside('a\nrm x'), inside('there'))).rejects.toMatchObject({ code: 'LAGO_FILE_NAME' })
})

test('with neither, cat copies files, and directories are refused', async () => {
  await openGuest(POOR)
  await sshd.stop()
  await run('sed', ['-i', '/^Subsystem/d', path.join(sshd.dir, 'sshd_config')])
  await sshd.start()
  await writeFile(inside('file'), 'content', { mode: 0o750 })
  await to(inside('file'), inside('there', '-x'))
  expect((await stat(inside('there', '-x'))).mode & 0o777).toBe(0o750)
  await from(inside('there', '-x'), inside('back'))
  expect(await readFile(inside('back'), 'utf8')).toBe('content')
  for (const copy of [to, from])
    await expect(copy(inside('there'), inside('d'))).rejects.toMatchObject({
      code: 'LAGO_COPY_FAILED',
      message: expect.stringContaining('files only'),
    })
})

/** Says that it is some tar, and then does what it likes. */
const lying = (send: string): Record<string, string> => ({
  tar: `#!/bin/sh\ncase "$1" in --version) exit 0;; esac\n${send}\n`,
})

test.each([
  ['another file than the one asked for', `cd ${'$EVIL'}; /usr/bin/tar -cf - other`, 'LAGO_GUEST_HOSTILE'],
  ['a link in its place', `cd ${'$EVIL'}; /usr/bin/tar -cf - wanted`, 'LAGO_GUEST_HOSTILE'],
  ['nothing', '/usr/bin/tar -cf - -T /dev/null', 'LAGO_GUEST_HOSTILE'],
  ['no tar at all', 'echo hello', 'LAGO_GUEST_STREAM'],
  ['an error', 'echo "tar: broken disk" >&2; exit 1', 'LAGO_COPY_FAILED'],
  ['that its disk is full', 'echo "tar: write: No space left on device" >&2; exit 1', 'LAGO_NO_SPACE'],
])('a guest that sends %s is refused, and what was there stays', async (_, send, code) => {
  const evil = inside('evil')
  await openGuest(undefined, lying(send.replace('$EVIL', evil)))
  await mkdir(evil)
  await writeFile(path.join(evil, 'other'), 'x')
  await symlink('back', path.join(evil, 'wanted'))
  await writeFile(inside('there', 'wanted'), 'x')
  await writeFile(inside('back'), 'mine')
  const before = await readdir(dir)
  await expect(from(inside('there', 'wanted'), inside('back'))).rejects.toMatchObject({ code })
  expect(await readFile(inside('back'), 'utf8')).toBe('mine')
  expect(await readdir(dir)).toEqual(before)
})

test('a guest whose tar fails in the middle keeps nothing half', async () => {
  await openGuest(undefined, lying('head -c 100 >/dev/null; echo "no space left on device" >&2; exit 2'))
  await writeFile(inside('file'), Buffer.alloc(5_000_000))
  await expect(to(inside('file'), inside('there', 'x'))).rejects.toMatchObject({ code: 'LAGO_NO_SPACE' })
  await expect(to(dir, inside('there', 'y'))).rejects.toMatchObject({ code: 'LAGO_NO_SPACE' })
  expect(await readdir(inside('there'))).toEqual([])
})

test('the abort ends a copy with its reason, and leaves nothing', async () => {
  await openGuest(undefined, lying('echo started >&2; exec cat /dev/zero'))
  const aborted = recordedTask()
  const copying = copyFromGuest(aborted.task, guest, { from: inside('there'), to: inside('back') })
  void aborted.message(/run tar /).then(() => aborted.abort(new Error('enough')))
  await expect(copying).rejects.toThrow('enough')
  expect((await readdir(dir)).sort()).toEqual(['bin', 'there'])
})

test('a guest that goes away in the middle of a copy is named', async () => {
  await openGuest(undefined, lying('/usr/bin/tar -cf - -C / etc/hostname | head -c 600; exec sleep 1000'))
  const recorded = recordedTask()
  const copying = copyFromGuest(recorded.task, guest, { from: inside('there'), to: inside('back') })
  void recorded.message(/run tar /).then(async () => sshd.stop())
  await expect(copying).rejects.toMatchObject({
    code: 'LAGO_GUEST_UNREACHABLE',
    message: expect.stringContaining('vm0'),
  })
  expect((await readdir(dir)).sort()).toEqual(['bin', 'there'])
})
