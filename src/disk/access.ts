/** Why qemu cannot open an image although the file itself is fine: a directory above it keeps qemu's user out. */
import { readFile, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError } from '../base/errors.js'

export interface HostUser {
  readonly name: string
  readonly uid: number
  readonly gids: readonly number[]
}

export interface BlockedDir {
  /** The topmost directory that the user cannot enter. */
  readonly dir: string
  /** The command that opens every such directory on the way: `chmod o+x /root /root/env`. */
  readonly command: string
}

/**
 * Finds what keeps `user` from reaching `filePath`; undefined: nothing does.
 *
 * Looks at owner, group and mode only: a directory opened by an ACL is reported as blocked, so use it to explain a
 * failure, not to predict one. A path that does not exist is judged by the directories that do.
 */
export async function findBlockedDir(filePath: string, user: HostUser): Promise<BlockedDir | undefined> {
  const blocked: string[] = []
  for (const dir of await dirsAbove(filePath)) if (!(await canEnter(dir, user))) blocked.push(dir)
  const [first] = blocked
  return first === undefined ? undefined : { dir: first, command: `chmod o+x ${blocked.join(' ')}` }
}

/** The user that distributions run qemu as, or undefined where libvirt is not installed. */
export async function findQemuUser(
  passwdPath = '/etc/passwd',
  groupPath = '/etc/group',
): Promise<HostUser | undefined> {
  const users = await readTable(passwdPath)
  const found = QEMU_USERS.map((name) => users.find((fields) => fields[0] === name)).find((fields) => fields)
  if (found === undefined) return undefined
  const [name = '', , uid, gid] = found
  const groups = (await readTable(groupPath)).filter((fields) => fields[3]?.split(',').includes(name))
  return { name, uid: Number(uid), gids: [Number(gid), ...groups.map((fields) => Number(fields[2]))] }
}

const QEMU_USERS = ['libvirt-qemu', 'qemu'] // Debian, Fedora

/** passwd(5), group(5): lines of fields with colons between them. */
async function readTable(tablePath: string): Promise<readonly (readonly string[])[]> {
  const lines = (await readFile(tablePath, 'utf8')).split('\n')
  return lines.filter((line) => line !== '').map((line) => line.split(':'))
}

/** From the root down, of the real path: links have no modes of their own. */
async function dirsAbove(filePath: string): Promise<string[]> {
  const dirs = [await realDirOf(filePath)]
  for (;;) {
    const [top = '/'] = dirs
    if (top === path.dirname(top)) return dirs
    dirs.unshift(path.dirname(top))
  }
}

async function realDirOf(filePath: string): Promise<string> {
  try {
    return path.dirname(await realpath(filePath))
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error
    const parent = path.dirname(filePath)
    return realpath(parent).catch(async () => realDirOf(parent))
  }
}

/** path_resolution(7): the first class that fits decides, owner before group before the rest. */
async function canEnter(dir: string, user: HostUser): Promise<boolean> {
  const { mode, uid, gid } = await stat(dir)
  if (user.uid === 0) return true
  if (uid === user.uid) return (mode & 0o100) !== 0
  if (user.gids.includes(gid)) return (mode & 0o010) !== 0
  return (mode & 0o001) !== 0
}
