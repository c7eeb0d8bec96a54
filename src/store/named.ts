/** Those of the stored templates that are named. */
import { LagoError } from '../base/errors.js'
import { didYouMean } from './repository.js'
import type { StoredInfo } from './stored.js'
import { isNamed, parseTemplateName } from './template-name.js'

/** All of them when there are no names. Throws `LAGO_TEMPLATE_UNKNOWN`, listing what is there, and `LAGO_USAGE`. */
export function selectStored(stored: readonly StoredInfo[], names: readonly string[]): readonly StoredInfo[] {
  if (names.length === 0) return stored
  const wanted = names.map((name) => ({ name, parsed: parseTemplateName(name) }))
  for (const { name, parsed } of wanted)
    if (!stored.some(({ ref }) => isNamed(parsed, ref))) throw notStored(name, stored)
  return stored.filter(({ ref }) => wanted.some(({ parsed }) => isNamed(parsed, ref)))
}

function notStored(name: string, stored: readonly StoredInfo[]): LagoError {
  const known = stored.map(({ files }) => files.key)
  const names = [...new Set(stored.map(({ ref }) => ref.name))]
  return new LagoError(
    'LAGO_TEMPLATE_UNKNOWN',
    `template ${name} is not in the store; it has: ${known.join(', ') || 'none'}`,
    {
      hint: didYouMean(name, names),
      data: { template: name, known },
    },
  )
}
