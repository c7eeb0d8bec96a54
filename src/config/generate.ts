/** `lago generate-config`: the effective settings as a configuration file that has the same effect (spec 1.7). Pure. */
import { LagoError } from '../base/errors.js'
import type { Config } from './types.js'

/** What a section may hold, in the order in which it is written. */
export interface DocumentedSection {
  readonly name: string
  readonly settings: readonly DocumentedSetting[]
}

export interface DocumentedSetting {
  readonly key: string
  readonly help: string
}

export interface GenerateOptions {
  readonly sections: readonly DocumentedSection[]
  readonly now: Date
  /** Adds the settings without a value, as comments, and where each value came from. */
  readonly verbose: boolean
}

/**
 * The text of the file, with a final line end. Passwords stand in it like everything else: without them it would not
 * have the same effect. Sections that `sections` does not tell of are a plugin's and are written as they are; keys of
 * `[lago]` that it does not tell of are nobody's, and are left out.
 *
 * Throws `LAGO_USAGE` for a value that an INI file cannot hold, such as one with a blank at its end.
 */
export function generateConfig(config: Config, { sections, now, verbose }: GenerateOptions): string {
  const texts = withUndocumented(config, sections).flatMap((section) => {
    const settings = section.settings.flatMap((setting) => settingText(config, section.name, setting, verbose))
    return settings.length === 0 ? [] : [[`[${checkedName(section.name)}]`, ...settings].join('\n\n')]
  })
  return `${[`# Lago configuration file, generated: ${ctime(now)}`, ...texts].join('\n\n')}\n`
}

/** Keys whose values are secrets. */
export function isPasswordKey(key: string): boolean {
  return key.endsWith('password')
}

function withUndocumented(config: Config, sections: readonly DocumentedSection[]): DocumentedSection[] {
  const known = new Map(sections.map((section) => [section.name, section]))
  const names = [...new Set([...known.keys(), ...config.sectionNames()])]
  return names.map((name) => {
    const settings = known.get(name)?.settings ?? []
    const others = Object.keys(config.section(name)).filter((key) => !settings.some((setting) => setting.key === key))
    return { name, settings: name === 'lago' ? settings : [...settings, ...others.map((key) => ({ key, help: '' }))] }
  })
}

function settingText(config: Config, section: string, { key, help }: DocumentedSetting, verbose: boolean): string[] {
  const value = valueOf(config, section, key)
  if (value === undefined && !verbose) return []
  const origin = verbose && value !== undefined ? [`from: ${config.originOf(key, section)}`] : []
  const comments = [...wrap(help), ...origin].map((line) => `# ${line}`)
  const assignment =
    value === undefined ? `#${key} = None` : `${checkedKey(key)} = ${checkedValue(section, key, value)}`
  return [[...comments, assignment].join('\n')]
}

/** What the running verb itself was told on the command line is no setting. */
function valueOf(config: Config, section: string, key: string): string | undefined {
  const isArgument = section !== 'lago' && config.originOf(key, section) === 'flag'
  return isArgument ? undefined : config.section(section)[key]
}

const COLUMNS = 70

function wrap(text: string): string[] {
  const lines: string[] = []
  for (const word of text.split(/\s+/).filter((word) => word !== '')) {
    const joined = lines.length === 0 ? word : `${lines.at(-1)} ${word}`
    if (lines.length > 0 && joined.length <= COLUMNS) lines.splice(-1, 1, joined)
    else lines.push(word)
  }
  return lines
}

function checkedName(section: string): string {
  if (/^[^\]\n\r]+$/.test(section)) return section
  throw notInIni(`the section name ${JSON.stringify(section)}`)
}

/** As ini.ts reads keys: to the first `=` or `:`, without blanks around, in lower case. */
function checkedKey(key: string): string {
  if (/^[^=:\n\r]+$/.test(key) && key === key.trim().toLowerCase() && !/^[[#;]/.test(key)) return key
  throw notInIni(`the key ${JSON.stringify(key)}`)
}

/** Lines after the first are indented, which makes them part of the value. A value is not told: it may be a password. */
function checkedValue(section: string, key: string, value: string): string {
  const [first = '', ...more] = value.split('\n')
  const isKept = (line: string): boolean => line === line.trim() && !/\r/.test(line)
  const isKeptBelow = (line: string): boolean => isKept(line) && line !== '' && !/^[#;]/.test(line)
  if (first !== '' && isKept(first) && more.every(isKeptBelow)) return [first, ...more].join('\n    ')
  throw notInIni(`the value of ${key} in [${section}]`)
}

function notInIni(what: string): LagoError {
  return new LagoError('LAGO_USAGE', `${what} cannot be written in a configuration file`, {
    hint: 'a value there has no blanks at its ends, no empty lines, and no lines that begin with "#" or ";"',
  })
}

/** ctime(3), local time: `Sun Nov 22 22:17:25 2026`. */
function ctime(now: Date): string {
  const [weekday, month, day, year] = now.toDateString().split(' ')
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${now.toTimeString().slice(0, 8)} ${year}`
}
