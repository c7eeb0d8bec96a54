/** The manual: a page for the program, for each verb, each family of verbs, and for the configuration file. */
import { LagoError } from '../../src/base/errors.js'
import type { CommandSpec, OptionSpec } from '../../src/cli/command.js'
import { exitCodeOf } from '../../src/cli/exit-code.js'
import { GLOBAL_OPTIONS, HELP_OPTION, keyOf, type GlobalOption } from '../../src/cli/global-options.js'
import { argName } from '../../src/cli/usage.js'
import { INIT_SETTINGS, LAGO_SETTINGS, type Setting } from '../../src/config/defaults.js'
import {
  bold,
  entry,
  example,
  italic,
  line,
  paragraph,
  prose,
  renderPage,
  type Edition,
  type Page,
  type Roff,
} from './roff.js'

export interface ManPage {
  /** `lago-init.1`; all are meant for the directory `manN` of their section. */
  readonly file: string
  readonly text: string
}

/** `verbs` in the order of the help text. The result is the same for the same verbs and edition. */
export function manPages(verbs: readonly CommandSpec[], edition: Edition): readonly ManPage[] {
  const families = [...new Set(verbs.filter(({ name }) => name.includes(' ')).map(familyOf))]
  const pages = [
    programPage(verbs),
    ...families.map((family) => familyPage(family, verbs)),
    ...verbs.map((verb) => verbPage(verb, verbs)),
    configPage(verbs),
  ]
  return [
    ...pages.map((page) => ({ file: `${page.name}.${page.section}`, text: renderPage(page, edition) })),
    { file: 'lagocli.1', text: '.so man1/lago.1\n' },
    ...PROGRAMS_OF_FAMILIES.filter((family) => families.includes(family)).map((family) => ({
      file: `lagocli-${family}.1`,
      text: `.so man1/${pageOf(family)}.1\n`,
    })),
  ]
}

/** `lagocli-ovirt` is `lagocli ovirt`. */
const PROGRAMS_OF_FAMILIES = ['ovirt', 'template-repo']

function familyOf({ name }: CommandSpec): string {
  return name.replace(/ .*/, '')
}

function pageOf(verb: string): string {
  return `lago-${verb.replace(' ', '-')}`
}

const PROGRAM_SUMMARY = 'make whole test environments of virtual machines from one init file'

function programPage(verbs: readonly CommandSpec[]): Page {
  return {
    name: 'lago',
    section: 1,
    summary: PROGRAM_SUMMARY,
    body: [
      ['SYNOPSIS', synopsis(line(italic('VERB'), prose('[options] [arguments]')))],
      [
        'DESCRIPTION',
        [
          paragraph(
            prose(
              'Lago reads an init file that says which virtual machines and networks there are to be, makes them on this host, and runs, changes, tests and removes them. What belongs together is a prefix; prefixes stand in a workdir, which is the directory .lago beside the init file unless another one is named. Verbs find it from any directory below.',
            ),
          ),
          paragraph(prose('`lagocli` is the same program under the name of Lago 0.x, whose suites it runs.')),
        ],
      ],
      ['VERBS', verbs.map(listed)],
      [
        'GLOBAL OPTIONS',
        [
          paragraph(
            prose(
              'They may stand before the verb, or behind it where the verb has none of that name, and may be shortened as long as it is clear which is meant.',
            ),
          ),
          ...GLOBAL_OPTIONS.map(optionEntry),
        ],
      ],
      ['EXIT STATUS', exitStatus()],
      ['ENVIRONMENT', [...ENVIRONMENT]],
      ['FILES', files()],
      [
        'EXAMPLES',
        ['lago init LagoInitFile', 'lago start --wait', 'lago shell vm0', 'lago destroy --yes'].map(example),
      ],
      ['SEE ALSO', [seeAlso(['lago.conf(5)', 'virsh(1)', 'ssh(1)', 'qemu-img(1)'])]],
    ],
  }
}

