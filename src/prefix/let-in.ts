/**
 * Nobody but its owner enters a prefix, apart from the user that runs its VMs, who must get through to their images.
 * It is let in when VMs are about to be created: only then it is known who that is, and a prefix may have been copied.
 */
import path from 'node:path'
import type { Task } from '../base/task.js'
import { letPass } from '../disk/access.js'
import type { DiskBacking, VmPlan } from '../plan/types.js'
import type { Host } from './host.js'
import { providerOf, type Prefix } from './prefix.js'

/** May be called twice. Directories outside of the prefix are left as they are. */
export async function letInFileUsers(task: Task, host: Host, prefix: Prefix, vms: readonly VmPlan[]): Promise<void> {
  for (const provider of new Set(vms.map((vm) => providerOf(host, vm)))) {
    const user = await provider.fileUser?.(task)
    if (user === undefined || user.uid === process.geteuid?.()) continue
    const own = vms.filter((vm) => providerOf(host, vm) === provider)
    for (const dir of dirsWithin(prefix.dir, own.flatMap(filesOf))) await letPass(task, dir, user)
  }
}

function filesOf({ disks, bootstrap }: VmPlan): readonly string[] {
  const seed = bootstrap?.seedPath === undefined ? [] : [bootstrap.seedPath]
  return [...seed, ...disks.flatMap((disk) => [disk.path, ...layersOf(disk.backing)])]
}

function layersOf(backing: DiskBacking | undefined): readonly string[] {
  return backing === undefined ? [] : [backing.path, ...layersOf(backing.backing)]
}

/** `rootDir` and the directories on the way from it to those of `files` that are below it, each once. */
function dirsWithin(rootDir: string, files: readonly string[]): readonly string[] {
  const dirs = new Set<string>()
  for (const file of files)
    for (
      let dir = path.dirname(file);
      dir === rootDir || dir.startsWith(`${rootDir}${path.sep}`);
      dir = path.dirname(dir)
    )
      dirs.add(dir)
  return [...dirs].sort()
}
