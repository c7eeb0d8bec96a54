/** `init`, `loadEnv` and `loadTemplates`. This file is light: what they need is loaded when they are called. */
import { LagoError } from '../base/errors.js'
import type { CommandContext } from '../plugin/command.js'
import type { InitOptions, LoadOptions } from './options.js'
import type { Templates, TemplatesOptions } from './template-types.js'
import type { Env } from './types.js'

/**
 * Makes an environment, as `lago init` does; nothing runs yet. On any failure nothing is left.
 *
 * Configuration comes from files and environment variables as on the command line; `options` win.
 * `await using env = await init(...)` destroys the environment at the end of the block.
 * Throws `LAGO_SPEC_NO_FILE`, `LAGO_SPEC_INVALID`, `LAGO_PREFIX_EXISTS`, `LAGO_NO_WORKDIR`, `LAGO_USAGE`, and what
 * templates, subnets and disks throw.
 */
export async function init(options: InitOptions = {}): Promise<Env> {
  requireObject('init', options)
  const { initEnv } = await import('./init-env.js')
  return initEnv(options)
}

/**
 * Opens an environment that is there, running or not. `await using` closes it at the end of the block, no more.
 * Throws `LAGO_NO_WORKDIR`, `LAGO_NO_PREFIX`, `LAGO_PREFIX_CORRUPT`, `LAGO_USAGE`.
 */
export async function loadEnv(options: LoadOptions = {}): Promise<Env> {
  requireObject('loadEnv', options)
  const { loadExistingEnv } = await import('./load-existing-env.js')
  return loadExistingEnv(options)
}

/**
 * For verbs of plugins: the environment that the user means, by options and by where they stand. What is done with it is
 * told as the verb's own steps. To be closed at the end. Throws as `loadEnv`.
 */
export async function envOfVerb(context: CommandContext): Promise<Env> {
  const { loadEnvOfVerb } = await import('./load-existing-env.js')
  return loadEnvOfVerb(context)
}

/**
 * The templates that environments are made from: what `lago template` does. Configuration as for `init`.
 * Throws `LAGO_USAGE`.
 */
export async function loadTemplates(options: TemplatesOptions = {}): Promise<Templates> {
  requireObject('loadTemplates', options)
  const { createTemplates } = await import('./templates.js')
  return createTemplates(options)
}

/** Programs in JavaScript may give a path, of which nothing would be taken. */
function requireObject(name: string, options: unknown): void {
  if (typeof options === 'object' && options !== null) return
  throw new LagoError('LAGO_USAGE', `${name} takes an object with options, not ${JSON.stringify(options)}`, {
    hint: `such as ${name}({ workdir: '.lago' })`,
  })
}
