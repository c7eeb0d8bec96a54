import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { loadConfig } from '../../../src/config/load.js'
import { configuredPlugins } from '../../../src/config/plugins.js'
import type { PluginSetting } from '../../../src/config/types.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

async function plugins(
  etc: string,
  env: Record<string, string> = {},
): Promise<{ dir: string; found: PluginSetting[] }> {
  const etcDir = await makeTempDir()
  const dir = path.join(etcDir, 'lago')
  await mkdir(dir)
  await writeFile(path.join(dir, 'lago.conf'), etc)
  const places = { env, homeDir: '/nowhere', etcDir, cwd: '/cwd' }
  const found = configuredPlugins(places)
  expect(loadConfig({ ...places, flags: new Map() }).config.plugins).toEqual(found) // one truth
  return { dir, found }
}

test('a file’s plugins are sought from the file, one a line or between commas, each once', async () => {
  const { dir, found } = await plugins('[lago]\nplugins = a, ./b.js\n  @s/c,\n  a\n')
  const origin = `file:${path.join(dir, 'lago.conf')}`
  expect(found).toEqual(['a', './b.js', '@s/c'].map((name) => ({ name, fromDir: dir, origin })))
})

test('LAGO_PLUGINS stands in their place, sought from the current directory', async () => {
  const { found } = await plugins('[lago]\nplugins = a', { LAGO_PLUGINS: './mine.js' })
  expect(found).toEqual([{ name: './mine.js', fromDir: '/cwd', origin: 'env:LAGO_PLUGINS' }])
})

test.each([
  ['nothing configured', '', {}],
  ['an empty value', '[lago]\nplugins =', {}],
  ['no_plugins in a file', '[lago]\nplugins = a\nno_plugins = yes', {}],
  ['LAGO_NO_PLUGINS', '[lago]\nplugins = a', { LAGO_NO_PLUGINS: '1' }],
])('none: %s', async (_, etc, env) => {
  expect((await plugins(etc, env)).found).toEqual([])
})

test('--no-plugins leaves none in the configuration either', async () => {
  const flags = new Map([['lago', new Map([['no_plugins', 'true']])]])
  const places = { env: { LAGO_PLUGINS: 'a' }, homeDir: '/nowhere', etcDir: '/nowhere', cwd: '/cwd', flags }
  expect(loadConfig(places).config.plugins).toEqual([])
})
