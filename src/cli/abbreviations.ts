/**
 * What argparse understands and yargs does not, as a rewrite of single words: `--workdir x` becomes `--workdir-path x`,
 * `-fjson` becomes `-f=json`, and `--wait`, whose value may be left out, becomes `--wait=true`. A word is rewritten alone, never joined or split, so that words keep their places;
 * a value never starts with a dash (as with argparse, `--option=-value` is for that), so no context is needed.
 */
import type { OptionSpec } from './command.js'

/** `tiers`: options by precedence. An abbreviation is sought in the first tier that has any option of this prefix. */
export type OptionTiers = readonly (readonly OptionSpec[])[]

/** Unknown and ambiguous options stay as they are, and so does everything after `--`. */
export function expandWords(words: readonly string[], tiers: OptionTiers): string[] {
  const end = words.indexOf('--')
  return words.map((word, index) => {
    if (end !== -1 && index >= end) return word
    return word.startsWith('--') ? expandLong(word, tiers) : expandShort(word, tiers)
  })
}

/** The options that `name` may stand for: one, when it is a full name or an unambiguous prefix. */
export function candidatesFor(name: string, tiers: OptionTiers): readonly string[] {
  const names = tiers.map((options) => options.map((option) => option.name))
  if (names.some((tier) => tier.includes(name))) return [name]
  const matches = names.map((tier) => tier.filter((full) => full.startsWith(name)))
  return matches.find((tier) => tier.length > 0) ?? []
}

/** What stands for a value that was left out. */
const NO_VALUE = '=true'

function expandLong(word: string, tiers: OptionTiers): string {
  const [, name = '', value = ''] = /^--([^=]+)(=.*)?$/s.exec(word) ?? []
  const [full, ...others] = name === '' ? [] : candidatesFor(name, tiers)
  if (full === undefined || others.length > 0) return word
  const option = tiers.flat().find((option) => option.name === full)
  return `--${full}${value === '' && option?.type === 'optional' ? NO_VALUE : value}`
}

/** Flags may be joined (`-yf json`); the first option that takes a value takes the rest of the word. */
function expandShort(word: string, tiers: OptionTiers): string {
  if (!/^-[A-Za-z]/.test(word)) return word
  for (let at = 1; at < word.length; at++) {
    const option = tiers.flat().find(({ short }) => short === word[at])
    if (option === undefined) return word
    if (option.type === 'flag') continue
    const value = word.slice(at + 1)
    if (value === '' && option.type === 'optional') return `${word}${NO_VALUE}`
    return value === '' || value.startsWith('=') ? word : `${word.slice(0, at + 1)}=${value}`
  }
  return word
}

/** All options at once: later tiers lose what an earlier tier names, long or short. */
export function mergeTiers(tiers: OptionTiers): OptionSpec[] {
  return tiers.reduce<OptionSpec[]>((taken, tier) => {
    const names = new Set(taken.map(({ name }) => name))
    const shorts = new Set(taken.map(({ short }) => short))
    const free = tier.filter(({ name }) => !names.has(name))
    return [...taken, ...free.map((option) => (shorts.has(option.short) ? withoutShort(option) : option))]
  }, [])
}

function withoutShort({ short: _, ...option }: OptionSpec): OptionSpec {
  return option
}
