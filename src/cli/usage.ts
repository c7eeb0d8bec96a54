/** One-line usages of the program and its verbs, and errors that carry them. */
import { LagoError, type ErrorCode } from '../base/errors.js'
import { nearest } from '../base/nearest.js'
import { candidatesFor, type OptionTiers } from './abbreviations.js'
import type { ArgSpec, CommandSpec } from './command.js'

export const PROGRAM_USAGE = 'usage: lago [global options] VERB [options] [arguments]'

/** Of verbs with a common first word. */
export function familyUsage(family: string): string {
  return `usage: lago [global options] ${family} VERB [options] [arguments]`
}

export function commandUsage({ name, args, options }: CommandSpec): string {
  const parts = [name, ...(options.length === 0 ? [] : ['[options]']), ...args.map(argUsage)]
  return `usage: lago [global options] ${parts.join(' ')}`
}

/** `HOST`, `[WORKDIR]`, `[VM_NAME ...]`. */
function argUsage({ name, arity }: ArgSpec): string {
  const shown = argName(name)
  if (arity === 'one') return shown
  return arity === 'optional' ? `[${shown}]` : `[${shown} ...]`
}

export function argName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_')
}

/** `data.usage` is printed above the message. */
export function usageError(message: string, usage: string, hint?: string, code: ErrorCode = 'LAGO_USAGE'): LagoError {
  return new LagoError(code, message, { hint, data: { usage } })
}

/** `word` with its dashes. An ambiguous abbreviation lists what it may stand for. */
export function unknownOption(word: string, tiers: OptionTiers, usage: string): LagoError {
  const name = word.replace(/^--?/, '')
  const candidates = word.startsWith('--') ? candidatesFor(name, tiers) : []
  if (candidates.length > 1) {
    const listed = candidates.map((full) => `--${full}`).join(', ')
    return usageError(`option ${word} is ambiguous: it could be ${listed}`, usage)
  }
  const near = nearest(
    name,
    tiers.flatMap((options) => options.map((option) => option.name)),
  )
  return usageError(`unknown option ${word}`, usage, near === undefined ? undefined : `did you mean --${near}?`)
}

/** `family`: the first word, where it is known. */
export function unknownCommand(verb: string, commands: readonly CommandSpec[], family?: string): LagoError {
  const names = commands.map(({ name }) => name)
  const near = nearest(verb, names)
  return usageError(
    `unknown verb "${verb}"; known: ${names.join(', ')}`,
    family === undefined ? PROGRAM_USAGE : familyUsage(family),
    near === undefined ? ['lago', family, '--help'].filter(Boolean).join(' ') : `did you mean "${near}"?`,
    'LAGO_UNKNOWN_COMMAND',
  )
}

/** Verbs that a distribution packs by themselves, by their first word. */
const PACKAGES: Readonly<Record<string, string>> = { ovirt: 'lago-ovirt' }

/** Of a family without verbs: in no package either, or in one that is not installed. */
export function unknownFamily(family: string, commands: readonly CommandSpec[]): LagoError {
  const name = Object.hasOwn(PACKAGES, family) ? PACKAGES[family] : undefined
  if (name === undefined) return unknownCommand(family, commands)
  return new LagoError(
    'LAGO_NOT_INSTALLED',
    `the verbs of "lago ${family}" are in the package ${name}, which is not installed`,
    { hint: `install it: apt-get install ${name}, or dnf install ${name}`, data: { family, package: name } },
  )
}
