/**
 * Who makes which call: calls go to idle lanes, and lanes are added while calls that take long would wait for each
 * other. Quick questions share one lane, so a verb that only asks starts one thread.
 */
import { messageOf } from '../base/errors.js'
import type { Task } from '../base/task.js'
import type { Lane } from './lane.js'
import type { CallName, CallResult, LaneCall } from './protocol.js'

export interface LanePool {
  /**
   * Rejects with the signal's reason as soon as the task is aborted. The lane then ends its call in the background;
   * `undo` takes back what a call made for which nobody waited any more.
   */
  run<C extends LaneCall>(task: Task, call: C, undo?: LaneCall): Promise<CallResult<C['name']>>
  /** Starts the first lane, so that it is ready when it is needed. */
  warmUp(): void
  /** Lets calls in progress end, at most `limitMs` long; those that wait for a lane fail. May be called twice. */
  close(limitMs: number): Promise<void>
}

export interface PoolOptions {
  readonly maxLanes: number
  readonly startLane: () => Lane
}

interface Job {
  readonly task: Task
  readonly call: LaneCall
  readonly undo: LaneCall | undefined
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  /** Its task was aborted while the lane was at it. */
  abandoned: boolean
}

/** These wait for qemu, the kernel or dnsmasq; the others are answered within milliseconds. */
const SLOW: ReadonlySet<CallName> = new Set([
  ...([
    'createDomain',
    'destroyDomain',
    'saveDomain',
    'restoreDomain',
    'snapshotDomain',
    'agentCommand',
    'monitorCommand',
  ] as const),
  ...(['createNetwork', 'destroyNetwork'] as const),
])

export function createLanePool({ maxLanes, startLane }: PoolOptions): LanePool {
  const lanes = new Set<Lane>()
  const idle: Lane[] = []
  const queue: Job[] = []
  const running = new Map<Job, Promise<void>>()
  let closing: Promise<void> | undefined

  return {
    async run<C extends LaneCall>(task: Task, call: C, undo?: LaneCall) {
      task.signal.throwIfAborted()
      if (closing !== undefined) throw new Error(CLOSED)
      let abort = (): void => undefined
      const value = await new Promise<unknown>((resolve, reject) => {
        const job: Job = { task, call, undo, resolve, reject, abandoned: false }
        abort = () => abandon(job)
        task.signal.addEventListener('abort', abort)
        queue.push(job)
        pump()
      }).finally(() => task.signal.removeEventListener('abort', abort))
      return value as CallResult<C['name']> // the lane answers a call with the result that LaneCalls gives it
    },
    warmUp() {
      if (lanes.size === 0 && closing === undefined) idle.push(addLane())
    },
    async close(limitMs) {
      closing ??= closeAll(limitMs)
      await closing
    },
  }

  function pump(): void {
    while (queue.length > 0) {
      const lane = takeIdle() ?? (lanes.size < wantedLanes() ? addLane() : undefined)
      const job = lane === undefined ? undefined : queue.shift()
      if (lane === undefined || job === undefined) return
      running.set(job, serve(lane, job))
    }
  }

  function takeIdle(): Lane | undefined {
    for (let lane = idle.pop(); lane !== undefined; lane = idle.pop()) {
      if (!lane.ended) return lane
      lanes.delete(lane)
    }
    return undefined
  }

  function addLane(): Lane {
    const lane = startLane()
    lanes.add(lane)
    return lane
  }

  /** One for each slow call and one for all the others. A call that was given up may hang, so it counts as slow. */
  function wantedLanes(): number {
    const jobs = [...running.keys(), ...queue]
    const slow = jobs.filter((job) => job.abandoned || SLOW.has(job.call.name)).length
    return Math.min(maxLanes, slow + (slow < jobs.length ? 1 : 0))
  }

  /** Never rejects. */
  async function serve(lane: Lane, job: Job): Promise<void> {
    try {
      const value = await lane.run(job.call)
      if (!job.abandoned) job.resolve(value)
      else if (job.undo !== undefined) await lane.run(job.undo)
    } catch (error) {
      if (job.abandoned) job.task.log('debug', `libvirt, after the abort: ${messageOf(error)}`)
      job.reject(error)
    }
    running.delete(job)
    if (lane.ended) lanes.delete(lane)
    else idle.push(lane)
    pump()
  }

  function abandon(job: Job): void {
    const place = queue.indexOf(job)
    if (place >= 0) queue.splice(place, 1)
    else job.abandoned = true
    job.reject(job.task.signal.reason)
    pump()
  }

  function giveUp(): void {
    for (const { task, undo } of running.keys())
      if (undo !== undefined)
        task.log('error', `libvirt does not answer; ${String(undo.args[0])} may come up later: lago stop`)
    for (const lane of lanes) lane.kill()
  }

  async function closeAll(limitMs: number): Promise<void> {
    for (const job of queue.splice(0)) job.reject(new Error(CLOSED))
    const timer = setTimeout(giveUp, limitMs)
    await Promise.all(running.values())
    await Promise.all([...lanes].map(async (lane) => lane.close()))
    clearTimeout(timer)
  }
}

const CLOSED = 'the libvirt connection is closed'
