/** What environments that are gone have left on the host. */
import type { LeftoverFacts } from './facts.js'
import { byHand } from './remedy.js'
import { ok, warning, type Check } from './types.js'

export const leftovers: Check = {
  id: 'leftovers',
  title: 'what belongs to no environment any more',
  async run(task, { facts }) {
    const found = await facts.leftovers(task)
    if (found.length === 0) return ok('there is nothing')
    return warning(`${found.length} whose environment is gone: ${few(found.map(nameOf))}`, byHand('lago gc'))
  },
}

function nameOf({ kind, name }: LeftoverFacts): string {
  return `${kind} ${name}`
}

const SHOWN = 3

function few(names: readonly string[]): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ''
  return `${names.slice(0, SHOWN).join(', ')}${more}`
}
