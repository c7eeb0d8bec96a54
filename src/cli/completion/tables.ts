/** The command line as lists of words by the names of variables; each shell has its own way to write these down. */
import type { CompletedOption, CompletedVerb, CompletionModel, Described, Offer } from './model.js'

export interface Table {
  /** A verb, a family, or nothing: what stands before the verb. */
  readonly key: string
  readonly lists: Readonly<Record<string, readonly string[]>>
}

/** Every variable of `optionTables`; a table without it means an empty one. */
export const OPTION_LISTS = ['names', 'takes', 'offers', 'helps', 'arguments', 'further', 'literal'] as const
export const VERB_LISTS = ['names', 'helps'] as const

/**
 * By verb: `names` of the options, with what each `takes`, `offers` and `helps`; `arguments`, and what `further` ones may be;
 * `literal` where no option follows. An offer is one text, its items in lines.
 */
export function optionTables({ globalOptions, verbs }: CompletionModel): readonly Table[] {
  return [
    { key: '', lists: optionLists(globalOptions) },
    ...verbs.map((verb) => ({ key: verb.name, lists: verbLists(verb) })),
  ]
}

/** By family: `names` of its verbs, and `helps`. */
export function verbTables({ firstWords, families }: CompletionModel): readonly Table[] {
  const ofFamilies = families.map(({ name, secondWords }) => ({ key: name, lists: wordLists(secondWords) }))
  return [{ key: '', lists: wordLists(firstWords) }, ...ofFamilies]
}

function verbLists({ options, args, furtherArgs, passThrough }: CompletedVerb): Table['lists'] {
  return {
    ...optionLists(options),
    ...(args.length === 0 ? {} : { arguments: args.map(inLines) }),
    ...(furtherArgs === undefined ? {} : { further: [inLines(furtherArgs)] }),
    ...(passThrough ? { literal: ['yes'] } : {}),
  }
}

/** A row for each name: a short one stands beside its long one. */
function optionLists(options: readonly CompletedOption[]): Table['lists'] {
  const rows = options.flatMap((option) => option.names.map((name) => ({ ...option, name })))
  return {
    names: rows.map(({ name }) => name),
    takes: rows.map(({ takes }) => takes),
    offers: rows.map(({ offer }) => inLines(offer)),
    helps: rows.map(({ help }) => help),
  }
}

function wordLists(words: readonly Described[]): Table['lists'] {
  return { names: words.map(({ word }) => word), helps: words.map(({ help }) => help) }
}

function inLines(offer: Offer): string {
  return offer.join('\n')
}
