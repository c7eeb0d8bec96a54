import { mkdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { entriesBelow } from '../../../src/base/entries-below.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

test('links are entries that nobody follows, whether they lead out or in circles', async () => {
  const [dir, outside] = [await makeTempDir(), await makeTempDir()]
  await mkdir(path.join(dir, 'a/b'), { recursive: true })
  for (const file of [path.join(dir, 'a/b/file'), path.join(outside, 'other')]) await writeFile(file, '')
  await symlink(outside, path.join(dir, 'a/out'))
  await symlink('..', path.join(dir, 'a/up'))
  const found = await entriesBelow(dir)
  expect(found.map(({ parentPath, name }) => path.relative(dir, path.join(parentPath, name))).sort()).toEqual(
    ['a', 'a/b', 'a/b/file', 'a/out', 'a/up'], // and nothing behind the links
  )
  expect(
    found
      .filter((entry) => entry.isSymbolicLink())
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['out', 'up'])
})

test('a directory that is not there is an error', async () => {
  await expect(entriesBelow('/no/such/directory')).rejects.toMatchObject({ code: 'ENOENT' })
})
