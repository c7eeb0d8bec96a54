/** Whether an environment is there: records elsewhere on the host name the file that holds its uuid. */
import { readFile } from 'node:fs/promises'
import { isSystemError } from './errors.js'

/** The file with the uuid of an environment, and what stands in it. */
export interface UuidFile {
  /** Absolute. */
  readonly uuidPath: string
  readonly uuid: string
}

/**
 * False: the file is gone or says otherwise. One that cannot be read proves nothing, and its environment counts as there:
 * it is another user's.
 */
export async function holdsUuid({ uuidPath, uuid }: UuidFile): Promise<boolean> {
  try {
    return (await readFile(uuidPath, 'utf8')).trim() === uuid.trim()
  } catch (error) {
    return !isSystemError(error, 'ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENAMETOOLONG')
  }
}
