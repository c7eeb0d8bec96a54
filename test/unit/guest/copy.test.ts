import { execFile } from 'node:child_process'
import {
  lstat,
  chmod,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  watch,
  writeFile,
} from 'node:fs/promises'
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

/** Says that it is some tar, and then does what it likes. */
const lying = (send: string): Record<string, string> => ({
  tar: `#!/bin/sh\ncase "$1" in --version) exit 0;; esac\n${send}\n`,
})

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

test.each([
  ['a directory', 'a file', async () => from(inside('there'), sshd.target.keyPath), 'is not a directory'],
  ['a file', 'a directory', async () => from('/etc/passwd', dir), 'is a directory'],
])('%s in the place of %s is refused before anything is sent', async (_, __, copy, text) => {
  await openGuest()
  await mkdir(inside('passwd'))
  await expect(copy()).rejects.toMatchObject({ code: 'LAGO_FILE', message: expect.stringContaining(text) })
  expect((await readdir(dir)).sort()).toEqual(['bin', 'passwd', 'there'])
})

test.each([
  ['a fifo', async (file: string) => run('mkfifo', [file])],
  ['a link as /dev/stdout is one', async (file: string) => symlink('/proc/self/fd/1', file)],
  ['a link to a device', async (file: string) => symlink('/dev/null', file)],
])('%s is not what a copy replaces', async (_, make) => {
  await openGuest(undefined, lying(`echo "$@" >>${inside('there', 'asked')}`))
  await make(inside('special'))
  const before = await lstat(inside('special'))
  await expect(from('/etc/passwd', inside('special'))).rejects.toMatchObject({
    code: 'LAGO_FILE',
    message: expect.stringMatching(/^cannot write .*special: it is neither a file nor a directory$/),
  })
  expect((await lstat(inside('special'))).ino).toBe(before.ino)
  expect(await readdir(inside('there'))).toEqual([])
})

test('what is refused for its target is never asked of the tar', async () => {
  await openGuest(undefined, lying(`echo "$@" >>${inside('there', 'asked')}`))
  await writeFile(inside('mine'), 'mine')
  await expect(from(inside('there'), inside('mine'))).rejects.toMatchObject({ code: 'LAGO_FILE' })
  expect(await readdir(inside('there'))).toEqual([])
})

test.each(['/proc/version', '/proc/self/limits', '/sys/kernel/notes'])(
  '%s, whose size is not that of its content, arrives whole',
  async (file) => {
    await openGuest()
    await from(file, inside('back'))
    expect((await readFile(inside('back'))).length).toBeGreaterThan(0)
    if (file === '/proc/version') expect(await readFile(inside('back'), 'utf8')).toBe(await readFile(file, 'utf8'))
  },
)

test('a link to such a file too; a file that is empty keeps its mode and time', async () => {
  await openGuest()
  await symlink('/proc/version', inside('there', 'link'))
  await from(inside('there', 'link'), inside('back'))
  expect(await readFile(inside('back'), 'utf8')).toBe(await readFile('/proc/version', 'utf8'))
  await writeFile(inside('there', 'empty'), '', { mode: 0o640 })
  await utimes(inside('there', 'empty'), 1000, 1000)
  await from(inside('there', 'empty'), inside('back'))
  const { size, mode, mtimeMs } = await stat(inside('back'))
  expect([size, mode & 0o777, mtimeMs]).toEqual([0, 0o640, 1_000_000])
})

test('a directory below /proc comes with a warning that its files may be empty', async () => {
  await openGuest()
  const recorded = recordedTask()
  await copyFromGuest(recorded.task, guest, { from: '/proc/sys/kernel/keys', to: inside('back') })
  expect(recorded.messages().join()).toContain('copy the files that you need one by one')
})

