/** What can be wrong with a repository, however it is read. */
import { LagoError } from '../base/errors.js'

/** `LAGO_RPM_REPOSITORY`: what a repository says of itself cannot be used, or does not hold. */
export function repositoryError(
  message: string,
  options: { readonly hint?: string; readonly cause?: unknown } = {},
): LagoError {
  return new LagoError('LAGO_RPM_REPOSITORY', message, options)
}

/** `LAGO_RPM_MISSING`: packages that a repository lists are not to be had; `names` are those of files. */
export function missingError(names: readonly string[], from: string): LagoError {
  const shown = names.slice(0, MOST_SHOWN).map((name) => `RPM ${name} is missing from ${from}`)
  const more = names.length > shown.length ? `; and ${names.length - shown.length} more` : ''
  return new LagoError('LAGO_RPM_MISSING', `${shown.join('; ')}${more}`, {
    hint: 'its list of packages is not up to date; whoever runs it has to run createrepo_c',
    data: { packages: names, from },
  })
}

const MOST_SHOWN = 5
