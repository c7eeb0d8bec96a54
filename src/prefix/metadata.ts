/** What a prefix says of itself, beside the version that made it: facts that plugins note there. */
import { readFile } from 'node:fs/promises'
import { isSystemError, LagoError } from '../base/errors.js'
import { writeJsonAtomic } from '../base/files.js'
import type { PrefixLayout } from './layout.js'

const VERSION = 'lago_version'

/** To be called with the prefix's lock held. Throws `LAGO_USAGE` for what is Lago's own. */
export async function setMetadata(layout: PrefixLayout, values: Readonly<Record<string, string>>): Promise<void> {
  if (VERSION in values)
    throw new LagoError('LAGO_USAGE', `${VERSION} of an environment cannot be set`, {
      hint: 'it says which version made the environment; choose another key',
    })
  const before = JSON.parse(await readOrEmpty(layout.metadata)) as Record<string, unknown> // openPrefix has checked it
  await writeJsonAtomic(layout.metadata, { ...before, ...values })
}

/** Prefixes of before 0.37 need not have the file (spec 2.2). */
async function readOrEmpty(filePath: string): Promise<string> {
  return readFile(filePath, 'utf8').catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return '{}'
    throw error
  })
}
