import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { cacheDirOf, configFilePaths } from '../../../src/config/files.js'
import { loadConfig, type LoadedConfig } from '../../../src/config/load.js'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'lago-config-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

interface Given {
  readonly env?: Record<string, string>
  /** Of `[lago]`. */
  readonly flags?: Record<string, string>
  readonly initFlags?: Record<string, string>
  /** Text of `/etc/lago/lago.conf`. */
  readonly etc?: string
}

function load({ env = {}, flags = {}, initFlags = {}, etc }: Given = {}): LoadedConfig {
  if (etc !== undefined) writeConf(path.join(dir, 'etc'), etc)
  const layers = new Map([
    ['lago', new Map(Object.entries(flags))],
    ['init', new Map(Object.entries(initFlags))],
  ])
  return loadConfig({ env, flags: layers, homeDir: path.join(dir, 'home'), etcDir: path.join(dir, 'etc'), cwd: '/cwd' })
}

function writeConf(configDir: string, text: string): string {
  mkdirSync(path.join(configDir, 'lago'), { recursive: true })
  const filePath = path.join(configDir, 'lago', 'lago.conf')
  writeFileSync(filePath, text)
  return filePath
}

describe('loadConfig', () => {
  test('gives the defaults of the specification when nothing is configured', () => {
    const { config, warnings } = load()
    expect(warnings).toEqual([])
    expect(JSON.parse(JSON.stringify(config))).toEqual({
      era: 'auto',
      libvirt: { url: 'qemu:///system' },
      ssh: { user: 'root', password: '123456', tries: 100, timeoutMs: 10_000 },
      store: { dir: '/var/lib/lago/store', reposDir: '/var/lib/lago/repos', imageDirs: [], offline: false },
      leaseDir: '/var/lib/lago/subnets',
      vm: { defaultType: 'default', defaultProvider: 'local-libvirt', accel: 'auto' },
      net: { stp: false, subnetRange: '192.168.200.0/24 - 192.168.255.0/24' },
      log: { level: 'info', depth: 3 },
      place: { prefixName: 'current' },
      outFormat: 'default',
      plugins: [],
    })
  })

  test('lets flags win over the environment, that over the user’s file, that over shared files', () => {
    const files = {
      etc: writeConf(
        path.join(dir, 'etc'),
        '[lago]\nssh_user = etc\nssh_tries = 1\nssh_timeout = 1\nlease_dir = /etc\nlogdepth = 1',
      ),
      far: writeConf(path.join(dir, 'far'), '[lago]\nssh_user = far\nssh_tries = 2\nssh_timeout = 2\nlease_dir = /far'),
      near: writeConf(path.join(dir, 'near'), '[lago]\nssh_user = near\nssh_tries = 3\nssh_timeout = 3'),
      own: writeConf(path.join(dir, 'home', '.config'), '[lago]\nssh_user = own\nssh_tries = 4'),
    }
    const env = {
      XDG_CONFIG_DIRS: `${dir}/near:relative:${dir}/far`,
      LAGO_SSH_USER: 'env',
      LAGO_LIBVIRT_URL: 'test:///default',
    }
    const { config } = load({ env, flags: { libvirt_url: 'test:///flag' } })
    expect(config.libvirt.url).toBe('test:///flag')
    expect(config.ssh).toEqual({ user: 'env', password: '123456', tries: 4, timeoutMs: 3000 })
    expect(config.leaseDir).toBe('/far')
    const origins = ['libvirt_url', 'ssh_user', 'ssh_tries', 'ssh_timeout', 'lease_dir', 'logdepth', 'accel'].map(
      (key) => config.originOf(key),
    )
    expect(origins).toEqual([
      'flag',
      'env:LAGO_SSH_USER',
      `file:${files.own}`,
      `file:${files.near}`,
      `file:${files.far}`,
      `file:${files.etc}`,
      'default',
    ])
  })

  test('gives effect to the options that upstream lost, under the names of their keys and of upstream’s code', () => {
    const flags = load({ flags: { libvirt_user: 'u', libvirt_password: 'p', default_root_password: 'r' } }).config
    expect([flags.libvirt.user, flags.libvirt.password, flags.vm.defaultRootPassword]).toEqual(['u', 'p', 'r'])
    const files = load({ etc: '[lago]\nlibvirt_username = u2\nroot_password = r2' })
    expect(files.warnings).toEqual([])
    expect([files.config.libvirt.user, files.config.vm.defaultRootPassword]).toEqual(['u2', 'r2'])
  })

  test('takes the template places from [init], its variables and its flags', () => {
    const etc = '[init]\ntemplate_repo_path = repo.json\ntemplate_store = /etc-store'
    expect(load({ etc }).config.store).toMatchObject({ repoPath: '/cwd/repo.json', dir: '/etc-store' })
    const env = { LAGO__INIT__TEMPLATE_STORE: '/env-store', LAGO__INIT__TEMPLATE_REPO_NAME: 'ci' }
    expect(load({ env }).config.store).toMatchObject({ dir: '/env-store', repoName: 'ci' })
    const initFlags = { template_store: 'mine', template_repo_path: 'http://host/repo.json' }
    expect(load({ env, initFlags }).config.store).toMatchObject({ dir: '/cwd/mine', repoPath: 'http://host/repo.json' })
  })

  test('makes paths absolute', () => {
    const flags = { workdir_path: 'w', prefix_path: '../p', lease_dir: 'l', probe_kernel: '/boot/k', events: 'e' }
    const { config } = load({ flags })
    expect(config.place).toEqual({ workdirPath: '/cwd/w', prefixPath: '/p', prefixName: 'current' })
    expect([config.leaseDir, config.vm.probeKernelPath]).toEqual(['/cwd/l', '/boot/k'])
  })

  const booleans: [string, boolean][] = [
    ...['true', 'yes', 'on', '1', 'True', 'YES'].map((word): [string, boolean] => [word, true]),
    ...['false', 'no', 'off', '0', 'False'].map((word): [string, boolean] => [word, false]),
  ]
  test.each(booleans)('reads the boolean %s as %s', (word, expected) => {
    expect(load({ env: { LAGO_STP: word } }).config.net.stp).toBe(expected)
  })

  test('hands out raw sections, and knows no key of a section that is not there', () => {
    const { config } = load({ etc: '[destroy]\nyes = true\n', env: { LAGO__DESTROY__ALL_PREFIXES: '0' } })
    expect(config.section('destroy')).toEqual({ yes: 'true', all_prefixes: '0' })
    expect(config.section('nothing')).toEqual({})
    expect(config.section('lago')).toMatchObject({ reposync_dir: '/var/lib/lago/reposync', loglevel: 'info' })
  })

  test('is frozen, in depth', () => {
    const { config } = load()
    expect(Object.isFrozen(config) && Object.isFrozen(config.ssh) && Object.isFrozen(config.vm)).toBe(true)
  })

  test('treats an empty value in a file as not given', () => {
    expect(load({ etc: '[lago]\nlease_dir =\nlogdepth =\n' }).config.log.depth).toBe(3)
  })
})

