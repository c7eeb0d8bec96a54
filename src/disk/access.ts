/**
 * Whether qemu's user reaches an image: why it cannot although the file itself is fine (a directory above it keeps it
 * out), and letting it pass a directory that nobody else may enter.
 */
import { chmod, chown, readFile, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { isLagoError, isSystemError, messageOf } from '../base/errors.js'
import { runCommand } from '../base/process.js'
import type { Task } from '../base/task.js'

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
 * Looks at owner, group, mode, and ACLs where getfacl is on the host. A path that does not exist is judged by the
 * directories that do.
 */
export async function findBlockedDir(task: Task, filePath: string, user: HostUser): Promise<BlockedDir | undefined> {
  const blocked: string[] = []
  for (const dir of await dirsAbove(filePath)) if (!(await canEnter(task, dir, user))) blocked.push(dir)
  const [first] = blocked
  return first === undefined ? undefined : { dir: first, command: `chmod o+x ${blocked.join(' ')}` }
}

/**
 * Lets `user` pass through `dir` to what is in it by name, without listing it: by an ACL; where that cannot be, by the
 * directory's group, unless another group has rights to it; else everybody. Does nothing when the user can pass already,
 * and tells the log when the directory is not ours to change.
 * Source: acl(5), chown(2).
 */
export async function letPass(task: Task, dir: string, user: HostUser): Promise<void> {
  if (await canEnter(task, dir, user)) return
  try {
    if (!(await letPassByAcl(task, dir, user)) && !(await letPassByGroup(dir, user)))
      await chmod(dir, ((await stat(dir)).mode & 0o7777) | 0o001)
  } catch (error) {
    if (!isSystemError(error, 'EPERM', 'EROFS')) throw error
    task.log('debug', `${user.name} is not let through ${dir}: ${messageOf(error)}`)
  }
}

async function letPassByAcl(task: Task, dir: string, { uid }: HostUser): Promise<boolean> {
  try {
    await runCommand(task, ['setfacl', '-m', `u:${uid}:--x`, '--', dir])
    return true
  } catch (error) {
    if (!isLagoError(error, 'LAGO_COMMAND_MISSING') && !isLagoError(error, 'LAGO_COMMAND_FAILED')) throw error
    task.log('debug', `no ACL for ${dir}: ${messageOf(error)}`)
    return false
  }
}

/** Only root, and members of it, can give a directory to a group. */
async function letPassByGroup(dir: string, { gids: [gid] }: HostUser): Promise<boolean> {
  const { mode, uid } = await stat(dir)
  if (gid === undefined || (mode & 0o070) !== 0) return false
  try {
    await chown(dir, uid, gid)
  } catch (error) {
    if (isSystemError(error, 'EPERM', 'EINVAL')) return false
    throw error
  }
  await chmod(dir, (mode & 0o7777) | 0o010)
  return true
}

/** With the groups that the tables give it; a user that is in no table is called by its number. */
export async function hostUser(
  { uid, gid }: { readonly uid: number; readonly gid: number },
  passwdPath = '/etc/passwd',
  groupPath = '/etc/group',
): Promise<HostUser> {
  const entry = (await readTable(passwdPath)).find((fields) => Number(fields[2]) === uid)
  if (entry === undefined) return { name: String(uid), uid, gids: [gid] }
  const { name, gids } = await userOf(entry, groupPath)
  return { name, uid, gids: [...new Set([gid, ...gids])] }
}

/** The user that distributions run qemu as, or undefined where libvirt is not installed. */
export async function findQemuUser(
  passwdPath = '/etc/passwd',
  groupPath = '/etc/group',
): Promise<HostUser | undefined> {
  const users = await readTable(passwdPath)
  const found = QEMU_USERS.map((name) => users.find((fields) => fields[0] === name)).find((fields) => fields)
  if (found === undefined) return undefined
  return userOf(found, groupPath)
}

async function userOf([name = '', , uid, gid]: readonly string[], groupPath: string): Promise<HostUser> {
  const groups = (await readTable(groupPath)).filter((fields) => fields[3]?.split(',').includes(name))
  return { name, uid: Number(uid), gids: [Number(gid), ...groups.map((fields) => Number(fields[2]))] }
}

export const QEMU_USERS: readonly string[] = ['libvirt-qemu', 'qemu'] // Debian, Fedora

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
async function canEnter(task: Task, dir: string, user: HostUser): Promise<boolean> {
  const { mode, uid, gid } = await stat(dir)
  if (user.uid === 0) return true
  if (uid === user.uid) return (mode & 0o100) !== 0
  // with an ACL the group's bits are its mask: without them it lets nobody in
  const byAcl = (mode & 0o010) === 0 ? undefined : await rightByAcl(task, dir, user)
  if (byAcl !== undefined) return byAcl
  if (user.gids.includes(gid)) return (mode & 0o010) !== 0
  return (mode & 0o001) !== 0
}

/** What an entry of the user's own says, which comes before those of groups; undefined: there is none, or nobody can tell. */
async function rightByAcl(task: Task, dir: string, { uid }: HostUser): Promise<boolean | undefined> {
  const argv = ['getfacl', '--omit-header', '--absolute-names', '--numeric', '--', dir] as const
  const { stdout } = await runCommand(task, argv).catch((error: unknown) => {
    if (isLagoError(error, 'LAGO_COMMAND_MISSING') || isLagoError(error, 'LAGO_COMMAND_FAILED')) return { stdout: '' }
    throw error
  })
  const rights = (entry: string): string | undefined =>
    stdout
      .split('\n')
      .find((line) => line.startsWith(entry))
      ?.slice(entry.length, entry.length + 3)
  const own = rights(`user:${uid}:`)
  return own === undefined ? undefined : own.includes('x') && rights('mask::')?.includes('x') === true
}
