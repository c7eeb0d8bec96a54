import { LagoError } from '../base/errors.js'

/** It becomes part of files' names. Throws `LAGO_SNAPSHOT_NAME`. */
export function requireSnapshotName(name: string): void {
  if (/^\w[\w.+-]{0,63}$/.test(name)) return
  throw new LagoError('LAGO_SNAPSHOT_NAME', `${JSON.stringify(name)} cannot be the name of a snapshot`, {
    hint: 'up to 64 letters, digits, ".", "_", "+" and "-", beginning with a letter or a digit',
  })
}
