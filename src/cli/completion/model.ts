/** What shells need of the command line to complete it: the same for each of them, with nothing in it that no shell could take. */
import type { ArgSpec, CommandLine, CommandSpec, Completion, OptionSpec } from '../command.js'
import { GLOBAL_OPTIONS, HELP_OPTION } from '../global-options.js'

export interface CompletionModel {
  /** Verbs of one word, and the first words of those of two, in the order of the help text. */
  readonly firstWords: readonly Described[]
  readonly families: readonly Family[]
  readonly globalOptions: readonly CompletedOption[]
  readonly verbs: readonly CompletedVerb[]
}

export interface Described {
  readonly word: string
  readonly help: string
}

export interface Family {
  readonly name: string
  readonly secondWords: readonly Described[]
}

export interface CompletedVerb {
  /** Of one or two words. */
  readonly name: string
  /** Its own, and `--help`. */
  readonly options: readonly CompletedOption[]
  /** For each word by its place. */
  readonly args: readonly Offer[]
  /** For each word behind these; undefined: there can be none. */
  readonly furtherArgs: Offer | undefined
  /** No word behind the verb is an option, but a `--help` at once. */
  readonly passThrough: boolean
}

export interface CompletedOption {
  /** `--long`, `-s`. */
  readonly names: readonly string[]
  readonly takes: 'nothing' | 'one' | 'optional' | 'list'
  readonly help: string
  readonly offer: Offer
}

/** Items with a mark in front: `=word`, or `@kind` for what the shell finds itself (`@vm`). */
export type Offer = readonly string[]

export function completionModel({ verbs, outputFormats }: CommandLine): CompletionModel {
  const families = new Set(verbs.filter(isOfFamily).map(familyOf))
  return {
    firstWords: firstWordsOf(verbs),
    families: [...families].map((name) => ({ name, secondWords: secondWordsOf(name, verbs) })),
    globalOptions: GLOBAL_OPTIONS.map((option) =>
      optionModel(option.name === 'out-format' ? { ...option, choices: outputFormats } : option),
    ),
    verbs: verbs.map(verbModel),
  }
}

function isOfFamily({ name }: CommandSpec): boolean {
  return name.includes(' ')
}

function familyOf({ name }: CommandSpec): string {
  return name.replace(/ .*/, '')
}

function secondWordsOf(family: string, verbs: readonly CommandSpec[]): readonly Described[] {
  const members = verbs.filter((verb) => isOfFamily(verb) && familyOf(verb) === family)
  return members.map(({ name, summary }) => ({ word: name.slice(family.length + 1), help: oneLine(summary) }))
}

function firstWordsOf(verbs: readonly CommandSpec[]): readonly Described[] {
  const entries = verbs.map((verb) => {
    if (!isOfFamily(verb)) return [verb.name, oneLine(verb.summary)] as const
    const family = familyOf(verb)
    const secondWords = secondWordsOf(family, verbs).map(({ word }) => word)
    return [family, `Verbs: ${secondWords.join(', ')}`] as const
  })
  return [...new Map(entries)].map(([word, help]) => ({ word, help }))
}

function verbModel({ name, args, options, passThrough = false }: CommandSpec): CompletedVerb {
  const firstMany = args.findIndex(({ arity }) => arity === 'many')
  const single = firstMany === -1 ? args : args.slice(0, firstMany)
  return {
    name,
    options: [...(passThrough ? [] : options), HELP_OPTION].map(optionModel).filter(({ names }) => names.length > 0),
    args: single.map(argOffer),
    // a word may be one of many, or already one of those behind them: `wait vm0 ssh`
    furtherArgs: firstMany === -1 ? undefined : args.slice(firstMany).flatMap(argOffer),
    passThrough,
  }
}

function argOffer({ complete }: ArgSpec): Offer {
  return offerOf(complete)
}

const TAKES = { flag: 'nothing', string: 'one', int: 'one', list: 'list', optional: 'optional' } as const

function optionModel({ name, short, type, help, choices, complete }: OptionSpec): CompletedOption {
  return {
    names: [`--${name}`, ...(short === undefined ? [] : [`-${short}`])].filter(isTypable),
    takes: TAKES[type],
    help: oneLine(help),
    offer: offerOf(choices ?? complete),
  }
}

function offerOf(complete: Completion | undefined): Offer {
  if (complete === undefined) return []
  if (typeof complete === 'string') return [`@${complete}`]
  return complete.filter((word) => word !== '' && isTypable(word)).map((word) => `=${word}`)
}

// control characters: none of them can stand in a line, and shells differ in what they make of them
const CONTROL = /\p{Cc}/u

function isTypable(word: string): boolean {
  return !CONTROL.test(word)
}

/** Plugins write what they like. */
function oneLine(text: string): string {
  return text
    .split(/[\s\p{Cc}]+/u)
    .join(' ')
    .trim()
}
