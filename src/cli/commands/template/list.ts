import type { StoredInfo } from '../../../store/stored.js'
import type { TemplateListing } from '../../../store/list.js'
import type { CommandSpec } from '../../command.js'
import { withHost } from '../context.js'
import { REPOSITORY_OPTIONS, STORE_OPTION } from './options.js'

export const templateList: CommandSpec = {
  name: 'template list',
  summary: 'Show the templates of the repository and of the store, with sizes and users',
  example: 'lago template list',
  args: [],
  options: [...REPOSITORY_OPTIONS, STORE_OPTION],
  async run(context) {
    const { listOf } = await import('../../../sdk/template-verbs.js')
    return withHost(context, async (host) => {
      const all = await listOf(context.task, { ...context, host })
      const isBrief = context.config.outFormat === 'default'
      return { output: grouped(all, isBrief) }
    })
  },
}

/** By repository, template and version. */
function grouped(all: readonly TemplateListing[], isBrief: boolean): Readonly<Record<string, unknown>> {
  const output: Record<string, Record<string, Record<string, unknown>>> = {}
  for (const listing of all) {
    const { repo, name, version } = listing.ref
    const templates = (output[repo] ??= {})
    const versions = (templates[name] ??= {})
    versions[version] = isBrief ? briefly(listing) : facts(listing)
  }
  return output
}

function facts({ stored, isOffered, isLatest }: TemplateListing): Readonly<Record<string, unknown>> {
  return {
    in_repository: isOffered,
    latest: isLatest,
    in_store: stored !== undefined,
    ...(stored === undefined ? {} : storedFacts(stored)),
  }
}

export function storedFacts({
  files,
  sizeBytes,
  usedBytes,
  users,
  storedAtMs,
  origin,
}: StoredInfo): Readonly<Record<string, unknown>> {
  return {
    path: files.image,
    size_bytes: sizeBytes,
    disk_use_bytes: usedBytes,
    stored_at: new Date(storedAtMs).toISOString(),
    ...(origin === undefined ? {} : { from: origin.image }),
    used_by: users.map(({ uuidPath }) => uuidPath.replace(/\/uuid$/, '')),
  }
}

function briefly({ stored, isOffered, isLatest }: TemplateListing): string {
  const where =
    stored === undefined ? ['not in the store'] : [`${mebibytes(stored.usedBytes)} in the store`, usage(stored)]
  return [...(isLatest ? ['latest'] : []), ...where, ...(isOffered ? [] : ['not in the repository'])].join(', ')
}

function usage({ users }: StoredInfo): string {
  if (users.length === 0) return 'unused'
  return users.length === 1 ? 'used by 1 environment' : `used by ${users.length} environments`
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`
}
