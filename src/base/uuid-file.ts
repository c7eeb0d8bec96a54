/** Whether an environment is there: records elsewhere on the host name the file that holds its uuid. */
import { isSystemError } from './errors.js'
import { readSmallFile } from './read-small-file.js'

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
    return (await readSmallFile(uuidPath))?.trim() === uuid.trim()
  } catch (error) {
    return !isSystemError(error, 'ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENAMETOOLONG', 'ENXIO')
  }
}
