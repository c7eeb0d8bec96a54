/** Places inside a repository, as it gives them itself. */
import { plainLine } from '../base/plain-text.js'
import { repositoryError } from './errors.js'

/** A path that stays below where it begins. Throws `LAGO_RPM_REPOSITORY` for any other; `what` says whose it is. */
export function requireRelative(href: string, what: string): string {
  const parts = href.replace(/^(\.\/)+/, '').split('/')
  // eslint-disable-next-line no-control-regex -- names with such characters are what is refused
  const isPlain = parts.every((part) => part !== '' && part !== '.' && part !== '..' && !/[\0-\x1f\x7f\\]/.test(part))
  if (isPlain && !/^[a-z][a-z\d+.-]*:\//i.test(href)) return parts.join('/')
  throw repositoryError(
    `${what} gives a place that leads out of the repository: ${JSON.stringify(plainLine(href, 200))}`,
    {
      hint: 'do not use this repository: it is broken or hostile',
    },
  )
}