function familyPage(family: string, verbs: readonly CommandSpec[]): Page {
  const members = verbs.filter((verb) => familyOf(verb) === family)
  const words = members.map(({ name }) => name.slice(family.length + 1))
  return {
    name: pageOf(family),
    section: 1,
    summary: `verbs of lago ${family}: ${words.join(', ')}`,
    body: [
      ['SYNOPSIS', synopsis(line(bold(family), italic('VERB'), prose('[options] [arguments]')))],
      ['DESCRIPTION', [paragraph(prose(`Verbs that begin with the word \`${family}\`; each has a page of its own.`))]],
      ['VERBS', members.map(listed)],
      ['GLOBAL OPTIONS', [GLOBAL_OPTIONS_POINTER]],
      ['SEE ALSO', [seeAlso(['lago(1)', ...members.map(({ name }) => `${pageOf(name)}(1)`)])]],
    ],
  }
}

function verbPage(verb: CommandSpec, verbs: readonly CommandSpec[]): Page {
  const { name, summary, args, passThrough = false } = verb
  const options = [...(passThrough ? [] : verb.options), HELP_OPTION]
  const siblings = name.includes(' ')
    ? verbs.filter((other) => other !== verb && familyOf(other) === familyOf(verb))
    : []
  const family = siblings.length === 0 ? [] : [`${pageOf(familyOf(verb))}(1)`]
  return {
    name: pageOf(name),
    section: 1,
    summary: `${summary.charAt(0).toLowerCase()}${summary.slice(1)}`,
    body: [
      ['SYNOPSIS', synopsis(line(bold(name), prose('[options]'), ...args.map(argUsage)))],
      [
        'DESCRIPTION',
        [
          paragraph(prose(sentence(summary))),
          ...(passThrough
            ? [paragraph(prose('Words behind the first argument belong to it as they stand, dashes included.'))]
            : []),
        ],
      ],
      ['ARGUMENTS', args.map((arg) => entry(argUsage(arg), prose(sentence(arg.help))))],
      ['OPTIONS', options.map(optionEntry)],
      ['GLOBAL OPTIONS', [GLOBAL_OPTIONS_POINTER]],
      ['EXIT STATUS', exitStatus(name)],
      ['ENVIRONMENT', verbEnvironment(verb)],
      ['FILES', files(verb)],
      ['EXAMPLES', [example(verb.example)]],
      [
        'SEE ALSO',
        [seeAlso(['lago(1)', ...family, ...siblings.map((other) => `${pageOf(other.name)}(1)`), 'lago.conf(5)'])],
      ],
    ],
  }
}

function configPage(verbs: readonly CommandSpec[]): Page {
  const withOptions = verbs.filter(({ options, passThrough }) => options.length > 0 && passThrough !== true)
  return {
    name: 'lago.conf',
    section: 5,
    summary: 'configuration file of lago',
    body: [
      ['SYNOPSIS', [...CONFIG_FILES]],
      [
        'DESCRIPTION',
        [
          paragraph(
            prose(
              'An INI file: sections in brackets, below them lines of the form KEY = VALUE. Later files win over earlier ones, the environment over files, and the command line over all of them. `lago generate-config` prints all settings as they are in effect.',
            ),
          ),
          paragraph(
            prose(
              'A key KEY of the section [lago] is set by the variable LAGO_KEY as well, one of another section by LAGO__SECTION__KEY, both in upper case.',
            ),
          ),
        ],
      ],
      ['SECTION [lago]', LAGO_SETTINGS.map(settingEntry)],
      [
        'SECTION [init]',
        [
          paragraph(
            prose(
              'Where templates come from; other verbs go by it, too. Options of `lago init` may stand here as well.',
            ),
          ),
          ...INIT_SETTINGS.map(settingEntry),
        ],
      ],
      [
        'SECTIONS OF VERBS',
        [
          paragraph(
            prose(
              'Each verb reads its options from the section of its name, with underscores in place of dashes. A flag is yes or no.',
            ),
          ),
          ...withOptions.map(({ name, options }) =>
            entry(bold(`[${name}]`), prose(options.map((option) => keyOf(option.name)).join(', '))),
          ),
        ],
      ],
      ['EXAMPLES', [example('lago generate-config > lago.conf'), example('lago generate-config --verbose')]],
      ['SEE ALSO', [seeAlso(['lago(1)', `${pageOf('generate-config')}(1)`])]],
    ],
  }
}

