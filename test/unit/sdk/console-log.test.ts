import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { readTail } from '../../../src/sdk/console-log.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

test('gives the end of what was printed, and nothing where nothing was', async () => {
  const file = path.join(await makeTempDir(), 'console')
  expect(await readTail(file)).toBe('')
  await writeFile(file, 'booting\nlogin: ')
  expect(await readTail(file)).toBe('booting\nlogin: ')
  expect(await readTail(file, 7)).toBe('login: ')
})
