import { execFile } from 'node:child_process'
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import path from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { promisify } from 'node:util'
import { beforeEach, expect, test } from '@jest/globals'
import type { LagoError } from '../../../src/base/errors.js'
import { mergeTree } from '../../../src/guest/tree.js'
import { unpackFromGuest, type UnpackOptions } from '../../../src/guest/unpack.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { inPieces, itemBytes, paxRecord, tarBytes, tarStream, type TarItem } from '../../helpers/tar-stream.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const run = promisify(execFile)
let dir: string
let target: string

beforeEach(async () => {
  dir = await makeTempDir()
  target = path.join(dir, 'target')
  await mkdir(path.join(dir, 'outside'))
  await writeFile(path.join(dir, 'outside', 'victim'), 'untouched')
})

async function unpack(stream: Readable, options: Partial<UnpackOptions> = {}): Promise<string[]> {
  const { task, messages } = recordedTask()
  await unpackFromGuest(task, stream, target, { what: 'logs of vm0', ...options })
  return messages()
}

/** Everything beside the target is as `beforeEach` made it. */
async function expectNothingOutside(): Promise<void> {
  expect((await readdir(dir)).filter((name) => name !== 'target')).toEqual(['outside'])
  expect(await readdir(path.join(dir, 'outside'))).toEqual(['victim'])
  expect(await readFile(path.join(dir, 'outside', 'victim'), 'utf8')).toBe('untouched')
}

const HOSTILE: readonly [string, readonly TarItem[], string][] = [
  ['an absolute path', [{ name: '/tmp/lago-evil', content: 'x' }], 'has an absolute path'],
  ['a path through ..', [{ name: '../outside/victim', content: 'x' }], 'leads out of the target'],
  ['a path with .. inside', [{ name: 'a/../../outside/victim', content: 'x' }], 'leads out of the target'],
  [
    'a file through a link that it sent before',
    [
      { name: 'sub', flag: '2', link: 'other' },
      { name: 'sub/victim', content: 'x' },
    ],
    'lies below a link',
  ],
  [
    'a file below a file',
    [
      { name: 'a', content: 'x' },
      { name: 'a/b', content: 'x' },
    ],
    'lies below a file',
  ],
  [
    'a file in the place of a directory',
    [
      { name: 'a/', flag: '5' },
      { name: 'a', content: 'x' },
    ],
    'in the place of a directory',
  ],
  [
    'a directory in the place of a link',
    [
      { name: 'a', flag: '2', link: 'b' },
      { name: 'a/', flag: '5' },
    ],
    'in the place of a link',
  ],
  ['a hard link to outside', [{ name: 'a', flag: '1', link: '/etc/passwd' }], 'has an absolute path'],
  ['a hard link through ..', [{ name: 'a', flag: '1', link: '../outside/victim' }], 'leads out of the target'],
  ['a hard link to what was not sent', [{ name: 'a', flag: '1', link: 'b' }], 'which was not sent'],
  [
    'a hard link to a link',
    [
      { name: 'l', flag: '2', link: 'x' },
      { name: 'a', flag: '1', link: 'l' },
    ],
    'which was not sent',
  ],
  ['a character device', [{ name: 'null', flag: '3' }], 'is a device node'],
  ['a block device', [{ name: 'sda', flag: '4' }], 'is a device node'],
  ['a file that takes the place of the target', [{ name: './', flag: '2', link: 'x' }], 'the target itself'],
  ['an entry of an unknown kind', [{ name: 'a', flag: 'V' }], 'is of no kind that we know'],
  ['an entry without a name', [{ name: '', content: 'x' }], 'has no name'],
  ['a hidden long name', [{ name: 'L', flag: 'L', content: '../outside/victim\0' }, { name: 'a' }], 'leads out'],
  ['a hidden pax name', [{ name: 'x', flag: 'x', content: paxRecord('path', '/etc/x') }, { name: 'a' }], 'absolute'],
]

