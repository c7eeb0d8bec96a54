/** Who may log in by key (sshd(8), AUTHORIZED_KEYS FILE FORMAT). */
import type { FileOperation } from '../../disk/ext4-write/operations.js'
import type { Account } from './accounts.js'
import { asLatin1, contentOf, joinLines, linesOf } from './lines.js'
import { keysPathIn, type Snapshot } from './snapshot.js'

/** The key beside those that are there already; the directory and the file are the user's alone, as sshd demands. */
export function planAuthorizedKeys(
  { files, directories }: Pick<Snapshot, 'files' | 'directories'>,
  { homeDir, uid, gid }: Account,
  publicKey: string,
): readonly FileOperation[] {
  const keysPath = keysPathIn(homeDir)
  const kept = linesOf(files.get(keysPath)?.text ?? '').filter((line) => !isOfKey(line, publicKey))
  const owner = { uid, gid }
  const home: FileOperation = { kind: 'directory', path: homeDir, mode: 0o700, ...owner }
  return [
    ...(homeDir === '' || directories.has(homeDir) ? [] : [home]),
    { kind: 'directory', path: `${homeDir}/.ssh`, mode: 0o700, ...owner },
    {
      kind: 'file',
      path: keysPath,
      content: contentOf(joinLines([...kept, asLatin1(publicKey)])),
      mode: 0o600,
      ...owner,
    },
  ]
}

/** sshd takes the first line with a key, and one of the image may allow it less: `command="echo no" ssh-ed25519 ...` */
function isOfKey(line: string, publicKey: string): boolean {
  const [, blob] = publicKey.split(' ')
  return blob !== undefined && !line.trimStart().startsWith('#') && line.split(/\s+/).includes(blob)
}