describe('loadConfig warns', () => {
  test('of unknown keys in files, with the nearest known one', () => {
    const { warnings } = load({ etc: '[lago]\nlogdept = 3\nzzz = 1\ntemplate_store = /s' })
    const origin = `(file:${dir}/etc/lago/lago.conf)`
    expect(warnings).toEqual([
      `unknown key "logdept" in [lago] ${origin}; did you mean "logdepth"?`,
      `unknown key "zzz" in [lago] ${origin}`,
      `unknown key "template_store" in [lago] ${origin}; it belongs to [init]`,
    ])
  })

  test('of unknown variables only when they look misspelt', () => {
    const { warnings } = load({ env: { LAGO_INITFILE_PATH: '/x', LAGO_LOGDEPT: '3' } })
    expect(warnings).toEqual(['unknown key "logdept" in [lago] (env:LAGO_LOGDEPT); did you mean "logdepth"?'])
  })

  test('not of --prefix-path: it is the one name of a prefix of era 0.x', () => {
    expect(load({ flags: { prefix_path: '/p' } }).warnings).toEqual([])
  })

  test('of nothing at all with ignore_warnings', () => {
    expect(load({ flags: { prefix_path: '/p', ignore_warnings: 'true' }, etc: '[lago]\nzzz = 1' }).warnings).toEqual([])
  })

  test('of a file that is there and cannot be read', () => {
    mkdirSync(path.join(dir, 'etc', 'lago', 'lago.conf'), { recursive: true })
    expect(load().warnings).toEqual([expect.stringContaining('configuration file not read: EISDIR')])
  })
})

describe('loadConfig refuses', () => {
  const cases: [string, Given, string][] = [
    [
      'a level that is none',
      { flags: { loglevel: 'loud' } },
      'bad value "loud" for --loglevel: expected one of info, debug, error, warning',
    ],
    [
      'a depth that is no number',
      { env: { LAGO_LOGDEPTH: 'x' } },
      'bad value "x" for logdepth (env:LAGO_LOGDEPTH): expected a whole number',
    ],
    [
      'a range of the internet',
      { flags: { subnet_range: '8.0.0.0/8' } },
      'bad value "8.0.0.0/8" for --subnet-range: expected a subnet, or the first and the last with a dash between, all of it private',
    ],
    ['no jobs', { flags: { jobs: '0' } }, 'bad value "0" for --jobs: expected a whole number of at least 1'],
    [
      'half a try',
      { flags: { ssh_tries: '1.5' } },
      'bad value "1.5" for --ssh-tries: expected a whole number of at least 1',
    ],
    [
      'an accelerator that is none',
      { env: { LAGO_ACCEL: 'hvf' } },
      'bad value "hvf" for accel (env:LAGO_ACCEL): expected one of auto, kvm, tcg',
    ],
    [
      'a boolean that is none',
      { env: { LAGO_STP: 'maybe' } },
      'bad value "maybe" for stp (env:LAGO_STP): expected one of true, false, yes, no, on, off, 1, 0',
    ],
  ]
  test.each(cases)('%s', (_name, given, message) => {
    expect(() => load(given)).toThrow(expect.objectContaining({ code: 'LAGO_USAGE', message }))
  })

  test('a file that cannot be parsed', () => {
    expect(() => load({ etc: 'oops' })).toThrow(
      expect.objectContaining({ code: 'LAGO_USAGE', message: expect.stringContaining('lago.conf:1:') }),
    )
  })
})

test('configuration files are sought where the XDG rules say, least important first', () => {
  expect(configFilePaths({ env: {}, homeDir: '/h' })).toEqual([
    '/etc/lago/lago.conf',
    '/etc/xdg/lago/lago.conf',
    '/h/.config/lago/lago.conf',
  ])
  expect(configFilePaths({ env: { XDG_CONFIG_DIRS: '/a:/b', XDG_CONFIG_HOME: '/c' }, homeDir: '/h' })).toEqual([
    '/etc/lago/lago.conf',
    '/b/lago/lago.conf',
    '/a/lago/lago.conf',
    '/c/lago/lago.conf',
  ])
})

test('the cache stands in the XDG cache directory', () => {
  expect(cacheDirOf({ env: {}, homeDir: '/h' })).toBe('/h/.cache/lago')
  expect(cacheDirOf({ env: { XDG_CACHE_HOME: '/c' }, homeDir: '/h' })).toBe('/c/lago')
})
