import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'
import { openRegister, type Register, type RegisterEntry } from '../../../src/register/register.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const UUID = 'a'.repeat(32)

async function setUp(): Promise<{
  dir: string
  register: Register
  environment(name: string): Promise<RegisterEntry>
}> {
  const root = await makeTempDir()
  const dir = path.join(root, 'leases', 'environments')
  return {
    dir,
    register: openRegister(dir),
    async environment(name) {
      const place = path.join(root, name)
      await mkdir(place)
      await writeFile(path.join(place, 'uuid'), UUID)
      return { uuid: UUID, dir: place }
    },
  }
}

test('what is noted is listed until it is forgotten', async () => {
  const { register, environment } = await setUp()
  const [a, b] = [await environment('a'), await environment('b')] // a copy: the same uuid elsewhere
  expect(await register.list()).toEqual([])
  for (const entry of [a, b, b]) await register.note(entry)
  expect((await register.list()).map(({ dir }) => path.basename(dir)).sort()).toEqual(['a', 'b'])
  expect(await register.find(UUID)).toHaveLength(2)
  await register.forget(a)
  await register.forget(a)
  expect(await register.find(UUID)).toEqual([b])
  expect(await register.list()).toEqual([b])
})

test('the users of a group write beside each other, and nobody else does', async () => {
  const { dir, register, environment } = await setUp()
  await register.note(await environment('a'))
  for (const made of [dir, path.dirname(dir)]) expect((await stat(made)).mode & 0o7777).toBe(0o775)
})

test.each([
  ['is gone', async (dir: string) => rm(dir, { recursive: true })],
  ['is another’s now', async (dir: string) => writeFile(path.join(dir, 'uuid'), 'b'.repeat(32))],
])('an entry whose directory %s is stale, and reclaimed', async (_, spoil) => {
  const { dir, register, environment } = await setUp()
  const [a, b] = [await environment('a'), await environment('b')]
  for (const entry of [a, b]) await register.note(entry)
  await spoil(a.dir)
  await writeFile(path.join(dir, '.x.json.1.1.tmp'), '')
  await utimes(path.join(dir, '.x.json.1.1.tmp'), 1000, 1000) // of a run that was killed
  expect(await register.listStale()).toEqual([a])
  await register.reclaim()
  expect(await register.list()).toEqual([b])
  expect(await readdir(dir)).toHaveLength(1)
})

test.each(['', JSON.stringify({ uuid: UUID, dir: '/nowhere' })])(
  'what another process is just writing is no entry yet, and stays: %j',
  async (content) => {
    const { dir, register } = await setUp()
    await mkdir(dir, { recursive: true })
    await writeFile(path.join(dir, `.${UUID}-x.json.1.1.tmp`), content)
    expect(await register.list()).toEqual([])
    expect(await register.listStale()).toEqual([])
    await register.reclaim()
    expect(await readdir(dir)).toHaveLength(1)
  },
)

test('a pipe keeps nobody waiting, and goes with all that is no entry', async () => {
  const { dir, register, environment } = await setUp()
  const entry = await environment('a')
  await register.note(entry)
  await promisify(execFile)('mkfifo', [path.join(dir, 'pipe.json')])
  await mkdir(path.join(dir, 'dir.json'))
  await symlink('/dev/zero', path.join(dir, 'link.json'))
  expect(await register.list()).toEqual([entry])
  await register.reclaim()
  expect(await readdir(dir)).toHaveLength(1)
})

test('what was in a directory before an environment is forgotten with it', async () => {
  const { register, environment } = await setUp()
  const entry = await environment('a')
  await register.note({ uuid: 'b'.repeat(32), dir: entry.dir })
  await register.note(entry)
  await register.forgetFormer(entry)
  expect(await register.list()).toEqual([entry])
})

test.each(['', '[]', '{"uuid": "a"}', '{"uuid": "a", "dir": "relative"}', '{"uuid": "a", "dir": "/a\\u0000b"}'])(
  'a file with %j is no entry',
  async (content) => {
    const { dir, register } = await setUp()
    await mkdir(dir, { recursive: true })
    await writeFile(path.join(dir, 'x.json'), content)
    expect(await register.list()).toEqual([])
  },
)

test('nothing is made by looking', async () => {
  const { dir, register } = await setUp()
  await register.list()
  await register.reclaim()
  expect(existsSync(dir)).toBe(false)
})
