/** Root's password, as a hash that crypt(5) knows. */
import type { FileOperation } from '../../disk/ext4-write/operations.js'
import { withPasswordHash } from './accounts.js'
import { kept } from './lines.js'
import type { Snapshot } from './snapshot.js'

/** Where hashes are kept, in this order; undefined: root is in neither table. */
export function planRootPassword({ files }: Pick<Snapshot, 'files'>, hash: string): FileOperation | undefined {
  if (!/^[!-9;-~]+$/.test(hash)) throw new Error('not the hash of a password') // no colon, no blank, nothing else than ASCII
  for (const path of ['/etc/shadow', '/etc/passwd']) {
    const file = files.get(path)
    const changed = file && withPasswordHash(file.text, 'root', hash)
    if (changed !== undefined) return kept(path, file, changed)
  }
  return undefined
}
