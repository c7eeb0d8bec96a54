/** Tells from a domain's CPU time whether its guest still boots: a booting guest is busy, one that has come up waits. */
import type { Task } from '../../base/task.js'
import type { LibvirtConnection } from '../../libvirt/types.js'
import type { BootWatch } from '../provider.js'

/** A guest that uses less of one CPU than this between two looks is idle. */
const IDLE_SHARE = 0.12
/** Looks in a row that must find it idle: a boot has short pauses of its own. */
const IDLE_LOOKS = 2
/** A guest that computes for ever does not hold the others back for ever. */
const GIVE_UP_MS = 120_000

export function watchDomainBoot(
  libvirt: Pick<LibvirtConnection, 'domainInfos'>,
  domain: string,
  now: () => number = Date.now,
): BootWatch {
  const startedAt = now()
  let last: { at: number; cpuTimeMs: number } | undefined
  let idleLooks = 0
  return {
    async isSettled(task: Task): Promise<boolean> {
      const info = (await libvirt.domainInfos(task, [domain])).get(domain)
      if (info === undefined) return true // it ended by itself: nothing boots any more
      const at = now()
      const share = last === undefined ? 1 : (info.cpuTimeMs - last.cpuTimeMs) / Math.max(1, at - last.at)
      last = { at, cpuTimeMs: info.cpuTimeMs }
      idleLooks = share < IDLE_SHARE ? idleLooks + 1 : 0
      return idleLooks >= IDLE_LOOKS || at - startedAt > GIVE_UP_MS
    },
  }
}
