/** The name of a template version in the store: `R:T:V` (spec 4.3). */
import { LagoError } from '../base/errors.js'
import type { TemplateRef } from './types.js'

/**
 * Throws `LAGO_TEMPLATE_REPO` for a part that could not be told apart again or would leave the store's directory:
 * empty, `.`, `..`, or with a slash, a colon or a control character in it.
 */
export function storeKeyOf({ repo, name, version }: TemplateRef): string {
  for (const [what, part] of [
    ['repository', repo],
    ['template', name],
    ['version', version],
  ] as const)
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    if (/^\.{0,2}$|[/:\u0000-\u001f\u007f]/.test(part))
      throw new LagoError('LAGO_TEMPLATE_REPO', `${what} name ${JSON.stringify(part)} cannot be used in the store`, {
        hint: 'names of repositories, templates and versions have no "/", ":" or control characters',
        data: { repo, name, version },
      })
  return `${repo}:${name}:${version}`
}

/** The way back; undefined for another file's name. */
export function refOfKey(key: string): TemplateRef | undefined {
  const [, repo, name, version] = /^([^:]+):([^:]+):([^:]+)$/.exec(key) ?? []
  return repo === undefined || name === undefined || version === undefined ? undefined : { repo, name, version }
}