test.each(HOSTILE)('%s is refused, and nothing is touched', async (_, items, text) => {
  const error: unknown = await unpack(tarStream([{ name: 'honest', content: 'x' }, ...items])).catch((e: unknown) => e)
  expect(error).toMatchObject({ code: 'LAGO_GUEST_HOSTILE', message: expect.stringContaining(text) })
  expect((error as LagoError).message).toMatch(/^logs of vm0: refused, entry "/)
  await expectNothingOutside()
  expect(await readdir(dir)).toEqual(['outside'])
})

test.each([
  ['absolute', 'a/b/l', '/etc/passwd'],
  ['by one step too many', 'a/b/l', '../../../outside'],
  ['after going down first', 'a/b/l', 'x/../../../outside'],
  ['from the top', 'l', '..'],
])('a link that leads out (%s) is left out with a warning, the rest arrives', async (_, name, link) => {
  const messages = await unpack(
    tarStream([
      { name, flag: '2', link },
      { name: 'a/b/file', content: 'x' },
    ]),
  )
  expect(messages.join()).toContain(`left out "${name}": it is a link to "${link}", outside of what is copied`)
  await expect(lstat(path.join(target, name))).rejects.toMatchObject({ code: 'ENOENT' })
  expect(await readFile(path.join(target, 'a/b/file'), 'utf8')).toBe('x')
})

test('links that stay inside are kept', async () => {
  await unpack(
    tarStream([
      { name: './a/l', flag: '2', link: '../b/file' },
      { name: 'b/file', content: 'x' },
    ]),
  )
  expect(await readlink(path.join(target, 'a/l'))).toBe('../b/file')
  expect(await readFile(path.join(target, 'a/l'), 'utf8')).toBe('x')
})

test('a link that an earlier copy left in the target is not followed', async () => {
  await mkdir(target)
  await symlink('../outside', path.join(target, 'sub'))
  await symlink('../outside/victim', path.join(target, 'file'))
  await expect(unpack(tarStream([{ name: 'sub/victim', content: 'evil' }]))).rejects.toMatchObject({
    code: 'LAGO_FILE',
    message: expect.stringContaining('is not a directory'),
  })
  await unpack(tarStream([{ name: 'file', content: 'new' }]))
  expect((await lstat(path.join(target, 'file'))).isFile()).toBe(true)
  await expectNothingOutside()
})

test('setuid, setgid and sticky are dropped; permissions and times are kept', async () => {
  await unpack(
    tarStream([
      { name: './', flag: '5', mode: 0o750, mtime: 1000 },
      { name: 'd/', flag: '5', mode: 0o7711, mtime: 2000 },
      { name: 'd/su', content: 'x', mode: 0o6755, mtime: 3000 },
    ]),
  )
  const facts = await Promise.all(['.', 'd', 'd/su'].map(async (name) => stat(path.join(target, name))))
  expect(facts.map(({ mode, mtimeMs }) => [mode & 0o7777, mtimeMs / 1000])).toEqual([
    [0o750, 1000],
    [0o711, 2000],
    [0o755, 3000],
  ])
})

test('how many such bits were dropped is told once', async () => {
  const dropped = ['a', 'b', 'c'].map((name) => ({ name, content: 'x', mode: 0o4755 }))
  const messages = await unpack(tarStream([...dropped, { name: 'd', content: 'x', mode: 0o755 }]))
  expect(messages).toEqual(['logs of vm0: left out setuid, setgid and sticky bits, entries: 3'])
})

test('names are bytes: blanks, line breaks, dashes, quotes, and what is not UTF-8', async () => {
  const names = [' a b ', 'x\ny', '-rf', `'"$(id)`, 'ü', Buffer.from([0x66, 0xff, 0xfe])].map((name) =>
    Buffer.from(name),
  )
  await unpack(tarStream(names.map((name) => ({ name, content: 'x' }))))
  const found = await readdir(target, { encoding: 'buffer' })
  expect(found.map((name) => name.toString('hex')).sort()).toEqual(names.map((name) => name.toString('hex')).sort())
  await run('rm', ['-r', target]) // which Node's own rm cannot, for names that are not UTF-8
})

test('a failure in a tree with such names leaves nothing', async () => {
  const bad = { name: Buffer.from([0x66, 0xff]), content: 'x' }
  await expect(unpack(tarStream([bad, { name: '/x' }]))).rejects.toMatchObject({ code: 'LAGO_GUEST_HOSTILE' })
  await expectNothingOutside()
})

test('what GNU tar writes arrives the same, in pieces of any size', async () => {
  const source = path.join(dir, 'outside', 'source')
  const deep = path.join(source, 'd'.repeat(90), 'e'.repeat(90))
  await mkdir(deep, { recursive: true })
  await writeFile(path.join(deep, 'f'.repeat(120)), Buffer.alloc(70_000, 'z'))
  await writeFile(path.join(source, 'empty'), '')
  await symlink(`${'e'.repeat(150)}`, path.join(source, 'long-link'))
  await run('ln', [path.join(source, 'empty'), path.join(source, 'same')])
  for (const format of ['gnu', 'posix', 'ustar']) {
    const members = format === 'ustar' ? ['empty', 'same'] : ['.']
    const argv = ['-C', source, `--format=${format}`, '-cf', '-', ...members]
    const { stdout } = await run('tar', argv, { encoding: 'buffer', maxBuffer: 1 << 24 })
    await unpack(inPieces(stdout, 777))
    if (format !== 'ustar') await run('diff', ['-r', '--no-dereference', source, target])
    expect((await stat(path.join(target, 'same'))).nlink).toBe(2)
    await run('rm', ['-r', target])
  }
})

test('holes stay holes', async () => {
  const sparse = path.join(dir, 'outside', 'sparse')
  await writeFile(sparse, 'head')
  await truncate(sparse, 20 * 1024 ** 2)
  await writeFile(sparse, 'tail', { flag: 'a' })
  const { stdout } = await run('tar', ['-C', path.dirname(sparse), '-cf', '-', 'sparse'], {
    encoding: 'buffer',
    maxBuffer: 1 << 26,
  })
  await unpack(inPieces(stdout, 100_000))
  const made = await stat(path.join(target, 'sparse'))
  expect(made.size).toBe(20 * 1024 ** 2 + 4)
  expect(made.blocks * 512).toBeLessThan(1024 ** 2)
  await run('cmp', [sparse, path.join(target, 'sparse')])
})

test('a directory that is there is merged, its own mode and other files stay', async () => {
  await mkdir(path.join(target, 'd'), { recursive: true, mode: 0o700 })
  await writeFile(path.join(target, 'd', 'old'), 'old')
  await writeFile(path.join(target, 'd', 'both'), 'old')
  await unpack(
    tarStream([
      { name: './', flag: '5', mode: 0o777 },
      { name: 'd/both', content: 'new' },
    ]),
  )
  expect(await readFile(path.join(target, 'd', 'both'), 'utf8')).toBe('new')
  expect(await readFile(path.join(target, 'd', 'old'), 'utf8')).toBe('old')
  expect((await stat(target)).mode & 0o777).not.toBe(0o777)
})

test('a target that is there is unpacked from a private directory in it; its parent stays as it is', async () => {
  await mkdir(target)
  const seen: unknown[] = []
  const [header = Buffer.alloc(0), ...rest] = itemBytes({ name: 'a', content: 'x'.repeat(2000) })
  const looking = Readable.from(
    (async function* () {
      yield header
      seen.push(await readdir(dir), await readdir(target))
      const [stage = ''] = await readdir(target)
      seen.push((await stat(path.join(target, stage))).mode & 0o777)
      yield Buffer.concat([...rest, Buffer.alloc(1024)])
    })(),
    { objectMode: false },
  )
  await unpack(looking)
  expect(seen).toEqual([['outside', 'target'], [expect.stringMatching(/^\../)], 0o700])
  expect(await readdir(target)).toEqual(['a'])
})

test('what lies on another file system in the target is written there by copying', async () => {
  const other = await mkdtemp('/dev/shm/lago-unpack-')
  try {
    await mkdir(path.join(other, 'from/d/e'), { recursive: true })
    await writeFile(path.join(other, 'from/d/f'), 'new', { mode: 0o640 })
    await utimes(path.join(other, 'from/d/f'), 1000, 1000)
    await symlink('f', path.join(other, 'from/d/l'))
    await writeFile(path.join(other, 'from/both'), 'new')
    await mkdir(target)
    await symlink('../outside/victim', path.join(target, 'both'))
    await mergeTree(Buffer.from(path.join(other, 'from')), Buffer.from(target))
    expect(await readdir(other)).toEqual([])
    expect((await readdir(target, { recursive: true })).sort()).toEqual(['both', 'd', 'd/e', 'd/f', 'd/l'])
    const { mode, mtimeMs } = await stat(path.join(target, 'd/f'))
    expect([mode & 0o777, mtimeMs]).toEqual([0o640, 1_000_000])
    expect(await readlink(path.join(target, 'd/l'))).toBe('f')
    expect(await readFile(path.join(target, 'both'), 'utf8')).toBe('new')
    await expectNothingOutside()
  } finally {
    await rm(other, { recursive: true })
  }
})

test('a name that comes twice is the later one', async () => {
  await unpack(
    tarStream([
      { name: 'a', content: '1' },
      { name: './a', content: '22' },
    ]),
  )
  expect(await readFile(path.join(target, 'a'), 'utf8')).toBe('22')
})

test('rename moves and leaves out, and cannot be talked into leading out', async () => {
  const items = [
    { name: './var/log/x', content: 'x' },
    { name: 'skip', content: 'y' },
  ]
  await unpack(tarStream(items), { rename: (name) => (name === 'skip' ? undefined : `files/${name}`) })
  expect(await readFile(path.join(target, 'files/var/log/x'), 'utf8')).toBe('x')
  expect(await readdir(target)).toEqual(['files'])
  await expect(unpack(tarStream(items), { rename: (name) => `../${name}` })).rejects.toMatchObject({
    code: 'LAGO_GUEST_HOSTILE',
  })
})

const whole = tarBytes([{ name: 'a', content: 'x'.repeat(3000) }])
test.each([
  ['ends in a file', whole.subarray(0, 1000), 'ends in the middle'],
  ['ends without its end', whole.subarray(0, -1024), 'ends in the middle'],
  ['is empty', Buffer.alloc(0), 'ends in the middle'],
  ['is something else', Buffer.alloc(2048, 'garbage '), 'a number that is not one'],
  ['goes on after its end', Buffer.concat([whole, Buffer.alloc(3 * 1024 ** 2)]), 'goes on after its end'],
  ['has a giant header', tarBytes([{ name: 'x', flag: 'x', size: 2 ** 31 }]), 'a header of 2147483648 bytes'],
  ['has a broken pax header', tarBytes([{ name: 'x', flag: 'x', content: '99 a=b\n' }]), 'pax header'],
  ['has a NUL in a pax name', tarBytes([{ name: 'x', flag: 'x', content: paxRecord('path', 'a\0b') }]), 'NUL'],
])('a stream that %s is refused and leaves nothing', async (_, bytes, text) => {
  await expect(unpack(inPieces(bytes, 4096))).rejects.toMatchObject({
    code: 'LAGO_GUEST_STREAM',
    message: expect.stringContaining(text),
  })
  expect(await readdir(dir)).toEqual(['outside'])
})

test('with keepPartial, what came before a failure is there', async () => {
  const items = [
    { name: 'good', content: 'x' },
    { name: '/bad', content: 'x' },
  ]
  await expect(unpack(tarStream(items), { keepPartial: true })).rejects.toMatchObject({ code: 'LAGO_GUEST_HOSTILE' })
  expect(await readdir(target)).toEqual(['good'])
  await expectNothingOutside()
})

test('with keepPartial, a device is left out with a warning, and the rest arrives', async () => {
  const items = [
    { name: 'sda', flag: '4' },
    { name: 'null', flag: '3' },
    { name: 'good', content: 'x' },
  ]
  const messages = await unpack(tarStream(items), { keepPartial: true })
  expect(messages).toEqual([
    'logs of vm0: left out "sda": it is a device node',
    'logs of vm0: left out "null": it is a device node',
  ])
  expect(await readdir(target)).toEqual(['good'])
})

test.each([
  ['a file', (name: string) => ({ name: 'x', flag: 'L', content: `${name}\0` })],
  ['a link to', (name: string) => ({ name: 'x', flag: 'K', content: `${name}\0` })],
])('of %s of 40,000 characters an error tells the beginning', async (_, long) => {
  const items = [long('n'.repeat(40_000)), { name: 'l', flag: '2', link: 'x' }]
  const error: unknown = await unpack(tarStream(items)).catch((e: unknown) => e)
  expect(error).toMatchObject({ code: 'LAGO_FILE', message: expect.stringContaining('the name is too long') })
  const { message, hint, data } = error as LagoError
  expect(JSON.stringify([message, hint, data]).length).toBeLessThan(1500)
})

test('what confirm throws keeps everything away from the target', async () => {
  const confirm = async (): Promise<void> => Promise.reject(new Error('tar failed'))
  await expect(unpack(tarStream([{ name: 'a' }]), { confirm })).rejects.toThrow('tar failed')
  expect(await readdir(dir)).toEqual(['outside'])
})

test('the abort ends it with its reason, and nothing is left', async () => {
  const { task, abort } = recordedTask()
  const stream = new PassThrough()
  stream.write(Buffer.concat(itemBytes({ name: 'a', content: 'x', size: 5000 })))
  const unpacking = unpackFromGuest(task, stream, target, { what: 'x' })
  stream.once('drain', () => undefined)
  abort(new Error('enough'))
  await expect(unpacking).rejects.toThrow('enough')
  expect(await readdir(dir)).toEqual(['outside'])
})

test('a missing parent is named', async () => {
  target = path.join(dir, 'missing', 'target')
  await expect(unpack(tarStream([{ name: 'a' }]))).rejects.toMatchObject({ code: 'LAGO_FILE' })
})
