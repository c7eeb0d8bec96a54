import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { fileProblem } from '../../../src/prefix/named-files.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

test('a file that is there is no problem, whatever its name', async () => {
  const dir = await makeTempDir()
  await mkdir(path.join(dir, '@SUITE@'))
  await writeFile(path.join(dir, '@SUITE@', 'setup.sh'), '')
  expect(await fileProblem(path.join(dir, '@SUITE@', 'setup.sh'))).toBeUndefined()
  expect(await fileProblem(dir)).toBe(`${dir} is a directory, not a file`)
})

test.each([
  ['/nowhere/setup.sh', 'there is no file /nowhere/setup.sh'],
  ['/nowhere/$SUITE/setup.sh', 'there is no file /nowhere/$SUITE/setup.sh; $SUITE is not set'],
  [
    '/nowhere/@SUITE@/setup.sh',
    'there is no file /nowhere/@SUITE@/setup.sh; @SUITE@ was not replaced by what it stands for',
  ],
])('of %s it is told what is left in it', async (filePath, problem) => {
  expect(await fileProblem(filePath)).toBe(problem)
})
