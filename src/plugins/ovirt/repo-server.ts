/** The server from which guests install: `<prefix>/internal_repo` on the gateway of the management net (spec 7.3). */
import type { Task } from '../../base/task.js'
import type { Env } from '../../index.js'

/** Runs `work` while the internal repository of `env` is served. */
export async function withRepoServer<T>(_task: Task, _env: Env, work: () => Promise<T>): Promise<T> {
  return await work()
}
