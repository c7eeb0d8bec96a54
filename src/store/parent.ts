/** The template that a layer of another host needs, by the name `T:V` that it goes by there (spec 4.8). */
import type { Task } from '../base/task.js'
import type { StoredTemplate, TemplateRepository, TemplateStore } from './types.js'

export interface ParentName {
  readonly template: string
  readonly version: string
}

/** Undefined for a file that is not called so. Directories count for nothing: they are those of another host. */
export function parentNameOf(backingPath: string): ParentName | undefined {
  const [, template, version] = /(?:^|\/)([^/:]+):([^/:]+)$/.exec(backingPath) ?? []
  return template === undefined || version === undefined ? undefined : { template, version }
}

/** Fetched now if it has to be. Throws `LAGO_TEMPLATE_UNKNOWN` and what fetching throws. */
export async function ensureParent(
  task: Task,
  store: TemplateStore,
  repository: TemplateRepository,
  { template, version }: ParentName,
): Promise<StoredTemplate> {
  return store.ensure(task, repository.find(template, version))
}
