/** The register of this host's environments, as verbs keep it. It serves other verbs; none fails for its sake. */
import { messageOf } from '../base/errors.js'
import type { Task } from '../base/task.js'
import type { RegisterEntry } from '../register/register.js'
import type { Host } from './host.js'

/** Also for an environment that was moved here, or made by another program. */
export async function noteEnvironment(task: Task, host: Host, entry: RegisterEntry): Promise<void> {
  try {
    if (!(await host.register.has(entry))) await host.register.note(entry)
  } catch (error) {
    task.log('debug', `${entry.dir} will not be in "lago list --all": ${messageOf(error)}`)
  }
}

export async function forgetEnvironment(task: Task, host: Host, entry: RegisterEntry): Promise<void> {
  await host.register.forget(entry).catch((error: unknown) => {
    task.log('debug', `"lago gc" will find ${entry.dir} gone: ${messageOf(error)}`)
  })
}
