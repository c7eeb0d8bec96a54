/** Whether a plugin is one, made for this Lago, and in nobody's way: found out before anything of it runs. */
import { LagoError } from '../base/errors.js'
import { lagoVersion } from '../base/version.js'
import type { AddedKinds } from '../prefix/kinds.js'
import type { CommandSpec } from './command.js'
import { PLUGIN_API, type LagoPlugin, type OutputFormat } from './contract.js'
import { PLUGIN_HINT } from './load.js'
import { isInRange } from './version-range.js'

/** What plugins add, by name. */
export interface Additions {
  readonly commands: ReadonlyMap<string, CommandSpec>
  readonly kinds: AddedKinds
  readonly outputs: ReadonlyMap<string, OutputFormat>
}

/** The names that are taken: Lago's own. */
export interface TakenNames {
  readonly commands: readonly string[]
  readonly vmTypes: readonly string[]
  readonly providers: readonly string[]
  readonly services: readonly string[]
  readonly outputs: readonly string[]
}

/**
 * `value` as a plugin for this version of Lago; `where` names it until it has named itself.
 * Throws `LAGO_PLUGIN_API`.
 */
export function checkPlugin(value: unknown, where: string, version = lagoVersion()): LagoPlugin {
  const refuse = (problem: string): LagoError => refusal(`${where} ${problem}`)
  if (!isObject(value)) throw refuse('has no plugin as its default export')
  const { name, api, requires } = value
  if (typeof name !== 'string' || name.trim() === '') throw refuse('gives no name')
  if (api !== PLUGIN_API) throw refuse(`is written for plugin api ${String(api)}; this Lago has ${PLUGIN_API}`)
  if (requires !== undefined) checkRequires(requires, version, refuse)
  const unknown = Object.keys(value).find((key) => !KEYS.includes(key))
  if (unknown !== undefined) throw refuse(`adds "${unknown}", which is not known; known: ${KEYS.join(', ')}`)
  for (const kind of KINDS)
    if (value[kind] !== undefined && !isObject(value[kind])) throw refuse(`has ${kind} that are no object`)
  for (const [kind, need] of Object.entries(PARTS))
    for (const [key, part] of Object.entries(value[kind] ?? {})) {
      const problem = need(part)
      if (problem !== undefined) throw refuse(`has in ${kind} a "${key}" ${problem}`)
    }
  if (value['commands'] !== undefined) checkCommands(value['commands'], refuse)
  return value as unknown as LagoPlugin // every part was looked at
}

const KINDS = ['vmTypes', 'providers', 'services', 'outputs'] as const
const KEYS: readonly string[] = ['name', 'api', 'requires', 'commands', ...KINDS]

/** What is wrong with one part of a kind. */
type PartCheck = (part: unknown) => string | undefined

const PARTS: Readonly<Record<(typeof KINDS)[number], PartCheck>> = {
  vmTypes: (part) => (isObject(part) ? nonFunction(part, ['artifacts', 'ready', 'beforeStop']) : 'that is no object'),
  providers: (part) => (typeof part === 'function' ? undefined : 'that is no function'),
  services: (part) => {
    if (!isObject(part)) return 'that is no object'
    if (typeof part['binary'] !== 'string' || !part['binary'].startsWith('/')) return 'without the path of a binary'
    return missingFunction(part, ['state', 'start', 'stop'])
  },
  outputs: (part) => (typeof part === 'function' ? undefined : 'that is no function'),
}

function nonFunction(part: Fields, keys: readonly string[]): string | undefined {
  const wrong = keys.find((key) => part[key] !== undefined && typeof part[key] !== 'function')
  return wrong === undefined ? undefined : `whose ${wrong} is no function`
}

function missingFunction(part: Fields, keys: readonly string[]): string | undefined {
  const missing = keys.find((key) => typeof part[key] !== 'function')
  return missing === undefined ? undefined : `without a function ${missing}`
}

