/** Help texts, laid out by yargs; the only file that loads all of it, which takes as long as starting node itself. */
import yargs, { type Options } from 'yargs'
import type { CommandSpec } from './command.js'
import { GLOBAL_OPTIONS, HELP_OPTION, type GlobalOption } from './global-options.js'
import { argName, commandUsage, familyUsage, PROGRAM_USAGE } from './usage.js'

const COLUMNS = 80

export async function programHelp(commands: readonly CommandSpec[]): Promise<string> {
  const help = helpWith(GLOBAL_OPTIONS)
    .group(
      GLOBAL_OPTIONS.map(({ name }) => name),
      'Global options:',
    )
    .usage(`${PROGRAM_USAGE}\n\nWhole environments of virtual machines from one init file`)
    .updateStrings({ 'Commands:': 'Verbs:' })
    .epilogue('options of a verb: lago VERB --help')
  for (const [name, summary] of programEntries(commands)) help.command(name, summary)
  return help.getHelp()
}

/** A family with more verbs would hide the others. */
const LISTED_FAMILY = 10

/** Verbs with what they do; a large family stands in one line. */
function programEntries(commands: readonly CommandSpec[]): readonly (readonly [name: string, summary: string])[] {
  const familyOf = ({ name }: CommandSpec): string => name.replace(/ .*/, '')
  const entries = commands.map((command) => {
    const family = commands.filter((other) => familyOf(other) === familyOf(command))
    if (family.length <= LISTED_FAMILY) return [command.name, command.summary] as const
    const verbs = family.map(({ name }) => name.replace(/^\S+ /, ''))
    return [`${familyOf(command)} VERB`, `${verbs.join(', ')}: see lago ${familyOf(command)} --help`] as const
  })
  return [...new Map(entries)]
}

/** `lago ovirt --help`: the verbs that begin with `family`. */
export async function familyHelp(family: string, commands: readonly CommandSpec[]): Promise<string> {
  const help = helpWith([HELP_OPTION])
    .usage(familyUsage(family))
    .updateStrings({ 'Commands:': 'Verbs:' })
    .epilogue(`options of a verb: lago ${family} VERB --help\nglobal options: lago --help`)
  for (const { name, summary } of commands) help.command(name, summary)
  return help.getHelp()
}

export async function commandHelp(command: CommandSpec): Promise<string> {
  const { args, options, summary, example } = command
  const positionals = args.map(({ name, arity }) => `[${argName(name)}${arity === 'many' ? '..' : ''}]`)
  return helpWith([...options, HELP_OPTION])
    .usage(`${commandUsage(command)}\n\n${summary}`)
    .updateStrings({ 'Positionals:': 'Arguments:' })
    .command(['$0', ...positionals].join(' '), false, (builder) =>
      args.reduce((parser, { name, help }) => parser.positional(argName(name), { describe: help }), builder),
    )
    .example(example, '')
    .epilogue('global options: lago --help')
    .getHelp()
}

function helpWith(options: readonly GlobalOption[]): ReturnType<typeof yargs> {
  const byName = Object.fromEntries(options.map((option) => [option.name, describeOption(option)]))
  return yargs([]).scriptName('lago').detectLocale(false).help(false).version(false).wrap(COLUMNS).options(byName)
}

const YARGS_TYPES = {
  flag: 'boolean',
  int: 'number',
  string: 'string',
  list: 'array',
  optional: 'string',
} as const satisfies Record<GlobalOption['type'], Options['type']>

function describeOption({ type, short, help, choices, default: value }: GlobalOption): Options {
  return {
    type: YARGS_TYPES[type],
    describe: choices === undefined ? help : `${help}: ${choices.join(', ')}`,
    ...(short === undefined ? {} : { alias: short }),
    ...(value === undefined ? {} : { defaultDescription: value }),
  }
}
