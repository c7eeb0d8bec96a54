/**
 * The queue of a tap, by tc(8): what waits there is on its way to the guest. Below a root that limits the rate, libvirt's
 * or one of our own, stands netem with delay and loss.
 */
import { runCommand } from '../../../base/process.js'
import type { Task } from '../../../base/task.js'
import type { LinkConditions } from '../../../plan/types.js'

/** Who limits the rate: libvirt with a class `1:1` of its own, or the tap's queue. */
export type RateWay = 'libvirt' | 'tap'

export function needsTapQueue(link: LinkConditions | undefined, rateWay: RateWay): boolean {
  return needsNetem(link) || (link?.rateBitsPerS !== undefined && rateWay === 'tap')
}

export function needsNetem({ delayUs, lossPpm }: LinkConditions = {}): boolean {
  return delayUs !== undefined || lossPpm !== undefined
}

/** For a tap of a domain of ours, after libvirt has set or lifted its own limit. */
export async function shapeTap(
  task: Task,
  tap: string,
  link: LinkConditions | undefined,
  rateWay: RateWay,
): Promise<void> {
  const ofLibvirt = link?.rateBitsPerS !== undefined && rateWay === 'libvirt'
  const hasQueue = !ofLibvirt && (await hasRoot(task, tap))
  for (const args of tapCommands(tap, link, { rateWay, hasQueue }))
    await runCommand(task, ['tc', ...args], { package: 'iproute2' })
}

/** Arguments for tc, one list for each call. `hasQueue`: the tap has a root that was put there. */
export function tapCommands(
  tap: string,
  link: LinkConditions | undefined,
  { rateWay, hasQueue }: { readonly rateWay: RateWay; readonly hasQueue: boolean },
): string[][] {
  const clear = hasQueue ? [['qdisc', 'del', 'dev', tap, 'root']] : []
  const rate = link?.rateBitsPerS
  const limit =
    rate !== undefined && rateWay === 'tap' ? [['qdisc', 'add', 'dev', tap, 'root', 'handle', '1:', ...tbf(rate)]] : []
  const place = rate === undefined ? ['root'] : ['parent', '1:1']
  const worse = needsNetem(link)
    ? [['qdisc', rate === undefined ? 'add' : 'replace', 'dev', tap, ...place, 'handle', '10:', ...netem(link ?? {})]]
    : []
  return [...clear, ...limit, ...worse]
}

/** tc-tbf(8): the bucket holds what passes between two ticks of a kernel with 100 of them a second, and whole packets. */
function tbf(bitsPerS: number): string[] {
  const burstBytes = Math.max(65_536, Math.ceil(bitsPerS / 8 / 100))
  return ['tbf', 'rate', `${bitsPerS}bit`, 'burst', `${burstBytes}b`, 'latency', '400ms']
}

/** tc-netem(8): without a limit of ours a delay would lose what comes beyond 1000 packets. */
function netem({ delayUs, jitterUs, lossPpm }: LinkConditions): string[] {
  return [
    ...['netem', 'limit', '100000'],
    ...(delayUs === undefined ? [] : ['delay', `${delayUs}us`]),
    ...(jitterUs === undefined ? [] : [`${jitterUs}us`]),
    ...(lossPpm === undefined ? [] : ['loss', `${lossPpm / 10_000}%`]),
  ]
}

/** A queue that the kernel chose by itself has the handle `0:`. */
async function hasRoot(task: Task, tap: string): Promise<boolean> {
  const { stdout } = await runCommand(task, ['tc', '-json', 'qdisc', 'show', 'dev', tap], { package: 'iproute2' })
  const queues: unknown = JSON.parse(stdout)
  return Array.isArray(queues) && queues.some(isPutThere)
}

function isPutThere(queue: unknown): boolean {
  if (typeof queue !== 'object' || queue === null) return false
  const { root, handle } = queue as { readonly root?: unknown; readonly handle?: unknown } // compared below
  return root === true && handle !== '0:'
}