type Refuse = (problem: string) => LagoError

function checkRequires(requires: unknown, version: string, refuse: Refuse): void {
  const fits = typeof requires === 'string' ? isInRange(version, requires) : undefined
  if (fits === undefined) throw refuse(`requires ${JSON.stringify(requires)}, which is no range like ">=2.1 <3"`)
  if (!fits) throw refuse(`requires lago ${String(requires)}, and this is ${version}`)
}

function checkCommands(commands: unknown, refuse: Refuse): void {
  if (!Array.isArray(commands)) throw refuse('has commands that are no list')
  for (const command of commands as unknown[]) {
    const { name, summary, example, args, options, run }: Fields = isObject(command) ? command : {}
    if (typeof name !== 'string' || !VERB.test(name)) throw refuse(`has a verb without a name like "my-verb"`)
    if (typeof summary !== 'string' || typeof example !== 'string')
      throw refuse(`has a verb "${name}" without summary or example`)
    if (!Array.isArray(args) || !Array.isArray(options)) throw refuse(`has a verb "${name}" without args or options`)
    if (typeof run !== 'function') throw refuse(`has a verb "${name}" without a function run`)
  }
}

/** As words of a command line and as sections of a configuration file. */
const VERB = /^[a-z][a-z0-9_-]*( [a-z][a-z0-9_-]*)?$/

/** All that `plugins` add. Throws `LAGO_PLUGIN_CONFLICT`, naming both owners, for a name that is taken. */
export function collectAdditions(plugins: readonly LagoPlugin[], taken: TakenNames): Additions {
  refuseTwins(plugins)
  const gather = <T>(
    what: string,
    own: readonly string[],
    partsOf: (plugin: LagoPlugin) => Named<T>,
  ): Map<string, T> => {
    const owners = new Map(own.map((name) => [name, 'lago itself']))
    const found = new Map<string, T>()
    for (const plugin of plugins)
      for (const [name, part] of partsOf(plugin)) {
        const owner = owners.get(name)
        if (owner !== undefined) throw conflict(`${what} "${name}" is defined by ${owner} and by plugin ${plugin.name}`)
        owners.set(name, `plugin ${plugin.name}`)
        found.set(name, part)
      }
    return found
  }
  const commands = gather('verb', taken.commands, ({ commands = [] }) =>
    commands.map((command) => [command.name, command]),
  )
  refuseHidden([...taken.commands, ...commands.keys()])
  return {
    commands,
    kinds: {
      vmTypes: gather('VM type', taken.vmTypes, ({ vmTypes = {} }) => Object.entries(vmTypes)),
      providers: gather('VM provider', taken.providers, ({ providers = {} }) => Object.entries(providers)),
      services: gather('service manager', taken.services, ({ services = {} }) => Object.entries(services)),
    },
    outputs: gather('output format', taken.outputs, ({ outputs = {} }) => Object.entries(outputs)),
  }
}

type Named<T> = readonly (readonly [string, T])[]

function refuseTwins(plugins: readonly LagoPlugin[]): void {
  const names = plugins.map(({ name }) => name)
  const twin = names.find((name, index) => names.indexOf(name) !== index)
  if (twin !== undefined) throw conflict(`two plugins are named ${twin}`)
}

/** `status all` would take `all` away from the verb `status`. */
function refuseHidden(verbs: readonly string[]): void {
  const hiding = verbs.find((verb) => verb.includes(' ') && verbs.includes(verb.replace(/ .*/, '')))
  if (hiding !== undefined) throw conflict(`the verb "${hiding}" begins with another verb`)
}

function refusal(message: string): LagoError {
  return new LagoError('LAGO_PLUGIN_API', message, { hint: PLUGIN_HINT })
}

function conflict(message: string): LagoError {
  return new LagoError('LAGO_PLUGIN_CONFLICT', message, { hint: PLUGIN_HINT })
}

type Fields = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
