/**
 * Command line to invocation: the only file that knows yargs' parser, which splits options from arguments and pairs
 * options with their values. Help texts, for which all of yargs must be loaded, are help.ts.
 *
 * Three things stand beside yargs, because it has nothing for them: abbreviated options (abbreviations.ts), telling
 * global options from the verb's (two passes: the first halts at the verb), and checking values, which may as well come
 * from a configuration file (parsed-args.ts, config/load.ts).
 */
import parseWithYargs, { type Options } from 'yargs-parser'
import { joinWords } from '../config/values.js'
import { expandWords, mergeTiers, type OptionTiers } from './abbreviations.js'
import type { CommandSpec, OptionSpec } from './command.js'
import { GLOBAL_OPTIONS, keyOf } from './global-options.js'
import { commandUsage, PROGRAM_USAGE, unknownCommand, unknownFamily, unknownOption, usageError } from './usage.js'

export type Invocation =
  | {
      readonly kind: 'run'
      readonly command: CommandSpec
      /** The verb's positionals. */
      readonly words: readonly string[]
      /** The verb's own options by key (`template_store`), flags as `true`, lists as `joinWords` writes them. */
      readonly options: ReadonlyMap<string, string>
      readonly globals: ReadonlyMap<string, string>
    }
  /** Exit code 1: nothing was asked for. */
  | { readonly kind: 'help'; readonly text: string; readonly exitCode: 0 | 1 }
  /** `family`: of a plugin, by the first word of its verbs. */
  | { readonly kind: 'version'; readonly family?: string }

/**
 * Follows argparse (spec 1.1). Beyond it, a global option is accepted after the verb as well, unless the verb has one
 * of that name.
 *
 * Throws `LAGO_UNKNOWN_COMMAND`, listing the verbs, `LAGO_NOT_INSTALLED` for verbs of a package that is not there, and
 * `LAGO_USAGE` for anything else that cannot be understood.
 */
export async function parseArgv(argv: readonly string[], commands: readonly CommandSpec[]): Promise<Invocation> {
  const program = parseWords(argv, { tiers: [GLOBAL_OPTIONS], usage: PROGRAM_USAGE, haltAtVerb: true })
  if (program.options.has('help')) return programHelp(commands, 0)
  if (program.options.has('version')) return { kind: 'version' }
  if (program.words.length === 0) return programHelp(commands, 1)

  const words = argv.slice(argv.length - program.words.length)
  const { command, tail } = findCommand(words, commands)
  if (command === undefined) return groupHelp(words, commands)
  if (command.passThrough !== true) return parseVerb(command, tail, program.options)
  if (tail[0] === '--help' || tail[0] === '-h') return verbHelp(command)
  return { kind: 'run', command, words: tail, options: new Map(), globals: program.options }
}

/** The verb that stands first in `words`, and the words behind it. Its name may be of two words: `ovirt deploy`. */
function findCommand(
  words: readonly string[],
  commands: readonly CommandSpec[],
): { readonly command: CommandSpec | undefined; readonly tail: readonly string[] } {
  for (const length of [2, 1]) {
    const command = commands.find(({ name }) => name === words.slice(0, length).join(' '))
    if (command !== undefined) return { command, tail: words.slice(length) }
  }
  return { command: undefined, tail: words.slice(1) }
}

/** `lago ovirt`, and its `--help` and `--version`: the verbs that begin with this word. */
async function groupHelp([first = '', next]: readonly string[], commands: readonly CommandSpec[]): Promise<Invocation> {
  const group = commands.filter(({ name }) => name.startsWith(`${first} `))
  if (group.length === 0) throw unknownFamily(first, commands)
  if (next === '--version') return { kind: 'version', family: first }
  if (next !== undefined && next !== '--help' && next !== '-h') throw unknownCommand(`${first} ${next}`, group, first)
  const help = await import('./help.js')
  return { kind: 'help', text: await help.familyHelp(first, group), exitCode: next === undefined ? 1 : 0 }
}

/**
 * Whether the command line says `--no-plugins`, or asks for the version alone: to be known before the verbs of plugins
 * are. Behind a verb the option must be written out. Throws `LAGO_USAGE` for bad global options.
 */
export function skipsPlugins(argv: readonly string[], commands: readonly CommandSpec[]): boolean {
  const { options, words } = parseWords(argv, { tiers: [GLOBAL_OPTIONS], usage: PROGRAM_USAGE, haltAtVerb: true })
  if (options.has('no_plugins') || options.has('version')) return true
  const { command, tail } = findCommand(words, commands)
  const end = tail.indexOf('--')
  const isOurs = command?.passThrough !== true
  return isOurs && (end === -1 ? tail : tail.slice(0, end)).includes('--no-plugins')
}

