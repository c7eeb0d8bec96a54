import { chmod, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { PluginSetting } from '../../../src/config/types.js'
import { loadModules } from '../../../src/plugin/load.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

const named = (name: string, fromDir: string): PluginSetting => ({ name, fromDir, origin: 'file:/etc/lago/lago.conf' })

async function write(dir: string, name: string, text: string): Promise<string> {
  const filePath = path.join(dir, name)
  await mkdir(path.dirname(filePath), { recursive: true })
  await writeFile(filePath, text)
  return filePath
}

async function exportsOf(settings: readonly PluginSetting[]): Promise<unknown[]> {
  return (await loadModules(settings)).map(({ exported }) => exported)
}

test('a plugin is a file by its path, or a package beside what names it', async () => {
  const dir = await makeTempDir()
  await write(dir, 'a.mjs', "export default { name: 'a' }")
  const absolute = await write(dir, 'b.cjs', "module.exports = { name: 'b' }")
  await write(dir, 'node_modules/c/package.json', '{"name": "c", "type": "module", "exports": "./main.js"}')
  await write(dir, 'node_modules/c/main.js', "export default { name: 'c' }")
  const found = await exportsOf([named('./a.mjs', dir), named(absolute, '/'), named('c', path.join(dir, 'below'))])
  expect(found).toEqual([{ name: 'a' }, { name: 'b' }, { name: 'c' }])
})

describe('one that cannot be loaded is one error with its name, where that stands, and the cause', () => {
  test.each([
    ['a file that is not there', './none.mjs', undefined, /no such file/],
    ['a package that is not there', 'lago-no-such-plugin', undefined, /Cannot find module 'lago-no-such-plugin'/],
    ['one that throws', './p.mjs', "throw new Error('no luck\\nat all')", /cannot be loaded: no luck$/],
    ['one that throws what is no error', './p.mjs', "throw 'no luck'", /cannot be loaded: no luck$/],
    ['one that is not JavaScript', './p.mjs', 'export default {', /cannot be loaded: \S+/],
    ['a directory', './', undefined, /cannot be loaded: \S+/],
  ])('%s', async (_, name, text, cause) => {
    const dir = await makeTempDir()
    if (text !== undefined) await write(dir, 'p.mjs', text)
    await expect(loadModules([named(name, dir)])).rejects.toMatchObject({
      code: 'LAGO_PLUGIN_LOAD',
      message: expect.stringMatching(new RegExp(`^plugin ${name} \\(file:/etc/lago/lago.conf\\) .*${cause.source}`)),
      hint: expect.stringContaining('lago --no-plugins'),
    })
  })
})

test('one that waits at its top level for ever is told, and does not end the program without a word', async () => {
  const dir = await makeTempDir()
  await write(dir, 'p.mjs', 'await new Promise(() => undefined)')
  await expect(loadModules([named('./p.mjs', dir)], { limitMs: 20 })).rejects.toMatchObject({
    code: 'LAGO_PLUGIN_LOAD',
    message: expect.stringContaining('it did not load within 0.02 s'),
  })
})

describe('code that everybody may write is not run', () => {
  const FATAL = 'globalThis.lagoTestRan = true\nexport default {}'

  test.each([
    ['the file', 'p.mjs', 0o666],
    ['its directory', '.', 0o777],
  ])('%s', async (_, open, mode) => {
    const dir = await makeTempDir()
    await write(dir, 'p.mjs', FATAL)
    await chmod(path.join(dir, open), mode)
    await expect(loadModules([named('./p.mjs', dir)])).rejects.toMatchObject({
      code: 'LAGO_PLUGIN_LOAD',
      message: expect.stringContaining(`everybody may write ${path.join(dir, open)}`),
      hint: `chmod o-w ${path.join(dir, open)}`,
    })
    expect('lagoTestRan' in globalThis).toBe(false)
  })

  test('but a directory like /tmp, where nobody can replace what is another’s, is fine', async () => {
    const dir = await makeTempDir()
    await write(dir, 'p.mjs', 'export default 1')
    await chmod(dir, 0o1777)
    expect(await exportsOf([named('./p.mjs', dir)])).toEqual([1])
  })
})
