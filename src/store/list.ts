/** What templates there are: in the repository that is configured, and in the store. */
import { isLagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { storeKeyOf } from './key.js'
import type { StoredInfo } from './stored.js'
import type { TemplateRef, TemplateRepository } from './types.js'

export interface TemplateListing {
  readonly ref: TemplateRef
  /** Undefined: it is not in the store. */
  readonly stored: StoredInfo | undefined
  /** The repository has it. */
  readonly isOffered: boolean
  /** What an init file without a version gets from the repository. */
  readonly isLatest: boolean
}

/** Those of the repository in its order, latest versions first; then what else is in the store. Broken entries are told. */
export function listTemplates(
  task: Task,
  repository: TemplateRepository | undefined,
  stored: readonly StoredInfo[],
): readonly TemplateListing[] {
  const byKey = new Map(stored.map((info) => [info.files.key, info]))
  const offered = (repository?.templates ?? []).flatMap((name) =>
    versionsOf(task, repository, name).map((version, index): TemplateListing => {
      const ref = { repo: repository?.name ?? '', name, version }
      const info = byKey.get(keyOf(ref))
      if (info !== undefined) byKey.delete(info.files.key)
      return { ref, stored: info, isOffered: true, isLatest: index === 0 }
    }),
  )
  const others = [...byKey.values()].map((info) => ({
    ref: info.ref,
    stored: info,
    isOffered: false,
    isLatest: false,
  }))
  return [...offered, ...others]
}

function versionsOf(task: Task, repository: TemplateRepository | undefined, name: string): readonly string[] {
  try {
    return repository?.versions(name) ?? []
  } catch (error) {
    if (!isLagoError(error, 'LAGO_TEMPLATE_REPO')) throw error
    task.log('warning', error.message)
    return []
  }
}

/** Names that cannot be in a store are in none. */
function keyOf(ref: TemplateRef): string {
  try {
    return storeKeyOf(ref)
  } catch {
    return ''
  }
}
