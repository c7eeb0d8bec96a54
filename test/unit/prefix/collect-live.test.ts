/** Against a real ssh server on this host: what its user's shell, tar and readlink do is what a guest's do. */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { quoteWord } from '../../../src/guest/quote.js'
import { openSshGuest } from '../../../src/guest/ssh-guest.js'
import { runScript } from '../../../src/guest/script.js'
import { batchesOf, collectLive } from '../../../src/prefix/collect-live.js'
import { collectNames } from '../../../src/prefix/collect-names.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { startSshd, type Sshd } from '../../helpers/sshd.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const NAMES = ['a b', '-dash', `q'uo"te`, 'new\nline', 'gl*b[1]', '$(touch owned)', 'back\\slash', '.hidden', 'ünï']
let sshd: Sshd
let tree: string

beforeAll(async () => {
  sshd = await startSshd()
  tree = await mkdtemp(path.join(os.tmpdir(), 'lago-artifacts-'))
  for (const name of NAMES) await writeFile(path.join(tree, name), name)
  await mkdir(path.join(tree, 'dir/sub'), { recursive: true })
  await writeFile(path.join(tree, 'dir/sub/file'), 'deep')
  await symlink('dir', path.join(tree, 'to-dir'))
  await symlink('nowhere', path.join(tree, 'dangling'))
})

afterAll(async () => {
  await sshd.stop()
  for (const dir of [sshd.dir, tree]) await rm(dir, { recursive: true, force: true })
})

async function collected(patterns: readonly string[]): Promise<{ missing: readonly string[]; out: string }> {
  const { task } = recordedTask()
  const out = path.join(await tempDir(), 'vm0')
  await using guest = openSshGuest(sshd.target)
  const missing = await collectLive(task, guest, patterns, out)
  return { missing, out }
}

const local = (below: string): string => `${tree}/${below}`.replaceAll('/', '_')

test('names with any characters come under their own names, each by itself and by a pattern', async () => {
  const each = await collected(NAMES.map((name) => `${tree}/${name}`))
  expect(each.missing).toEqual([])
  for (const name of NAMES) expect(await readFile(path.join(each.out, local(name)), 'utf8')).toBe(name)
  const all = await collected([`${tree}/*`])
  const visible = [...NAMES.filter((name) => !name.startsWith('.')), 'dir', 'to-dir']
  expect((await readdir(all.out)).sort()).toEqual(visible.map(local).sort())
  expect(await readdir(tree)).not.toContain('owned')
})

test("patterns are the shell's, with other signs in them quoted", async () => {
  const { out, missing } = await collected([
    `${tree}/a[ x]b`,
    `${tree}/q'*"*`,
    `${tree}/.h*`,
    `${tree}/[!a-z]dash`,
    `${tree}/no*`,
  ])
  expect((await readdir(out)).sort()).toEqual([local('a b'), local(`q'uo"te`), local('.hidden'), local('-dash')].sort())
  expect(missing).toEqual([`${tree}/no*`])
})

test('a directory, one below it and a link to it come side by side; what is not there is told', async () => {
  const { out, missing } = await collected([
    `${tree}/dir`,
    `${tree}/dir/sub`,
    `${tree}/to-dir/`,
    `${tree}/dangling`,
    '/nowhere',
  ])
  expect(missing).toEqual([`${tree}/dangling`, '/nowhere'])
  for (const place of [`${local('dir')}/sub`, local('dir/sub'), `${local('to-dir')}/sub`])
    expect(await readFile(path.join(out, place, 'file'), 'utf8')).toBe('deep')
})

test('one stream takes what does not overlap', () => {
  const found = ['/a', '/b', '/a/c', '/ab', '/b'].map((realPath, index) => ({ path: `/p${index}`, realPath }))
  expect(batchesOf(found).map((batch) => [...batch.keys()])).toEqual([
    ['a', 'ab', 'b'],
    ['a/c', 'b'],
  ])
  expect(
    batchesOf([
      { path: '/', realPath: '/' },
      { path: '/a', realPath: '/a' },
    ]),
  ).toHaveLength(2)
})

