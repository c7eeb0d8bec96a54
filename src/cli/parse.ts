/**
 * Command line to invocation: the only file that knows yargs' parser, which splits options from arguments and pairs
 * options with their values. Help texts, for which all of yargs must be loaded, are help.ts.
 *
 * Three things stand beside yargs, because it has nothing for them: abbreviated options (abbreviations.ts), telling
 * global options from the verb's (two passes: the first halts at the verb), and checking values, which may as well come
 * from a configuration file (parsed-args.ts, config/load.ts).
 */
import parseWithYargs, { type Options } from 'yargs-parser'
import { expandWords, mergeTiers, type OptionTiers } from './abbreviations.js'
import type { CommandSpec, OptionSpec } from './command.js'
import { GLOBAL_OPTIONS, keyOf } from './global-options.js'
import { commandUsage, PROGRAM_USAGE, unknownCommand, unknownOption, usageError } from './usage.js'

export type Invocation =
  | {
      readonly kind: 'run'
      readonly command: CommandSpec
      /** The verb's positionals. */
      readonly words: readonly string[]
      /** The verb's own options by key (`template_store`), flags as `true`. */
      readonly options: ReadonlyMap<string, string>
      readonly globals: ReadonlyMap<string, string>
    }
  /** Exit code 1: nothing was asked for. */
  | { readonly kind: 'help'; readonly text: string; readonly exitCode: 0 | 1 }
  | { readonly kind: 'version' }

/**
 * Follows argparse (spec 1.1). Beyond it, a global option is accepted after the verb as well, unless the verb has one
 * of that name.
 *
 * Throws `LAGO_UNKNOWN_COMMAND`, listing the verbs, and `LAGO_USAGE` for anything else that cannot be understood.
 */
export async function parseArgv(argv: readonly string[], commands: readonly CommandSpec[]): Promise<Invocation> {
  const program = parseWords(argv, { tiers: [GLOBAL_OPTIONS], usage: PROGRAM_USAGE, haltAtVerb: true })
  if (program.options.has('help')) return programHelp(commands, 0)
  if (program.options.has('version')) return { kind: 'version' }
  if (program.words.length === 0) return programHelp(commands, 1)

  const [verb = '', ...tail] = argv.slice(argv.length - program.words.length)
  const command = commands.find(({ name }) => name === verb)
  if (command === undefined) throw unknownCommand(verb, commands)
  return command.passThrough === true
    ? { kind: 'run', command, words: tail, options: new Map(), globals: program.options }
    : parseVerb(command, tail, program.options)
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
  if (others.has('help')) {
    const { commandHelp } = await import('./help.js')
    return { kind: 'help', text: await commandHelp(command), exitCode: 0 }
  }
  if (others.has('version')) return { kind: 'version' }
  return { kind: 'run', command, words: parsed.words, options, globals: new Map([...globals, ...others]) }
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
    if (!known.some((option) => option.name === name)) throw unknownOption(optionWord(words, name), tiers, usage)
    options.set(keyOf(name), String(value))
  }
  return { words: positionals.map(String), options }
}

function yargsOptions(known: readonly OptionSpec[], haltAtVerb: boolean): Options {
  const flags = known.filter(({ type }) => type === 'flag').map(({ name }) => name)
  const others = known.filter(({ type }) => type !== 'flag').map(({ name }) => name)
  const aliases = known.flatMap(({ name, short }) => (short === undefined ? [] : [[name, short] as const]))
  return {
    boolean: flags,
    string: others,
    narg: Object.fromEntries(others.map((name) => [name, 1])),
    alias: Object.fromEntries(aliases),
    configuration: {
      'halt-at-non-option': haltAtVerb,
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'duplicate-arguments-array': false,
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
