import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { readInitFile } from '../../../src/spec/load.js'

// from build/test/unit/spec
const examplesDir = fileURLToPath(new URL('../../../../examples/', import.meta.url))
const below = async (dir: string): Promise<string[]> =>
  (await readdir(path.join(examplesDir, dir))).map((name) => path.join(dir, name))
const cloudImages = (await below('cloud-images')).filter((name) => name.endsWith('.yaml'))
const initFiles = [...(await below('init-files')), ...cloudImages]

test.each([...initFiles, 'quickstart/LagoInitFile'])('examples/%s has neither errors nor warnings', async (name) => {
  const { spec, warnings } = await readInitFile(path.join(examplesDir, name))
  expect(warnings).toEqual([])
  expect(spec.domains.size).toBeGreaterThan(0)
})

test.each(initFiles.filter((name) => name.endsWith('.yaml')))(
  'examples/%s names its schema for editors',
  async (name) => {
    const [line = ''] = (await readFile(path.join(examplesDir, name), 'utf8')).split('\n')
    const schemaPath = /^# yaml-language-server: \$schema=(\S+)$/.exec(line)?.[1] ?? ''
    await expect(readFile(path.resolve(examplesDir, path.dirname(name), schemaPath), 'utf8')).resolves.toContain(
      'LagoInitFile',
    )
  },
)