function synopsis(rest: Roff): readonly Roff[] {
  return [line(bold('lago'), prose('[global options]'), rest)]
}

function listed({ name, summary }: CommandSpec): Roff {
  return entry(line(bold(name)), prose(`${sentence(summary)} See ${pageOf(name)}(1).`))
}

function argUsage({ name, arity }: CommandSpec['args'][number]): Roff {
  const shown = italic(argName(name))
  if (arity === 'one') return line(shown)
  return line(arity === 'optional' ? (`[${shown}]` as Roff) : (`[${shown} ...]` as Roff))
}

/** `-d DIRECTORY, --dst-dir DIRECTORY`: what it takes behind the last. */
function optionEntry(option: GlobalOption): Roff {
  const { name, short, type, help, choices, default: value } = option
  const long = bold(`--${name}`)
  const word = italic(valueName(option))
  const values = { flag: '', string: word, int: word, list: `[${word} ...]`, optional: `[=${word}]` } as const
  const usage = type === 'optional' ? `${long}${values.optional}` : [long, values[type]].filter(Boolean).join(' ')
  const term = [...(short === undefined ? [] : [bold(`-${short}`)]), usage].join(', ') as Roff
  const facts = [
    sentence(help),
    ...(choices === undefined ? [] : [`One of: ${choices.join(', ')}.`]),
    ...(value === undefined ? [] : [`Default: ${value}.`]),
  ]
  return entry(term, prose(facts.join(' ')))
}

const VALUE_NAMES = {
  file: 'FILE',
  directory: 'DIRECTORY',
  vm: 'VM',
  net: 'NET',
  prefix: 'PREFIX',
  snapshot: 'SNAPSHOT',
} as const

function valueName({ type, complete }: OptionSpec): string {
  if (type === 'int') return 'NUMBER'
  return typeof complete === 'string' ? VALUE_NAMES[complete] : 'VALUE'
}

function settingEntry({ key, aliases = [], help, choices, option, default: value }: Setting): Roff {
  const facts = [
    sentence(help),
    ...(choices === undefined ? [] : [`One of: ${choices.join(', ')}.`]),
    ...(value === undefined ? [] : [`Default: ${value}.`]),
    ...(aliases.length === 0 ? [] : [`Also known as ${aliases.join(', ')}.`]),
    ...(option === undefined ? [] : [`Option: \`--${option}\`.`]),
  ]
  return entry(bold(key), prose(facts.join(' ')))
}

const GLOBAL_OPTIONS_POINTER = paragraph(prose('Options that every verb takes stand in lago(1).'))

/** What the program itself would answer; `verb` undefined: of most verbs. */
function exitStatus(verb?: string): readonly Roff[] {
  const codeOf = (code: 'LAGO_USAGE' | 'LAGO_LOCKED' | 'LAGO_NO_PREFIX' | 'LAGO_NO_SUCH_VM'): number =>
    exitCodeOf(new LagoError(code, ''), verb)
  const interrupted = exitCodeOf(new LagoError('LAGO_CANCELLED', '', { data: { signal: 'SIGINT' } }), verb)
  const meanings: readonly (readonly [code: number, meaning: string])[] = [
    [0, 'the verb has done what it says'],
    [codeOf('LAGO_LOCKED'), 'it has failed, and the message says what was found and what to do'],
    [codeOf('LAGO_USAGE'), 'the command line cannot be understood'],
    [codeOf('LAGO_NO_PREFIX'), 'there is no prefix'],
    ...(verb === 'shell' || verb === 'console' ? [[codeOf('LAGO_NO_SUCH_VM'), 'there is no such VM'] as const] : []),
    [exitCodeOf(new Error()), 'a fault in the program'],
    [interrupted, 'ended by Ctrl-C; in general 128 and the number of the signal'],
  ]
  const codes = [...new Set(meanings.map(([code]) => code))].sort((one, other) => one - other)
  const entries = codes.map((code) => {
    const texts = meanings.flatMap(([other, meaning]) => (other === code ? [meaning] : []))
    return entry(bold(String(code)), prose(sentence(texts.join('; or '))))
  })
  if (verb !== 'shell') return entries
  return [...entries, paragraph(prose('Any other is that of the command in the VM.'))]
}

