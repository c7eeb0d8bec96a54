/** Where everything of a template version is in the store (spec 4.3). The one place that knows these names. */
import path from 'node:path'
import { refOfKey, storeKeyOf } from './key.js'
import type { TemplateRef } from './types.js'

/** Absolute paths. */
export interface StoreFiles {
  readonly key: string
  readonly image: string
  /** SHA-1 of the file that was published, before its conversion. */
  readonly hash: string
  readonly metadata: string
  readonly lock: string
  /** Who uses it. */
  readonly users: string
  /** Where it came from, and what is in it: Lago's own. */
  readonly origin: string
  /** As downloaded; upstream's name. */
  readonly download: string
  readonly converted: string
}

const SUFFIXES = {
  hash: '.hash',
  metadata: '.metadata',
  lock: '.lock',
  users: '.users',
  origin: '.origin',
  download: '.tmp',
  converted: '.raw.tmp',
} as const

export function storeFilesOf(dir: string, ref: TemplateRef): StoreFiles {
  const key = storeKeyOf(ref)
  const image = path.join(dir, key)
  const files = Object.entries(SUFFIXES).map(([name, suffix]) => [name, `${image}${suffix}`] as const)
  return { key, image, ...(Object.fromEntries(files) as Record<keyof typeof SUFFIXES, string>) } // one for each
}

/** The template versions of which there is an image among the names of the store's files. */
export function refsAmong(names: readonly string[]): readonly TemplateRef[] {
  const all = new Set(names)
  return names.flatMap((name) => {
    const belongsToAnother = Object.values(SUFFIXES).some(
      (suffix) => name.endsWith(suffix) && (all.has(name.slice(0, -suffix.length)) || TRANSIENT.includes(suffix)),
    )
    const ref = belongsToAnother ? undefined : refOfKey(name)
    return ref === undefined ? [] : [ref]
  })
}

/** What is there without an image as well: locks are never removed, the others are of a fetch under way. */
const TRANSIENT: readonly string[] = [
  SUFFIXES.lock,
  SUFFIXES.download,
  SUFFIXES.hash,
  SUFFIXES.metadata,
  SUFFIXES.users,
  SUFFIXES.origin,
]
