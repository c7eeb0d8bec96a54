/** The codes of errors are part of what users rely on: each one that the program and its scripts can give is met in some test. */
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

async function textsBelow(dir: string): Promise<string> {
  const entries = await readdir(path.join(ROOT, dir), { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  const texts = await Promise.all(files.map(async (file) => readFile(path.join(file.parentPath, file.name), 'utf8')))
  return texts.join('\n')
}

test('every error code of the program and its scripts is met in a test', async () => {
  const codes = new Set(`${await textsBelow('src')}\n${await textsBelow('scripts')}`.match(/(?<=')LAGO_[A-Z_]+(?=')/g))
  const tests = await textsBelow('test')
  expect(codes.size).toBeGreaterThan(30)
  expect([...codes].filter((code) => !new RegExp(`\\b${code}\\b`).test(tests))).toEqual([])
})
