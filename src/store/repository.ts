/** Which templates a repository has, in which versions, and where their images come from (spec 4.1). */
import { LagoError } from '../base/errors.js'
import { nearest } from '../base/nearest.js'
import { digestNameOf } from './digests.js'
import { DIGEST_NAMES } from '../disk/checksum.js'
import {
  numberAt,
  objectAt,
  repositoryError,
  stringAt,
  stringsAt,
  type JsonObject,
  type RepositoryFile,
} from './repository-file.js'
import { createSource, type SourceContext } from './source.js'
import type { PublishedDigest, TemplateRepository, TemplateVersion } from './types.js'

/** The entries of `file` are checked when they are asked for, so a broken one spoils only itself. */
export function repositoryOf(file: RepositoryFile, context: SourceContext): TemplateRepository {
  const find = (template: string, wanted?: string): TemplateVersion => {
    const versions = versionsOf(file, template)
    const version = wanted ?? sortedVersions(file, template, versions)[0]
    if (version === undefined) throw repositoryError(file.place, `"templates.${template}.versions" has no version`)
    if (!Object.hasOwn(versions, version)) throw unknownVersion(file, template, version, Object.keys(versions))
    return { ...versionAt(file, context, { template, version, raw: versions[version] }), sibling: find }
  }
  return {
    name: file.name,
    place: file.place,
    templates: Object.keys(file.templates),
    versions: (template) => sortedVersions(file, template, versionsOf(file, template)),
    find,
  }
}

function versionAt(
  file: RepositoryFile,
  context: SourceContext,
  { template, version, raw }: { readonly template: string; readonly version: string; readonly raw: unknown },
): Omit<TemplateVersion, 'sibling'> {
  const key = `templates.${template}.versions.${version}`
  const entry = objectAt(file.place, key, raw)
  const { metadata } = entry
  return {
    ref: { repo: file.name, name: template, version },
    timestamp: Number(entry['timestamp'] ?? 0),
    repository: file.place,
    source: createSource(file, stringAt(file.place, `${key}.source`, entry['source']), context),
    handle: stringAt(file.place, `${key}.handle`, entry['handle']),
    digests: digestsAt(file, key, entry),
    checksums: stringsAt(file.place, `${key}.checksums`, entry['checksums']),
    metadata: metadata === undefined ? undefined : objectAt(file.place, `${key}.metadata`, metadata),
  }
}

function digestsAt(file: RepositoryFile, key: string, entry: JsonObject): readonly PublishedDigest[] {
  return DIGEST_NAMES.flatMap((name) => {
    if (entry[name] === undefined) return []
    const hex = stringAt(file.place, `${key}.${name}`, entry[name]).toLowerCase()
    if (digestNameOf(hex) !== name)
      throw repositoryError(file.place, `"${key}.${name}" is not the hex digits of a ${name}`)
    return [{ name, hex, of: 'either' as const, from: file.place }]
  })
}

function versionsOf(file: RepositoryFile, template: string): JsonObject {
  if (!Object.hasOwn(file.templates, template)) throw unknownTemplate(file, template)
  const key = `templates.${template}`
  return objectAt(file.place, `${key}.versions`, objectAt(file.place, key, file.templates[template])['versions'])
}

/** Latest first; of two with one timestamp the one that stands first. */
function sortedVersions(file: RepositoryFile, template: string, versions: JsonObject): readonly string[] {
  const key = `templates.${template}.versions`
  const dated = Object.entries(versions).map(([version, value]) => {
    const { timestamp } = objectAt(file.place, `${key}.${version}`, value)
    return { version, timestamp: numberAt(file.place, `${key}.${version}.timestamp`, timestamp) }
  })
  return dated.sort((one, other) => other.timestamp - one.timestamp).map(({ version }) => version)
}

function unknownTemplate(file: RepositoryFile, template: string): LagoError {
  const known = Object.keys(file.templates)
  const where = `repository "${file.name}" (${file.place})`
  return new LagoError(
    'LAGO_TEMPLATE_UNKNOWN',
    `template "${template}" is not in ${where}; it has: ${known.join(', ') || 'none'}`,
    { hint: didYouMean(template, known), data: { template, repository: file.place, known } },
  )
}

function unknownVersion(file: RepositoryFile, template: string, version: string, known: readonly string[]): LagoError {
  return new LagoError(
    'LAGO_TEMPLATE_UNKNOWN',
    `template "${template}" has no version "${version}" in ${file.place}; it has: ${known.join(', ') || 'none'}`,
    { hint: didYouMean(version, known), data: { template, version, repository: file.place, known } },
  )
}

export function didYouMean(name: string, known: readonly string[]): string | undefined {
  const near = nearest(name, known)
  return near === undefined ? undefined : `did you mean "${near}"?`
}
