/** From an entry of a repository's `sources` to something that can be asked for images (spec 4.1). */
import path from 'node:path'
import { expandVars } from '../base/expand-vars.js'
import type { Downloader } from './download/types.js'
import {
  objectAt,
  repositoryError,
  stringAt,
  stringsAt,
  type JsonObject,
  type RepositoryFile,
} from './repository-file.js'
import { createFileSource } from './source-file.js'
import { createHttpSource } from './source-http.js'
import type { TemplateSource } from './types.js'

export interface SourceContext {
  /** For `$VARS` and `~` in the roots of `file` sources. */
  readonly vars: Readonly<Record<string, string | undefined>>
  readonly downloader: Downloader
}

/**
 * The source called `name`.
 *
 * A relative `root` or `baseurl` counts from the repository file, so that a repository can be moved as a whole, from a
 * web server to a directory, too. Throws `LAGO_TEMPLATE_REPO` when it is not there, of an unknown type, or lacks what
 * its type needs.
 */
export function createSource(file: RepositoryFile, name: string, context: SourceContext): TemplateSource {
  const key = `sources.${name}`
  if (!Object.hasOwn(file.sources, name))
    throw repositoryError(file.place, `there is no source "${name}"; known: ${Object.keys(file.sources).join(', ')}`)
  const entry = objectAt(file.place, key, file.sources[name])
  const type = stringAt(file.place, `${key}.type`, entry['type'])
  const args = objectAt(file.place, `${key}.args`, entry['args'])
  switch (type) {
    case 'file':
      return fileSource(file, expanded(stringAt(file.place, `${key}.args.root`, args['root']), context.vars), context)
    case 'http':
      return httpSource(file, key, args, context)
    default:
      throw repositoryError(file.place, `"${key}.type" is "${type}"; known: file, http`)
  }
}

function fileSource(file: RepositoryFile, root: string, context: SourceContext): TemplateSource {
  if (!isUrl(file.place)) return createFileSource(path.resolve(path.dirname(file.place), root))
  if (path.isAbsolute(root))
    throw repositoryError(file.place, `a repository at a URL cannot have images in ${root} of this host`)
  // a directory that is served: what stands beside the repository file is at its server
  return createHttpSource(context.downloader, [urlFrom(file.place, root)])
}

function httpSource(file: RepositoryFile, key: string, args: JsonObject, context: SourceContext): TemplateSource {
  const baseUrl = stringAt(file.place, `${key}.args.baseurl`, args['baseurl'])
  const mirrors = stringsAt(file.place, `${key}.args.mirrors`, args['mirrors'])
  const urls = [baseUrl, ...mirrors]
  const wrong = urls.find((url) => isUrl(url) && !/^https?:/i.test(url))
  if (wrong !== undefined) throw repositoryError(file.place, `"${key}" has ${wrong}, which is not of http or https`)
  if (urls.every(isUrl)) return createHttpSource(context.downloader, urls)
  if (isUrl(file.place))
    return createHttpSource(
      context.downloader,
      urls.map((url) => urlFrom(file.place, url)),
    )
  if (urls.length > 1) throw repositoryError(file.place, `"${key}" has mirrors, but no whole URL in "baseurl"`)
  return createFileSource(path.resolve(path.dirname(file.place), baseUrl))
}

/** A text that names a server, not a file. */
export function isUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
}

function urlFrom(base: string, relative: string): string {
  return new URL(`${relative.replace(/\/*$/, '')}/`, base).href
}

function expanded(root: string, vars: SourceContext['vars']): string {
  const text = expandVars(root, vars)
  const home = vars['HOME']
  return home === undefined ? text : text.replace(/^~(?=\/|$)/, () => home)
}
