/** From an entry of a repository's `sources` to something that can be asked for images (spec 4.1). */
import path from 'node:path'
import { LagoError } from '../base/errors.js'
import { expandVars } from '../base/expand-vars.js'
import { objectAt, repositoryError, stringAt, type RepositoryFile } from './repository-file.js'
import { createFileSource } from './source-file.js'
import type { TemplateSource } from './types.js'

/**
 * The source called `name`.
 *
 * A relative `root` counts from the repository file's directory, so that a repository can be moved as a whole.
 * Throws `LAGO_TEMPLATE_REPO` when it is not there, of an unknown type, or lacks what its type needs. An `http` source
 * throws `LAGO_DOWNLOAD` when it is really asked for something.
 */
export function createSource(
  file: RepositoryFile,
  name: string,
  vars: Readonly<Record<string, string | undefined>>,
): TemplateSource {
  const key = `sources.${name}`
  if (!Object.hasOwn(file.sources, name))
    throw repositoryError(file.path, `there is no source "${name}"; known: ${Object.keys(file.sources).join(', ')}`)
  const entry = objectAt(file.path, key, file.sources[name])
  const type = stringAt(file.path, `${key}.type`, entry['type'])
  const args = objectAt(file.path, `${key}.args`, entry['args'])
  switch (type) {
    case 'file': {
      const root = expandHome(expandVars(stringAt(file.path, `${key}.args.root`, args['root']), vars), vars['HOME'])
      return createFileSource(path.resolve(path.dirname(file.path), root))
    }
    case 'http':
      return laterSource(name, stringAt(file.path, `${key}.args.baseurl`, args['baseurl']))
    default:
      throw repositoryError(file.path, `"${key}.type" is "${type}"; known: file, http`)
  }
}

function expandHome(text: string, home: string | undefined): string {
  return home === undefined ? text : text.replace(/^~(?=\/|$)/, () => home)
}

/** Knows that it would have to download: templates that are in the store already never ask. */
function laterSource(name: string, baseUrl: string): TemplateSource {
  const refuse = async (_: unknown, handle: string): Promise<never> => {
    throw new LagoError(
      'LAGO_DOWNLOAD',
      `cannot fetch ${handle} of source "${name}": http sources come with a later version`,
      {
        hint: 'fetch the image with its .hash and .metadata, and use a source of type "file"',
        data: { source: name, handle, baseUrl: baseUrl.replace(/\/\/[^/@]*@/, '//') },
      },
    )
  }
  return { describe: (handle) => handle, digests: refuse, metadata: refuse, fetch: refuse }
}
