/** Templates for a prefix: where they are sought is read once, when the first is asked for. */
import type { Task } from '../base/task.js'
import { openTemplates, type Templates } from '../store/templates.js'
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
  let opened: Promise<Templates> | undefined
  return {
    async ensure(task, name, version) {
      opened ??= openTemplates(task, host.store.dir, host.templateOptions(vars))
      return host.store.ensure(task, (await opened).find(name, version), user)
    },
  }
}