const ENVIRONMENT: readonly Roff[] = [
  entry(prose('`LAGO_`KEY'), prose('Sets a key of the section [lago]: LAGO_LOGLEVEL=debug. See lago.conf(5).')),
  entry(
    prose('`LAGO__`SECTION`__`KEY'),
    prose('Sets a key of another section: LAGO__INIT__TEMPLATE_STORE=/srv/store.'),
  ),
  entry(bold('LAGO_PLUGINS'), prose('Plugins to load, in place of those that files name.')),
  entry(
    line(`${bold('XDG_CONFIG_HOME')}, ${bold('XDG_CONFIG_DIRS')}, ${bold('XDG_CACHE_HOME')}` as Roff),
    prose('Where configuration files are sought, and where facts about the host are kept between runs.'),
  ),
  entry(bold('NO_COLOR'), prose('If it is not empty, no colours are shown.')),
]

/** Names of variables have no room for dashes and blanks, which names of sections may have. */
const NAMABLE = /^[a-z_]+$/

function verbEnvironment({ name, options: [option], passThrough }: CommandSpec): readonly Roff[] {
  const others = paragraph(prose('Variables of all verbs stand in lago(1).'))
  if (option === undefined || passThrough === true || !NAMABLE.test(name)) return [others]
  const variable = (key: string): string => `LAGO__${name}__${keyOf(key)}`.toUpperCase()
  const meaning = `Stands for an option that the command line does not have: ${variable(option.name)} for --${option.name}.`
  return [entry(prose(`\`${variable('')}\`KEY`), prose(meaning)), others]
}

const CONFIG_FILES: readonly Roff[] = [
  entry(italic('/etc/lago/lago.conf'), prose('Settings for everybody on this host.')),
  entry(italic('/etc/xdg/lago/lago.conf'), prose('The same, in the directories that XDG_CONFIG_DIRS names.')),
  entry(italic('~/.config/lago/lago.conf'), prose("The user's own, or below XDG_CONFIG_HOME.")),
]

/** The configuration, and the paths that are settings with a default; `verb`: those of which it has an option. */
function files(verb?: CommandSpec): readonly Roff[] {
  const settings = [...LAGO_SETTINGS, ...INIT_SETTINGS].filter(
    ({ key }) => verb === undefined || verb.options.some(({ name }) => keyOf(name) === key),
  )
  const paths = settings.flatMap(({ type, default: value, help, key }) =>
    type === 'path' && value !== undefined ? [entry(italic(value), prose(`${sentence(help)} Setting: ${key}.`))] : [],
  )
  const configuration = line(`${italic('/etc/lago/lago.conf')}, ${italic('~/.config/lago/lago.conf')}` as Roff)
  return [
    entry(configuration, prose('Settings; see lago.conf(5).')),
    entry(italic('.lago'), prose('The workdir, in the current directory or one above.')),
    ...paths,
  ]
}

function seeAlso(pages: readonly string[]): Roff {
  const references = pages.map((page) => {
    const [, name = '', section = ''] = /^(.*)(\(\d\))$/.exec(page) ?? []
    return `${bold(name)}${section}`
  })
  return line(references.join(', ') as Roff)
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`
}