describe('a guest whose tar knows nothing of holes', () => {
  const SIZE = 50 * 1024 ** 2 + 123

  async function makeSparse(file: string): Promise<void> {
    await writeFile(file, 'head', { mode: 0o640 })
    await truncate(file, SIZE - 4)
    await writeFile(file, 'tail', { flag: 'a' })
    await run('dd', [`of=${file}`, 'bs=1', `seek=${20 * 1024 ** 2 + 7}`, 'conv=notrunc', 'if=/etc/passwd'])
    await utimes(file, 3000, 3000)
  }

  async function expectSparse(file: string): Promise<void> {
    const { size, blocks, mode, mtimeMs } = await stat(file)
    expect([size, mode & 0o777, mtimeMs]).toEqual([SIZE, 0o640, 3_000_000])
    expect(blocks * 512).toBeLessThan(1024 ** 2)
  }

  const PLAIN = lying('exec /usr/bin/tar "$@"')

  test('a file with holes arrives with them, also over an older one', async () => {
    await openGuest(undefined, PLAIN)
    await makeSparse(inside('sparse'))
    await writeFile(inside('there', 'sparse'), 'old')
    await to(inside('sparse'), inside('there'))
    await run('cmp', [inside('sparse'), inside('there', 'sparse')])
    await expectSparse(inside('there', 'sparse'))
    expect(await readdir(inside('there'))).toEqual(['sparse'])
  })

  test.each(['new', 'there before'])('so do those in a directory that is %s, whatever their names', async (state) => {
    await openGuest(undefined, PLAIN)
    await mkdir(inside('tree', 'sub dir'), { recursive: true })
    const names = ['*', 'a\\b', 'line\nbreak', '-n', ' ü ', '[x]']
    for (const name of names) await makeSparse(inside('tree', 'sub dir', name))
    await writeFile(inside('tree', 'sub dir', 'plain'), 'content')
    await utimes(inside('tree', 'sub dir'), 2000, 2000)
    await chmod(inside('tree', 'sub dir'), 0o750)
    if (state === 'there before') await mkdir(inside('there', 'tree', 'sub dir'), { recursive: true })
    await to(inside('tree'), inside('there'))
    await run('diff', ['-r', inside('tree'), inside('there', 'tree')])
    for (const name of names) await expectSparse(inside('there', 'tree', 'sub dir', name))
    const { mode, mtimeMs } = await stat(inside('there', 'tree', 'sub dir'))
    expect([mode & 0o777, mtimeMs]).toEqual([0o750, 2_000_000])
    expect(await readdir(inside('there'))).toEqual(['tree'])
  })

  test('and whose dd is too old for it gets every zero', async () => {
    await openGuest(undefined, { ...PLAIN, dd: '#!/bin/sh\nexit 1\n' })
    await makeSparse(inside('sparse'))
    await to(inside('sparse'), inside('there'))
    await run('cmp', [inside('sparse'), inside('there', 'sparse')])
  })

  test('and in which not all of it arrives keeps nothing', async () => {
    const dd = '#!/bin/sh\ncase "$*" in *conv=*) exit 0;; esac\nexec /usr/bin/dd "$@"\n'
    await openGuest(undefined, { ...PLAIN, dd })
    await makeSparse(inside('sparse'))
    await expect(to(inside('sparse'), inside('there'))).rejects.toMatchObject({
      code: 'LAGO_COPY_FAILED',
      message: expect.stringContaining('not all that was sent has arrived'),
    })
    expect(await readdir(inside('there'))).toEqual([])
  })

  test('and whose disk is full is named, and keeps nothing half', async () => {
    const dd = '#!/bin/sh\ncase "$*" in *conv=*) echo "dd: No space left on device" >&2; exit 1;; esac\nexit 0\n'
    await openGuest(undefined, { ...PLAIN, dd })
    await mkdir(inside('tree'))
    await makeSparse(inside('tree', 'sparse'))
    for (const source of [inside('tree', 'sparse'), inside('tree')])
      await expect(to(source, inside('there', 'x'))).rejects.toMatchObject({ code: 'LAGO_NO_SPACE' })
    expect(await readdir(inside('there'))).toEqual([])
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
  await openPoorest()
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

/** No tar, and no sftp server. */
async function openPoorest(): Promise<void> {
  await openGuest(POOR)
  await sshd.stop()
  await run('sed', ['-i', '/^Subsystem/d', path.join(sshd.dir, 'sshd_config')])
  await sshd.start()
}

test('by cat, a file that the host cannot read is told, and nothing of it stays', async () => {
  await openPoorest()
  await expect(to('/proc/self/mem', inside('there', 'x'))).rejects.toMatchObject({
    code: 'LAGO_COPY_FAILED',
    message: expect.stringContaining('cannot read it: EIO'),
  })
  expect(await readdir(inside('there'))).toEqual([])
})

test('by cat, a file that was sent in part does not get its name', async () => {
  await openPoorest()
  const aborted = recordedTask()
  await writeFile(inside('endless'), '')
  await truncate(inside('endless'), 1024 ** 4) // more than is ever sent
  await writeFile(inside('there', 'x'), 'mine')
  const copying = copyToGuest(aborted.task, guest, { from: inside('endless'), to: inside('there', 'x') })
  const failing = expect(copying).rejects.toThrow('enough')
  const watcher = watch(inside('there'))
  for await (const { filename } of watcher) if (filename?.startsWith('.lago-') === true) break
  aborted.abort(new Error('enough'))
  await failing
  expect(await readdir(inside('there'))).toEqual(['x'])
  expect(await readFile(inside('there', 'x'), 'utf8')).toBe('mine')
})

test('a host without tar is told what it lacks', async () => {
  await openGuest()
  await writeFile(inside('file'), 'content')
  await guest.connect(task)
  const searched = process.env['PATH']
  const bare = inside('bare')
  await mkdir(bare)
  await symlink('/usr/bin/ssh', path.join(bare, 'ssh'))
  process.env['PATH'] = bare
  try {
    await expect(to(inside('file'), inside('there', 'x'))).rejects.toMatchObject({
      code: 'LAGO_COMMAND_MISSING',
      message: expect.stringContaining('"tar"'),
    })
  } finally {
    process.env['PATH'] = searched
  }
  expect(await readdir(inside('there'))).toEqual([])
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

describe('a tar that ends with 1', () => {
  const changed = (version: string): Record<string, string> => ({
    tar: `#!/bin/sh
case "$1" in --version) echo '${version}'; exit 0;; esac
/usr/bin/tar "$@"
echo 'tar: ./log: file changed as we read it' >&2
exit 1
`,
  })
  beforeEach(async () => writeFile(inside('there', 'log'), 'content'))

  test.each([
    ['a directory', 'there', 'back/log'],
    ['a file', 'there/log', 'back'],
  ])('has sent all that there was, if it is GNU’s: %s comes with a warning', async (_, source, copy) => {
    await openGuest(undefined, changed('tar (GNU tar) 1.35'))
    const recorded = recordedTask()
    await copyFromGuest(recorded.task, guest, { from: inside(source), to: inside('back') })
    expect(await readFile(inside(copy), 'utf8')).toBe('content')
    expect(recorded.messages('warning')).toEqual([
      expect.stringMatching(/^copy .*: tar: .*file changed as we read it$/),
    ])
  })

  test('has failed, if it is another', async () => {
    await openGuest(undefined, changed('bsdtar 3.6.2'))
    await expect(from(inside('there'), inside('back'))).rejects.toMatchObject({ code: 'LAGO_COPY_FAILED' })
    expect(await readdir(dir)).not.toContain('back')
  })
})

test('the name of what such a guest sends is cut', async () => {
  const long = path.posix.join(...Array.from({ length: 200 }, () => 'n'.repeat(200)))
  await openGuest(undefined, lying(`/usr/bin/tar -cf - --transform='s,.*,${long},' -C /etc passwd`))
  const error: unknown = await from(inside('there', 'wanted'), inside('back')).catch((e: unknown) => e)
  expect(error).toMatchObject({ code: 'LAGO_GUEST_NO_FILE' })
  await writeFile(inside('there', 'wanted'), 'x')
  const hostile: unknown = await from(inside('there', 'wanted'), inside('back')).catch((e: unknown) => e)
  expect(hostile).toMatchObject({ code: 'LAGO_GUEST_HOSTILE' })
  expect(JSON.stringify(hostile).length + (hostile as Error).message.length).toBeLessThan(1500)
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
  await openGuest(
    undefined,
    lying('/usr/bin/tar -cf - -C / etc/hostname | head -c 600; while sleep 0.2 && echo >&2; do :; done'),
  )
  const recorded = recordedTask()
  const copying = copyFromGuest(recorded.task, guest, { from: inside('there'), to: inside('back') })
  void recorded.message(/run tar /).then(async () => sshd.stop())
  await expect(copying).rejects.toMatchObject({
    code: 'LAGO_GUEST_UNREACHABLE',
    message: expect.stringContaining('vm0'),
  })
  expect((await readdir(dir)).sort()).toEqual(['bin', 'there'])
})
