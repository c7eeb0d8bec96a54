/**
 * Builds the Config: the only place that knows how defaults, files, environment and command line go together (spec 1.7).
 * Reads at most a handful of small files, synchronously, because it stands at the start of every run.
 */
import path from 'node:path'
import { LagoError } from '../base/errors.js'
import { ACCELS, ERAS, INIT_SETTINGS, LAGO_SETTINGS, LEVELS, type Setting } from './defaults.js'
import { layerSettings, type FlagValues, type LayeredValue } from './layers.js'
import { pluginSettings } from './plugins.js'
import type { Config } from './types.js'
import { BOOLEAN_WORDS, parseBoolean, parsePrivateRange, parseWholeNumber, PRIVATE_RANGE_WORDS } from './values.js'

export interface ConfigSources {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly homeDir: string
  /** What relative paths are relative to, wherever they are written. */
  readonly cwd: string
  readonly flags: FlagValues
  /** Default `/etc`. */
  readonly etcDir?: string
}

export interface LoadedConfig {
  /** Frozen. */
  readonly config: Config
  /** Empty when `ignore_warnings` is on. */
  readonly warnings: readonly string[]
}

/**
 * Throws `LAGO_USAGE` for a file that cannot be parsed and for a value that is not allowed, naming the key, the value,
 * its origin and what is allowed. Unknown keys of `[lago]` are warnings.
 */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const warnings: string[] = []
  const layers = layerSettings(sources, (message) => warnings.push(message))
  const values = (section: string): ReadonlyMap<string, LayeredValue> => layers.get(section) ?? new Map()
  const lago = readSettings(LAGO_SETTINGS, values('lago'), sources.cwd)
  const init = readSettings(INIT_SETTINGS, values('init'), sources.cwd)
  const config: Config = {
    libvirt: {
      url: lago.text('libvirt_url'),
      user: lago.findText('libvirt_user'),
      password: lago.findText('libvirt_password'),
    },
    ssh: {
      user: lago.text('ssh_user'),
      password: lago.text('ssh_password'),
      tries: lago.number('ssh_tries'),
      timeoutMs: lago.number('ssh_timeout') * 1000,
    },
    store: {
      dir: init.text('template_store'),
      repoPath: init.findText('template_repo_path'),
      repoName: init.findText('template_repo_name'),
      reposDir: init.text('template_repos'),
      imageDirs: dirsIn(init.findText('image_dirs'), sources.cwd),
      offline: init.flag('offline'),
    },
    leaseDir: lago.text('lease_dir'),
    vm: {
      defaultType: lago.text('default_vm_type'),
      defaultProvider: lago.text('default_vm_provider'),
      defaultRootPassword: lago.findText('default_root_password'),
      accel: lago.choice('accel', ACCELS),
      jobs: lago.findNumber('jobs'),
      probeKernelPath: lago.findText('probe_kernel'),
    },
    net: { stp: lago.flag('stp'), subnetRange: lago.text('subnet_range') },
    log: { level: lago.choice('loglevel', LEVELS), depth: lago.number('logdepth') },
    place: {
      prefixPath: lago.findText('prefix_path'),
      workdirPath: lago.findText('workdir_path'),
      prefixName: lago.text('prefix_name'),
    },
    era: lago.choice('era', ERAS),
    outFormat: lago.text('out_format'),
    plugins: lago.flag('no_plugins') ? [] : pluginSettings(values('lago').get('plugins'), sources.cwd),
    section: (name) => Object.fromEntries([...values(name)].map(([key, { text }]) => [key, text])),
    sectionNames: () => [...layers.keys()],
    originOf: (key, section = 'lago') => values(section).get(key)?.origin ?? 'default',
  }
  return { config: freezeDeep(config), warnings: lago.flag('ignore_warnings') ? [] : warnings }
}

function dirsIn(text: string | undefined, cwd: string): readonly string[] {
  const dirs = text?.split(':').filter((dir) => dir !== '') ?? []
  return dirs.map((dir) => path.resolve(cwd, dir))
}

/** Typed access to one section; `text`, `number` and `choice` are for keys that have a default. */
interface SettingReader {
  findText(key: string): string | undefined
  text(key: string): string
  findNumber(key: string): number | undefined
  number(key: string): number
  flag(key: string): boolean
  choice<T extends string>(key: string, allowed: readonly T[]): T
}

function readSettings(
  settings: readonly Setting[],
  values: ReadonlyMap<string, LayeredValue>,
  cwd: string,
): SettingReader {
  const parsed = new Map<string, string | number | boolean>()
  for (const setting of settings) {
    const value = values.get(setting.key)
    if (value !== undefined) parsed.set(setting.key, parseSetting(setting, value, cwd))
  }
  const find = <T>(key: string, isRight: (value: unknown) => value is T): T | undefined => {
    const value = parsed.get(key)
    return isRight(value) ? value : undefined
  }
  const isText = (value: unknown): value is string => typeof value === 'string'
  const isNumber = (value: unknown): value is number => typeof value === 'number'
  return {
    findText: (key) => find(key, isText),
    text: (key) => given(key, find(key, isText)),
    findNumber: (key) => find(key, isNumber),
    number: (key) => given(key, find(key, isNumber)),
    flag: (key) => parsed.get(key) === true,
    choice: (key, allowed) =>
      given(
        key,
        allowed.find((word) => word === parsed.get(key)),
      ),
  }
}

function given<T>(key: string, value: T | undefined): T {
  if (value === undefined) throw new Error(`unreachable: ${key} has no default`)
  return value
}

function parseSetting(setting: Setting, value: LayeredValue, cwd: string): string | number | boolean {
  const { type, choices, min } = setting
  const { text } = value
  if (type === 'int') {
    const number = parseWholeNumber(text)
    if (number !== undefined && number >= (min ?? -Infinity)) return number
    throw badValue(setting, value, min === undefined ? 'a whole number' : `a whole number of at least ${min}`)
  }
  if (type === 'flag') {
    const flag = parseBoolean(text)
    if (flag !== undefined) return flag
    throw badValue(setting, value, `one of ${BOOLEAN_WORDS}`)
  }
  if (type === 'range' && parsePrivateRange(text) === undefined) throw badValue(setting, value, PRIVATE_RANGE_WORDS)
  if (choices !== undefined && !choices.includes(text)) throw badValue(setting, value, `one of ${choices.join(', ')}`)
  const isPath = type === 'path' || (type === 'url' && !/^[a-z][a-z0-9+.-]*:\/\//i.test(text))
  return isPath ? path.resolve(cwd, text) : text
}

function badValue({ key, option }: Setting, { text, origin }: LayeredValue, allowed: string): LagoError {
  const name = origin === 'flag' ? `--${option}` : `${key} (${origin})`
  return new LagoError('LAGO_USAGE', `bad value "${text}" for ${name}: expected ${allowed}`, {
    data: { key, value: text, origin, allowed },
  })
}

function freezeDeep<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) freezeDeep(part)
  return Object.freeze(value)
}
