/** Name to thing; an unknown or a duplicate name is answered with the list of those there are. */
import { LagoError } from './errors.js'

export interface Registry<T> {
  /** Throws `LAGO_UNKNOWN_KIND`, listing `names()`. */
  get(name: string): T
  names(): readonly string[]
}

/** `what` is the noun for messages, e.g. `VM type`. Throws `LAGO_PLUGIN_CONFLICT` for a name given twice. */
export function createRegistry<T>(what: string, entries: Iterable<readonly [string, T]>): Registry<T> {
  const things = new Map<string, T>()
  for (const [name, thing] of entries) {
    if (things.has(name)) throw new LagoError('LAGO_PLUGIN_CONFLICT', `${what} "${name}" is defined twice`)
    things.set(name, thing)
  }
  return {
    names: () => [...things.keys()],
    get(name) {
      const thing = things.get(name)
      if (thing !== undefined) return thing
      const known = [...things.keys()].join(', ')
      throw new LagoError('LAGO_UNKNOWN_KIND', `unknown ${what} "${name}"; known: ${known}`, {
        data: { what, name, known: [...things.keys()] },
      })
    },
  }
}
