/** `init`, `loadEnv` and `loadTemplates`. This file is light: what they need is loaded when they are called. */
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
  const { initEnv } = await import('./init-env.js')
  return initEnv(options)
}

/**
 * Opens an environment that is there, running or not. `await using` closes it at the end of the block, no more.
 * Throws `LAGO_NO_WORKDIR`, `LAGO_NO_PREFIX`, `LAGO_PREFIX_CORRUPT`, `LAGO_USAGE`.
 */
export async function loadEnv(options: LoadOptions = {}): Promise<Env> {
  const { loadExistingEnv } = await import('./load-existing-env.js')
  return loadExistingEnv(options)
}

/**
 * The templates that environments are made from: what `lago template` does. Configuration as for `init`.
 * Throws `LAGO_USAGE`.
 */
export async function loadTemplates(options: TemplatesOptions = {}): Promise<Templates> {
  const { createTemplates } = await import('./templates.js')
  return createTemplates(options)
}
