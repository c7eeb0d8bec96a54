import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { INIT_SETTINGS, LAGO_SETTINGS } from '../../../src/config/defaults.js'
import { generateConfig, type GenerateOptions } from '../../../src/config/generate.js'
import { loadConfig } from '../../../src/config/load.js'
import type { Config } from '../../../src/config/types.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()

const OPTIONS: GenerateOptions = {
  sections: [
    { name: 'lago', settings: LAGO_SETTINGS },
    { name: 'init', settings: [...INIT_SETTINGS, { key: 'skip_build', help: "do not run the disks' build steps" }] },
    { name: 'stop', settings: [] },
    { name: 'deploy', settings: [{ key: 'vm_names', help: 'VMs' }] },
  ],
  now: new Date(2026, 10, 2, 3, 4, 5),
  verbose: false,
}

interface Given {
  readonly file?: string
  readonly env?: Readonly<Record<string, string>>
  readonly flags?: ReadonlyMap<string, ReadonlyMap<string, string>>
}

async function load({ file, env = {}, flags = new Map() }: Given = {}): Promise<Config> {
  const homeDir = await tempDir()
  await mkdir(path.join(homeDir, '.config/lago'), { recursive: true })
  if (file !== undefined) await writeFile(path.join(homeDir, '.config/lago/lago.conf'), file)
  return loadConfig({ env, homeDir, cwd: '/w', flags, etcDir: path.join(homeDir, 'etc') }).config
}

test('the first line, the sections, and help texts of at most 70 columns', async () => {
  const text = generateConfig(await load(), OPTIONS)
  expect(text.split('\n')[0]).toBe('# Lago configuration file, generated: Mon Nov  2 03:04:05 2026')
  expect(text).toContain('\n[lago]\n\n# least important messages to show on the console\nloglevel = info\n')
  expect(text).toContain('\n[init]\n\n# directory that caches templates\ntemplate_store = /var/lib/lago/store\n')
  expect(text).not.toContain('[stop]')
  expect(text).not.toContain('libvirt_user')
  for (const line of text.split('\n').filter((line) => line.startsWith('# '))) expect(line.length).toBeLessThan(73)
  expect(text.endsWith('\n')).toBe(true)
})

test('verbose adds what is not set, and where values came from', async () => {
  const file = '[deploy]\nvm_names = a b\n'
  const config = await load({ file, env: { LAGO_SSH_USER: 'me', LAGO__INIT__SKIP_BUILD: 'yes' } })
  const text = generateConfig(config, { ...OPTIONS, verbose: true })
  expect(text).toContain('# user for ssh to the guests\n# from: env:LAGO_SSH_USER\nssh_user = me\n')
  expect(text).toContain('# from: env:LAGO__INIT__SKIP_BUILD\nskip_build = yes\n')
  expect(text).toMatch(/# VMs\n# from: file:.*lago.conf\nvm_names = a b\n/)
  expect(text).toContain('# user for the libvirt connection\n#libvirt_user = None\n')
  expect(text).toContain('# from: default\nloglevel = info\n')
})

test('what the running verb was told on the command line is not a setting, what the program was told is', async () => {
  const flags = new Map([
    ['lago', new Map([['ssh_user', 'me']])],
    ['deploy', new Map([['vm_names', 'a']])],
  ])
  const text = generateConfig(await load({ flags }), OPTIONS)
  expect(text).toContain('ssh_user = me')
  expect(text).not.toContain('[deploy]')
})

test('passwords stand in it as they are', async () => {
  expect(generateConfig(await load({ env: { LAGO_SSH_PASSWORD: 's e#cr;et' } }), OPTIONS)).toContain(
    'ssh_password = s e#cr;et\n',
  )
})

test('keys of [lago] that nobody knows are left out, sections of plugins are kept', async () => {
  const file = '[lago]\nssh_usr = x\n[my plugin]\nkey = value\n  and more\n'
  const text = generateConfig(await load({ file }), OPTIONS)
  expect(text).not.toContain('ssh_usr')
  expect(text).toContain('\n[my plugin]\n\nkey = value\n    and more\n')
})

describe('read back', () => {
  const effect = (config: Config): object => ({
    ...config,
    ...Object.fromEntries(['lago', 'init', 'deploy', 'x y'].map((name) => [`[${name}]`, config.section(name)])),
    section: undefined,
    originOf: undefined,
    sectionNames: undefined,
  })

  test('it has the same effect and gives the same text, verbose or not', async () => {
    const value = fc
      .stringMatching(/^[^\r\n\0]{1,12}(\n[^\r\n\0]{1,12}){0,2}$/)
      .map((text) =>
        text
          .split('\n')
          .map((line) => line.trim().replace(/^[#;]+/, ''))
          .filter((line) => line !== '')
          .join('\n'),
      )
      .filter((text) => text !== '' && text === text.trim() && text.split('\n').every((line) => line.trim() === line))
      .filter((text) => text.split('\n').every((line) => !/^[#;]|^\s*$/.test(line)))
    const key = fc.constantFrom(
      'ssh_user',
      'ssh_password',
      'libvirt_url',
      'default_root_password',
      'template_repo_name',
    )
    await fc.assert(
      fc.asyncProperty(fc.dictionary(key, value), fc.dictionary(key, value), fc.boolean(), async (a, b, verbose) => {
        const { template_repo_name: repo, ...lago } = a
        const env = Object.fromEntries([
          ...Object.entries(lago).map(([key, text]) => [`LAGO_${key.toUpperCase()}`, text]),
          ...Object.entries(b).map(([key, text]) => [`LAGO__X Y__${key.toUpperCase()}`, text]),
          ...(repo === undefined ? [] : [['LAGO__INIT__TEMPLATE_REPO_NAME', repo]]),
        ]) as Record<string, string>
        const config = await load({ env })
        const text = generateConfig(config, { ...OPTIONS, verbose })
        const again = await load({ file: text })
        expect(effect(again)).toEqual(effect(config))
        if (!verbose) expect(generateConfig(again, OPTIONS)).toBe(text)
      }),
      { numRuns: 60 },
    )
  })

  test.each([
    ' leading',
    'trailing ',
    'an\n\nempty line',
    'a\n#comment',
    'a\n; comment',
    'a\n  deep',
    '\nfirst',
    'a\rb',
  ])('%j cannot be written, and is not told: it may be a password', async (text) => {
    const config = await load({ env: { LAGO_SSH_PASSWORD: text } })
    expect(() => generateConfig(config, OPTIONS)).toThrow(
      expect.objectContaining({
        code: 'LAGO_USAGE',
        message: 'the value of ssh_password in [lago] cannot be written in a configuration file',
      }),
    )
  })

  test.each(['LAGO__A]B__KEY', 'LAGO__PLUGIN__A:B', 'LAGO__PLUGIN__#A', 'LAGO__PLUGIN__[A'])(
    'a name like that of %s is refused',
    async (name) => {
      const config = await load({ env: { [name]: 'x' } })
      expect(() => generateConfig(config, OPTIONS)).toThrow(expect.objectContaining({ code: 'LAGO_USAGE' }))
    },
  )
})
