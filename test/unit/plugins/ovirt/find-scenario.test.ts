import { mkdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, expect, test } from '@jest/globals'
import { findScenario } from '../../../../src/plugins/ovirt/find-scenario.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
let dir: string

beforeEach(async () => {
  dir = await makeTempDir()
  for (const file of ['here/001.py', 'here/below/001.py', 'a/test-scenarios/001.py', 'b/test-scenarios/002.py']) {
    await mkdir(path.dirname(path.join(dir, file)), { recursive: true })
    await writeFile(path.join(dir, file), '')
  }
  await mkdir(path.join(dir, 'a', 'test-scenarios', '002.py'))
  await mkdir(path.join(dir, 'empty'))
})

const found = async (
  file: string,
  cwd: string,
  ...suites: readonly (string | undefined)[]
): Promise<string | undefined> => {
  const suiteDirs = suites.map((suite) => suite && path.join(dir, suite))
  const filePath = await findScenario(file, { cwd: path.join(dir, cwd), suiteDirs })
  return filePath === undefined ? undefined : path.relative(dir, filePath)
}

test.each([
  ['001.py', 'here', ['a', 'b'], 'here/001.py'],
  ['below/001.py', 'here', ['a', 'b'], 'here/below/001.py'],
  ['001.py', 'empty', ['b', 'a'], 'a/test-scenarios/001.py'],
  ['002.py', 'here', ['a', 'b'], 'b/test-scenarios/002.py'], // a has a directory of that name
  ['002.py', 'here', ['', undefined, 'b'], 'b/test-scenarios/002.py'],
  ['./002.py', 'here', ['b'], undefined],
  ['test-scenarios/002.py', 'here', ['b'], undefined],
  ['003.py', 'here', ['a', 'b'], undefined],
  ['..', 'here', ['b'], undefined],
  ['', 'here', ['b'], undefined],
])('%j from %s with the suites %j is %s', async (file, cwd, suites, expected) => {
  expect(await found(file, cwd, ...suites)).toBe(expected)
})

test('a link to a scenario keeps its own name', async () => {
  await symlink('../a/test-scenarios/001.py', path.join(dir, 'empty', '005.py'))
  await symlink('empty', path.join(dir, 'link'))
  expect(await found('005.py', 'link')).toBe('empty/005.py')
})

test('what cannot be looked at is no missing file', async () => {
  await expect(found(`${'x'.repeat(300)}.py`, 'here')).rejects.toMatchObject({ code: 'ENAMETOOLONG' })
})
