/** Templates for a prefix: where they are sought is read once, when the first is asked for. */
import { shareWork } from '../base/shared-work.js'
import type { Task } from '../base/task.js'
import { openTemplates } from '../store/templates.js'
import type { StoredTemplate, TemplateUser } from '../store/types.js'
import type { Host } from './host.js'

export interface TemplateFinder {
  /** In the store; fetched when it has to be. Without `version` the latest. */
  ensure(task: Task, name: string, version: string | undefined): Promise<StoredTemplate>
}

/** `user` is noted down with every template that is asked for. `vars`: for paths in the repository file. */
export function createTemplateFinder(
  host: Host,
  vars: Readonly<Record<string, string | undefined>>,
  user: TemplateUser,
): TemplateFinder {
  const open = shareWork(async (task) => openTemplates(task, host.store.dir, host.templateOptions(vars)))
  return {
    async ensure(task, name, version) {
      const templates = await open(task)
      return host.store.ensure(task, templates.find(name, version), user)
    },
  }
}
