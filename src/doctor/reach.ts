/** Whether qemu's user gets to the images: it has to enter every directory above them. */
import type { Task } from '../base/task.js'
import type { HostUser } from '../disk/access.js'
import { isSystemError } from '../base/errors.js'
import type { FileFacts, HostFacts } from './facts.js'
import { findGuestUser } from './guest-user.js'
import { byRoot, install, safeByRoot, safeByUser, type Argv, type Remedy } from './remedy.js'
import { parentOf } from './resources.js'
import { failed, ok, warning, type Check, type Finding } from './types.js'

export const qemuReach: Check = {
  id: 'qemu-access',
  title: "qemu's user gets to the disks",
  async run(task, { facts, dirs }) {
    const user = await findGuestUser(task, facts)
    if (user === undefined) return warning("cannot be told: qemu's user is not known")
    return reachFinding(task, facts, user, [...dirs, facts.settings.storeDir])
  },
}

type ReachFacts = Pick<HostFacts, 'me' | 'stat' | 'readFile' | 'realPath' | 'run' | 'findProgram'>

/** Names the topmost directory that is in the way. Directories that are not there yet are judged by those above. */
export async function reachFinding(
  task: Task,
  facts: ReachFacts,
  user: HostUser,
  dirs: readonly string[],
): Promise<Finding> {
  const above = (await Promise.all(dirs.map(async (dir) => dirsDownTo(facts, dir)))).flat()
  const [blocked, unsure]: [string[], string[]] = [[], []]
  for (const dir of new Set(above)) {
    const mayEnter = await canEnter(task, facts, dir, user)
    if (mayEnter !== true) (mayEnter === false ? blocked : unsure).push(dir)
  }
  const [first] = blocked
  const shown = dirs.join(' and ')
  if (first === undefined && unsure.length > 0)
    return warning(
      `cannot be told: ${unsure.join(' and ')} ${unsure.length > 1 ? 'have ACLs' : 'has an ACL'}, and there is no getfacl`,
      await install(facts, [{ apt: 'acl', dnf: 'acl' }]),
    )
  if (first === undefined) return ok(`${user.name} gets to ${shown}`)
  return failed(`${user.name} cannot enter ${first} on the way to ${shown}`, await opening(facts, user, blocked))
}

/** From the root down, links resolved. */
async function dirsDownTo(facts: ReachFacts, dir: string): Promise<readonly string[]> {
  let at: string | undefined
  for (let tried = dir; at === undefined && tried !== '/'; tried = parentOf(tried))
    at = await facts.realPath(tried).catch((error: unknown) => {
      if (isSystemError(error, 'EACCES')) return undefined // it is looked at from above
      throw error
    })
  const found: string[] = []
  for (let each = at ?? '/'; ; each = parentOf(each)) {
    found.unshift(each)
    if (each === '/') return found
  }
}

/** Undefined: an ACL decides that cannot be read. */
async function canEnter(task: Task, facts: ReachFacts, dir: string, user: HostUser): Promise<boolean | undefined> {
  if (user.uid === 0) return true
  const entry = await facts.stat(dir)
  if (entry === undefined || isOpenByMode(entry, user)) return true
  const acl = await facts.run(task, ['getfacl', '--omit-header', '--numeric', '--absolute-names', dir])
  if (acl !== undefined) return isOpenByAcl(acl.stdout, user)
  const listed = await facts.run(task, ['ls', '-ld', dir])
  return listed !== undefined && /^\S+\+ /.test(listed.stdout) ? undefined : false
}

/** path_resolution(7): the first class that fits decides, owner before group before the rest. */
function isOpenByMode({ mode, uid, gid }: FileFacts, user: HostUser): boolean {
  const shift = uid === user.uid ? 6 : user.gids.includes(gid) ? 3 : 0
  return ((mode >> shift) & 1) !== 0
}

/** acl(5): the entry of the user itself, as far as the mask lets it, else those of its groups. */
function isOpenByAcl(acl: string, user: HostUser): boolean {
  const entries = acl.split('\n').map((line) => line.split('#')[0]?.trim().split(':') ?? [])
  const mayEnter = (tag: string, id: string): boolean | undefined =>
    entries.find((fields) => fields[0] === tag && fields[1] === id)?.[2]?.includes('x')
  if (mayEnter('mask', '') === false) return false
  return mayEnter('user', String(user.uid)) ?? user.gids.some((gid) => mayEnter('group', String(gid)) === true)
}

/** An entry for qemu's user alone is better than a directory that everybody may pass. */
async function opening(facts: ReachFacts, user: HostUser, dirs: readonly string[]): Promise<Remedy> {
  const owners = await Promise.all(dirs.map(async (dir) => (await facts.stat(dir))?.uid))
  const areOwn = owners.every((uid) => uid === facts.me.uid)
  if ((await facts.findProgram('setfacl')) === undefined) {
    const argv: Argv = ['chmod', 'o+x', ...dirs]
    return areOwn ? { command: safeByUser(argv).command } : byRoot(facts, argv)
  }
  const argv: Argv = ['setfacl', '-m', `u:${user.name.startsWith('uid ') ? user.uid : user.name}:x`, ...dirs]
  return areOwn ? safeByUser(argv) : safeByRoot(facts, argv)
}
