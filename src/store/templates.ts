/** Where templates are sought: in the repository that is configured, then among those that were imported on this host. */
import { LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { openRepository, type RepositoryOptions } from './open-repository.js'
import { didYouMean } from './repository.js'
import { listStored, type StoredInfo } from './stored.js'
import type { TemplateRepository, TemplateSource, TemplateVersion } from './types.js'

/** The repository, in names of the store, of images that `lago template import` has put there. */
export const IMPORTED = 'imported'

export interface Templates {
  /** Undefined: none is configured. */
  readonly repository: TemplateRepository | undefined
  /**
   * Without `version` the latest. A template of the repository goes before one that was imported.
   * Throws `LAGO_TEMPLATE_UNKNOWN`, listing the names or versions that exist; `LAGO_TEMPLATE_REPO` for a broken entry,
   * or when there are neither repository nor imported templates.
   */
  find(template: string, version?: string): TemplateVersion
}

export async function openTemplates(task: Task, storeDir: string, options: RepositoryOptions): Promise<Templates> {
  const repository = await openRepository(task, options)
  const imported = (await listStored(storeDir)).filter(({ ref }) => ref.repo === IMPORTED)
  const find = (template: string, version?: string): TemplateVersion => {
    const own = imported.filter(({ ref }) => ref.name === template)
    if (repository?.templates.includes(template) === true || (own.length === 0 && imported.length === 0))
      return requireRepository(repository).find(template, version)
    if (own.length === 0) throw unknownTemplate(template, repository, imported)
    return importedVersion(template, own, version, find)
  }
  return { repository, find }
}

function importedVersion(
  template: string,
  own: readonly StoredInfo[],
  version: string | undefined,
  sibling: TemplateVersion['sibling'],
): TemplateVersion {
  const latestFirst = [...own].sort((one, other) => other.storedAtMs - one.storedAtMs)
  const info = version === undefined ? latestFirst[0] : own.find(({ ref }) => ref.version === version)
  if (info === undefined) {
    const known = latestFirst.map(({ ref }) => ref.version)
    throw new LagoError(
      'LAGO_TEMPLATE_UNKNOWN',
      `template "${template}" was not imported in version "${version}"; there is: ${known.join(', ')}`,
      { hint: didYouMean(version ?? '', known), data: { template, version, known } },
    )
  }
  const { ref, storedAtMs, origin } = info
  return {
    ref,
    timestamp: storedAtMs / 1000,
    repository: IMPORTED,
    source: noSource(template),
    handle: origin?.image ?? template,
    digests: [],
    checksums: [],
    metadata: undefined,
    sibling,
  }
}

/** It was there a moment ago; nobody knows how to get it again. */
function noSource(template: string): TemplateSource {
  const refuse = async (): Promise<never> => {
    throw new LagoError('LAGO_TEMPLATE_UNKNOWN', `the imported template "${template}" is not in the store any more`, {
      hint: `lago template import ${template} IMAGE`,
    })
  }
  return { suffixes: [''], describe: (handle) => handle, text: refuse, open: refuse }
}

function unknownTemplate(
  template: string,
  repository: TemplateRepository | undefined,
  imported: readonly StoredInfo[],
): LagoError {
  const names = [...new Set(imported.map(({ ref }) => ref.name))]
  const where = repository === undefined ? '' : `is not in repository "${repository.name}" (${repository.place}) and `
  const has = repository === undefined ? '' : `; it has: ${repository.templates.join(', ') || 'none'}`
  const known = [...(repository?.templates ?? []), ...names]
  return new LagoError(
    'LAGO_TEMPLATE_UNKNOWN',
    `template "${template}" ${where}was not imported${has}; imported: ${names.join(', ')}`,
    { hint: didYouMean(template, known), data: { template, repository: repository?.place, known } },
  )
}

/** Throws `LAGO_TEMPLATE_REPO` when none is configured. */
export function requireRepository(repository: TemplateRepository | undefined): TemplateRepository {
  if (repository !== undefined) return repository
  throw new LagoError('LAGO_TEMPLATE_REPO', 'no template repository is given', {
    hint: 'name its file with --template-repo-path, set template_repo_path in lago.conf, or take an image in: lago template import',
  })
}
