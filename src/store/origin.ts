/** What Lago remembers of a stored template beside upstream's files: where it came from, and what is in it. */
import { readFile } from 'node:fs/promises'
import { isSystemError } from '../base/errors.js'
import { writeJsonAtomic } from '../base/files.js'
import type { PublishedDigest } from './types.js'

export interface Origin {
  /** Path or URL of the repository file; undefined for an image that was imported. */
  readonly repository?: string
  /** Path or URL of the image, without user and password. */
  readonly image: string
  /** What was published of it, and held. */
  readonly digests: readonly Pick<PublishedDigest, 'name' | 'hex'>[]
  /** Of the raw image in the store: `contentDigest`. */
  readonly content: string
  readonly storedAtMs: number
}

export async function writeOrigin(originPath: string, origin: Origin): Promise<void> {
  await writeJsonAtomic(originPath, origin)
}

/** Undefined where there is none, as for images that upstream has put there; one that is damaged counts as none. */
export async function readOrigin(originPath: string): Promise<Origin | undefined> {
  const text = await readFile(originPath, 'utf8').catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  })
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return isOrigin(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isOrigin(value: unknown): value is Origin {
  if (typeof value !== 'object' || value === null) return false
  const { image, content, digests, storedAtMs } = value as Partial<Record<keyof Origin, unknown>>
  return (
    typeof image === 'string' && typeof content === 'string' && typeof storedAtMs === 'number' && Array.isArray(digests)
  )
}
