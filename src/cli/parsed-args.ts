/** A verb's arguments, checked against its spec before it runs. */
import { BOOLEAN_WORDS, parseBoolean, parseWholeNumber, splitWords } from '../config/values.js'
import type { CommandSpec, OptionSpec, ParsedArgs } from './command.js'
import { keyOf } from './global-options.js'
import { argName, commandUsage, usageError } from './usage.js'

/**
 * `words` are the positionals; `section` holds the verb's options by key, whether from the command line or from the
 * verb's section of the configuration. Throws `LAGO_USAGE` for a missing or surplus word and for a value that is not
 * allowed.
 */
export function parsedArgs(
  command: CommandSpec,
  words: readonly string[],
  section: Readonly<Record<string, string>>,
): ParsedArgs {
  const positionals = assignWords(command, words)
  const options = new Map<string, string>()
  for (const option of command.options) {
    const value = section[keyOf(option.name)]
    if (value !== undefined) options.set(option.name, checked(command, option, value))
  }
  return {
    one: (name) => positionals.get(name)?.[0] ?? options.get(name),
    many: (name) => positionals.get(name) ?? [],
    flag: (name) => parseBoolean(options.get(name) ?? 'false') === true,
    int: (name) => parseWholeNumber(options.get(name) ?? ''),
    list: (name) => mapGiven(options.get(name), splitWords),
    optional: (name) => mapGiven(options.get(name), readOptional),
  }
}

function mapGiven<T>(text: string | undefined, read: (text: string) => T): T | undefined {
  return text === undefined ? undefined : read(text)
}

/** On the command line the option alone says `true`; files and variables may say yes and no as for a flag. */
function readOptional(text: string): string | true | undefined {
  const flag = parseBoolean(text)
  return flag === undefined ? text : flag || undefined
}

/** `many` leaves a word to each argument behind it that must have one. */
function assignWords(command: CommandSpec, words: readonly string[]): Map<string, readonly string[]> {
  const assigned = new Map<string, readonly string[]>()
  let rest = words
  for (const [index, { name, arity }] of command.args.entries()) {
    if (arity === 'one' && rest.length === 0)
      throw usageError(`${command.name}: ${argName(name)} is missing`, commandUsage(command))
    const kept = command.args.slice(index + 1).filter((later) => later.arity === 'one').length
    const count = arity === 'many' ? Math.max(0, rest.length - kept) : Math.min(1, rest.length)
    assigned.set(name, rest.slice(0, count))
    rest = rest.slice(count)
  }
  if (rest.length > 0)
    throw usageError(`${command.name}: unexpected argument "${rest.join(' ')}"`, commandUsage(command))
  return assigned
}

function checked(command: CommandSpec, option: OptionSpec, value: string): string {
  const allowed = allowedFor(option, value)
  if (allowed === undefined) return value
  throw usageError(`bad value "${value}" for --${option.name}: expected ${allowed}`, commandUsage(command))
}

/** What is allowed instead of `value`; undefined when `value` is. */
function allowedFor({ type, choices }: OptionSpec, value: string): string | undefined {
  if (type === 'int' && parseWholeNumber(value) === undefined) return 'a whole number'
  if (type === 'flag' && parseBoolean(value) === undefined) return `one of ${BOOLEAN_WORDS}`
  if (choices === undefined || (type === 'optional' && parseBoolean(value) !== undefined)) return undefined
  const values = type === 'list' ? splitWords(value) : [value]
  if (!values.every((word) => choices.includes(word))) return `one of ${choices.join(', ')}`
  return undefined
}
