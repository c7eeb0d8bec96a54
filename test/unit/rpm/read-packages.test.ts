import { copyFile, open, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { readPackages, readWholePackages, type KnownPackages } from '../../../src/rpm/read-packages.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { buildRpm } from '../../helpers/rpms.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

/** One byte of the content is another one. */
async function flipByte(filePath: string, fromEnd: number): Promise<void> {
  const { size } = await stat(filePath)
  const file = await open(filePath, 'r+')
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, size - fromEnd)
  await file.write(Buffer.from([(byte[0] ?? 0) ^ 0xff]), 0, 1, size - fromEnd)
  await file.close()
}

test('name, epoch, version, release and architecture come from the package, whatever the file is called', async () => {
  const dir = await makeTempDir()
  const built = await buildRpm(dir, { name: 'vdsm', epoch: 3, version: '4.0~rc1', release: '2.el7', arch: 'ppc64le' })
  const source = await buildRpm(dir, { name: 'vdsm', version: '4', arch: 'src' })
  const oddNames = ['a[b]*? : digests OK.rpm', 'x:y.rpm', '%(exit 1)x.rpm', '%{_topdir}.rpm', '%%.rpm', '1%.rpm'].map(
    (odd) => path.join(dir, odd), // rpm expands macros in names of files
  )
  for (const odd of oddNames) await copyFile(built, odd)
  const { packages, broken } = await readPackages(recordedTask().task, [built, source, ...oddNames])
  expect(broken).toEqual([])
  const vdsm = { name: 'vdsm', epoch: 3, version: '4.0~rc1', release: '2.el7', arch: 'ppc64le' }
  expect(packages).toMatchObject([
    { path: built, ...vdsm },
    { path: source, name: 'vdsm', epoch: 0, version: '4', release: '1', arch: 'src' },
    ...oddNames.map((odd) => ({ path: odd, ...vdsm })),
  ])
  expect(packages[0]?.digest).toMatch(/^[0-9a-f]{32,}$/)
  expect(packages[2]?.digest).toBe(packages[0]?.digest)
  expect(packages[1]?.digest).not.toBe(packages[0]?.digest)
})

test('broken packages are named, with what is wrong; the others are read all the same', async () => {
  const dir = await makeTempDir()
  const good = await buildRpm(dir, { name: 'good', files: { '/usr/share/good': 'content' } })
  const at = async (name: string): Promise<string> => {
    await copyFile(good, path.join(dir, name))
    return path.join(dir, name)
  }
  const [cut, flipped, empty, text, lead] = await Promise.all(['c.rpm', 'f.rpm', 'e.rpm', 't.rpm', 'l.rpm'].map(at))
  await truncate(cut ?? '', 1500)
  await flipByte(flipped ?? '', 10)
  await writeFile(empty ?? '', '')
  await writeFile(text ?? '', `${good}\n`) // rpm would take it for a list
  await writeFile(lead ?? '', (await readFile(good)).subarray(0, 96))
  const all = [cut, good, flipped, empty, text, lead].map((file) => file ?? '')
  const { packages, broken } = await readPackages(recordedTask().task, all)
  expect(packages.map((file) => file.path)).toEqual([good])
  expect(Object.fromEntries(broken.map(({ path: file, problem }) => [path.basename(file), problem]))).toEqual({
    'c.rpm': expect.stringMatching(/./),
    'f.rpm': 'its digests do not match its content',
    'e.rpm': 'it is empty',
    't.rpm': 'it is not an RPM package',
    'l.rpm': expect.stringMatching(/./),
  })
  await expect(readWholePackages(recordedTask().task, all, { hint: 'fetch them again' })).rejects.toMatchObject({
    code: 'LAGO_RPM_BROKEN',
    message: expect.stringContaining(`5 packages are broken: ${empty} (it is empty)`),
    hint: 'fetch them again',
  })
})

test('what is known is not read again, until it is written to', async () => {
  const dir = await makeTempDir()
  const file = await buildRpm(dir, { name: 'a', files: { '/usr/share/a': 'content' } })
  const known: KnownPackages = new Map()
  const first = await readPackages(recordedTask().task, [file], known)
  const recorded = recordedTask()
  expect(await readPackages(recorded.task, [file], known)).toEqual(first)
  expect(recorded.messages('debug')).toEqual([])
  await flipByte(file, 10)
  expect((await readPackages(recordedTask().task, [file], known)).broken).toHaveLength(1)
})

test('a package that is not there is an error that names it', async () => {
  await expect(readPackages(recordedTask().task, ['/nonexistent/a.rpm'])).rejects.toMatchObject({
    code: 'ENOENT',
    path: '/nonexistent/a.rpm',
  })
})
