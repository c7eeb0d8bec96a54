import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, expect, test } from '@jest/globals'
import { loadConfig, type LoadedConfig } from '../../../src/config/load.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
let dir: string

beforeEach(async () => {
  dir = await makeTempDir()
  for (const name of ['home', 'etc/lago.d', 'etc/lago']) await mkdir(path.join(dir, name), { recursive: true })
})

function load(env: Readonly<Record<string, string>> = {}): LoadedConfig {
  const places = { homeDir: path.join(dir, 'home'), etcDir: path.join(dir, 'etc'), cwd: '/cwd' }
  return loadConfig({ env, flags: new Map(), ...places })
}

const write = async (name: string, ...lines: readonly string[]): Promise<void> =>
  writeFile(path.join(dir, name), ['[lago]', ...lines, ''].join('\n'))

test('the keys of 0.5 are read from its files, under the names that they have now', async () => {
  await write(
    'etc/lago.d/lago.conf',
    'log_level = debug',
    'template_store = /var/store',
    'template_repos = /var/repos',
    'template_default_repo = office',
    'default_root_password = 123456',
    'reposync_dir = /var/sync',
    'reposync_config = /etc/yum.repo',
  )
  const { config, warnings } = load()
  expect(warnings).toEqual([])
  expect(config.log.level).toBe('debug')
  expect(config.store).toMatchObject({ dir: '/var/store', reposDir: '/var/repos', repoName: 'office' })
  expect(config.vm.defaultRootPassword).toBe('123456')
  expect(config.section('lago')).toMatchObject({ reposync_dir: '/var/sync', reposync_config: '/etc/yum.repo' })
  expect(config.originOf('template_store', 'init')).toBe(`file:${dir}/etc/lago.d/lago.conf`)
})

test("the user's file wins over the host's, files of today over both, variables over all", async () => {
  const stores = (env?: Readonly<Record<string, string>>): string => load(env).config.store.dir
  await write('etc/lago.d/a.conf', 'template_store = /a')
  await write('etc/lago.d/b.conf', 'template_store = /b')
  await write('etc/lago.d/c.conf.rpmsave', 'template_store = /c')
  expect(stores()).toBe('/b')
  await write('home/.lago', 'template_store = /own')
  expect(stores()).toBe('/own')
  await writeFile(path.join(dir, 'etc/lago/lago.conf'), '[init]\ntemplate_store = /today\n')
  expect(stores()).toBe('/today')
  expect(stores({ LAGO_TEMPLATE_STORE: '/variable' })).toBe('/variable')
  expect(stores({ LAGO__INIT__TEMPLATE_STORE: '/new', LAGO_TEMPLATE_STORE: '/old' })).toBe('/new')
})

test('a workdir or the mark of a prefix in the home directory is no configuration', async () => {
  await writeFile(path.join(dir, 'home/.lago'), '')
  expect(load()).toMatchObject({ warnings: [], config: { log: { level: 'info' } } })
  dir = await makeTempDir()
  await mkdir(path.join(dir, 'home/.lago/default'), { recursive: true })
  expect(load().warnings).toEqual([])
})

test('a file that is no INI is named with its line', async () => {
  await writeFile(path.join(dir, 'home/.lago'), 'no section\n')
  expect(() => load()).toThrow(
    expect.objectContaining({ code: 'LAGO_USAGE', message: expect.stringContaining('.lago:1') }),
  )
})
