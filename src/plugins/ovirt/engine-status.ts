import type { Task } from '../../base/task.js'
import { engineFacts } from '../../engine/resources.js'
import type { EngineFacts, EngineOptions } from '../../engine/types.js'
import type { Env } from '../../index.js'
import { withEngine } from './engine-access.js'
import { engineVm } from './roles.js'

export interface EngineStatus {
  readonly global: { readonly version: string; readonly web_ui: WebInterface }
  readonly items: EngineFacts['items']
}

export interface WebInterface {
  readonly url: string
  readonly username: string
  /** Printed on purpose, and only as the answer of a verb: it is the user's own, from the init file. */
  readonly password: string
}

/** The tree of spec 7.8; suites look for `global/version: ` in its flat form. */
export async function engineStatus(task: Task, env: Env, access: EngineOptions): Promise<EngineStatus> {
  const { version, items } = await withEngine(task, access, async (engine) => engineFacts(task, engine))
  const { user: username, password } = access
  return { global: { version, web_ui: { url: engineVm(env).ip ?? access.url, username, password } }, items }
}

/** What `start` tells at its end. */
export function webInterface({ url, user: username, password }: EngineOptions): WebInterface {
  return { url: url.replace(/\/ovirt-engine$/, ''), username, password }
}