async function parseVerb(
  command: CommandSpec,
  tail: readonly string[],
  globals: ReadonlyMap<string, string>,
): Promise<Invocation> {
  const parsed = parseWords(tail, { tiers: [command.options, GLOBAL_OPTIONS], usage: commandUsage(command) })
  const isOwn = ([key]: readonly [string, string]): boolean => command.options.some(({ name }) => keyOf(name) === key)
  const options = new Map([...parsed.options].filter(isOwn))
  const others = new Map([...parsed.options].filter((entry) => !isOwn(entry)))
  if (others.has('help')) return verbHelp(command)
  if (others.has('version')) return { kind: 'version' }
  return { kind: 'run', command, words: parsed.words, options, globals: new Map([...globals, ...others]) }
}

async function verbHelp(command: CommandSpec): Promise<Invocation> {
  const { commandHelp } = await import('./help.js')
  return { kind: 'help', text: await commandHelp(command), exitCode: 0 }
}

async function programHelp(commands: readonly CommandSpec[], exitCode: 0 | 1): Promise<Invocation> {
  const help = await import('./help.js')
  return { kind: 'help', text: await help.programHelp(commands), exitCode }
}

interface Pass {
  readonly tiers: OptionTiers
  readonly usage: string
  /** Stop at the first word that is not an option: it and all after it become `words`. */
  readonly haltAtVerb?: boolean
}

interface Parsed {
  readonly words: readonly string[]
  readonly options: ReadonlyMap<string, string>
}

/** One pass of yargs over the words, knowing the options of all tiers; the first tier with a name has it. */
function parseWords(argv: readonly string[], { tiers, usage, haltAtVerb = false }: Pass): Parsed {
  const known = mergeTiers(tiers)
  const words = expandWords(argv, tiers)
  const { argv: parsed, error } = parseWithYargs.detailed(words, yargsOptions(known, haltAtVerb))
  if (error !== null) throw usageError(lowerFirst(error.message), usage)
  const { _: positionals, ...found } = parsed
  const optionWords = haltAtVerb ? words.slice(0, words.length - positionals.length) : words
  refuseFlagValues(optionWords, known, usage)
  const options = new Map<string, string>()
  for (const [name, value] of Object.entries(found)) {
    const option = known.find((option) => option.name === name)
    if (option === undefined) throw unknownOption(optionWord(words, name), tiers, usage)
    options.set(keyOf(name), optionText(option, [value].flat().map(String), usage))
  }
  return { words: positionals.map(String), options }
}

/** Of an option that was given several times the last value counts, unless it is a list. */
function optionText({ name, type }: OptionSpec, values: readonly string[], usage: string): string {
  if (type !== 'list') return values.at(-1) ?? ''
  if (values.includes('')) throw usageError(`option --${name} was given an empty word`, usage)
  return joinWords(values)
}

function yargsOptions(known: readonly OptionSpec[], haltAtVerb: boolean): Options {
  const flags = known.filter(({ type }) => type === 'flag').map(({ name }) => name)
  const lists = known.filter(({ type }) => type === 'list').map(({ name }) => name)
  const single = known.filter(({ type }) => type !== 'flag' && type !== 'list').map(({ name }) => name)
  const aliases = known.flatMap(({ name, short }) => (short === undefined ? [] : [[name, short] as const]))
  return {
    boolean: flags,
    string: [...single, ...lists],
    array: lists,
    narg: Object.fromEntries(single.map((name) => [name, 1])),
    alias: Object.fromEntries(aliases),
    configuration: {
      'halt-at-non-option': haltAtVerb,
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'strip-aliased': true,
    },
  }
}

/** yargs reads any `--flag=text` but `true` as false. */
function refuseFlagValues(words: readonly string[], known: readonly OptionSpec[], usage: string): void {
  const end = words.indexOf('--')
  for (const word of end === -1 ? words : words.slice(0, end)) {
    const name = /^--([^=]+)=/s.exec(word)?.[1]
    const isFlag = known.some((option) => option.name === name && option.type === 'flag')
    if (isFlag) throw usageError(`option --${name} takes no value`, usage)
  }
}

/** yargs tells the name alone: `x` may come from `-x` or from `--x`. */
function optionWord(words: readonly string[], name: string): string {
  return words.some((word) => word === `--${name}` || word.startsWith(`--${name}=`)) ? `--${name}` : `-${name}`
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