test('no batch has two paths of which one is the other or is above it, and none is too long for a command', () => {
  const long = (name: string): string => `/${name.repeat(200)}`
  const words = ['', '/a', '/a/b', '/a-b', '/a/b/c', '/a.b', '/a', '/a/b/', '/b', long("'"), long('ü')]
  const many = Array.from({ length: 2000 }, (_, index) => `/dir/${"'".repeat(50)}${index}`)
  const found = [...words, ...many].map((realPath, index) => ({ path: `${index}`, realPath }))
  const batches = batchesOf(found).map((batch) => [...batch])
  expect(batches.flat().map(([, path]) => path).sort()).toEqual(found.map(({ path }) => path).sort()) // prettier-ignore
  for (const keys of batches.map((batch) => batch.map(([key]) => key))) {
    expect(Buffer.byteLength(keys.map(quoteWord).join(' '))).toBeLessThan(64 * 1024)
    const below = (key: string): boolean => keys.some((other) => other !== key && (other === '' || key.startsWith(`${other}/`))) // prettier-ignore
    expect(keys.filter(below)).toEqual([])
  }
  expect(batches).toHaveLength(5 + 7) // six deep, and one of these is 430 KB long
})

test('a great many files are put in batches and named at once, and too many are refused', async () => {
  const found = Array.from({ length: 100_000 }, (_, index) => ({
    path: `/l/${index}`,
    realPath: `/logs/file-${index}`,
  }))
  expect(batchesOf(found).reduce((sum, batch) => sum + batch.size, 0)).toBe(found.length)
  const oneName = Array.from({ length: 2 ** 16 }, (_, bits) =>
    Array.from({ length: 16 }, (_, bit) => ((bits >> bit) & 1 ? '/a' : '_a')).join(''),
  )
  expect(new Set(collectNames(oneName).values()).size).toBe(oneName.length)
  const { task } = recordedTask()
  await using guest = openSshGuest(sshd.target)
  const stdout = Array.from({ length: 100_001 }, (_, index) => `0\0/l/${index}\0/l/${index}\0`).join('')
  const flooding = { ...guest, vm: 'vm0', run: async () => ({ exitCode: 0, stdout, stderr: '' }) }
  await expect(collectLive(task, flooding, ['/l/*'], path.join(await tempDir(), 'vm0'))).rejects.toMatchObject({
    code: 'LAGO_GUEST_OUTPUT',
    message: 'the artifacts of vm0 are 100001 files, more than 100000',
  })
})

test('local names never lead elsewhere, and each path has one of its own', () => {
  const names = collectNames(['/var/log', '/var_log', '/var/log/', '..', '.', '/', 'a/../b'])
  expect([...names.values()]).toEqual(['_var_log', '_var_log.2', '_var_log.3', '_..', '_.', '_', 'a_.._b'])
})

test('a guest without a usable tar is told from a lost connection', async () => {
  const { task } = recordedTask()
  await using guest = openSshGuest(sshd.target)
  const without = { ...guest, vm: 'vm0', run: guest.run.bind(guest), start: () => guest.start(task, 'exit 127') }
  const collecting = collectLive(task, without, [`${tree}/dir`], path.join(await tempDir(), 'vm0'))
  await expect(collecting).rejects.toMatchObject({ code: 'LAGO_GUEST_COMMAND' })
  const mute = { ...without, run: async () => ({ exitCode: 2, stdout: '', stderr: 'no such shell' }) }
  const looking = collectLive(task, mute, ['/a'], path.join(await tempDir(), 'vm0'))
  await expect(looking).rejects.toMatchObject({
    code: 'LAGO_GUEST_COMMAND',
    message: expect.stringContaining('no such shell'),
  })
})

test('a script is run by bash with its lines as they come, made harmless, and the last of them kept', async () => {
  const { task } = recordedTask()
  await using guest = openSshGuest(sshd.target)
  const lines: string[] = []
  const script = `echo "$0 \${BASH_VERSION:+bash}"; printf 'half'; printf ' line\\n'; printf '\\033]0;owned\\007a\\rb\\n'; for i in $(seq 30); do echo $i; done; printf end; exit 7`
  const result = await runScript(task, guest, Buffer.from(script), (line) => lines.push(line))
  expect(result.exitCode).toBe(7)
  expect(lines.slice(0, 4)).toEqual(['bash bash', 'half line', 'a', 'b'])
  expect(result.lastLines).toHaveLength(20)
  expect(result.lastLines.at(-1)).toBe('end')
})
