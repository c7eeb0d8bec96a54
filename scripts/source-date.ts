/** The date that a build gives its files. */
import { LagoError } from '../src/base/errors.js'

/**
 * Of `SOURCE_DATE_EPOCH` in `env`, whole seconds since the epoch; undefined: it is not set, or empty. Throws
 * `LAGO_BAD_DATE` for anything else, and beyond the year 9999. https://reproducible-builds.org/specs/source-date-epoch/
 */
export function sourceDate(env: Readonly<Record<string, string | undefined>>): Date | undefined {
  const epoch = env['SOURCE_DATE_EPOCH']
  if (!epoch) return undefined
  if (/^[0-9]+$/.test(epoch) && Number(epoch) < END_OF_9999) return new Date(Number(epoch) * 1000)
  throw new LagoError('LAGO_BAD_DATE', `SOURCE_DATE_EPOCH is ${JSON.stringify(epoch)}, which is no time`, {
    hint: 'whole seconds since 1970, as of `git log -1 --format=%ct`; or unset it',
  })
}

const END_OF_9999 = Date.UTC(10_000, 0) / 1000
