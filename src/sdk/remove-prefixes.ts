/** The end of prefixes and of the workdir around them: what `lago destroy` and the SDK's `destroy` have in common. */
import { lstat, unlink } from 'node:fs/promises'
import { joinFailures } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import { destroyPrefix } from '../prefix/destroy.js'
import type { Host } from '../prefix/host.js'
import { tidyWorkdir } from '../workdir/workdir.js'

export type WithHost = (work: (host: Host) => Promise<void>) => Promise<void>

/**
 * Destroys the prefixes in `dirs`, of one workdir. One that cannot be destroyed does not keep the others. A workdir or a
 * prefix that was reached through a link loses only the link (spec 2.1): what it leads to is stopped and stays.
 * Throws what `destroyPrefix` throws, or `LAGO_PARTIAL` with several of them.
 */
export async function removePrefixes(
  task: Task,
  withHost: WithHost,
  dirs: readonly string[],
  workdir: string,
  { lockWaitMs }: { readonly lockWaitMs?: number } = {},
): Promise<void> {
  const failures: unknown[] = []
  const workdirIsLink = await isLink(workdir)
  for (const dir of dirs)
    await withHost(async (host) => {
      const keepFiles = workdirIsLink || (await isLink(dir))
      await destroyPrefix(task, host, dir, lockWaitMs === undefined ? { keepFiles } : { keepFiles, lockWaitMs })
      if (keepFiles && !workdirIsLink) await unlink(dir)
    }).catch((error: unknown) => {
      task.signal.throwIfAborted()
      failures.push(error)
    })
  if (failures.length > 0) throw joinFailures(failures)
  await (workdirIsLink ? unlink(workdir) : tidyWorkdir(workdir))
}

async function isLink(dir: string): Promise<boolean> {
  return (await lstat(dir)).isSymbolicLink()
}
