/** The way up to one rung: which rungs lie below it, and how each of them is noticed. */
import { isLagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { pause, waitUntil, type Probe } from '../base/wait.js'
import type { Guest } from '../guest/guest.js'
import { hasNeighbour } from '../guest/neighbour.js'
import type { GuestAnswer, GuestProbe } from '../guest/probe.js'
import { probeCloudInit } from '../guest/probe-cloud-init.js'
import { commandProbe } from '../guest/probe-command.js'
import { probePort } from '../guest/probe-port.js'
import { unitProbe } from '../guest/probe-unit.js'
import { probeSsh } from '../guest/wait-for-ssh.js'
import type { GuestAgent } from '../vm/provider.js'
import type { TypeProbe } from './vm-types.js'
import { helpAgent, type AgentHelp } from './wait-agent.js'
import { GivenUp, type Progress } from './wait-progress.js'
import { hasSsh, type Rung } from './wait-rungs.js'

export interface Climber extends AgentHelp {
  readonly progress: Progress
  /** Undefined: the machine has no channel for one. */
  readonly agent: GuestAgent | undefined
  /** The agent has opened its channel, since it was last asked. */
  agentSignal(): AbortSignal
  /** Throws when the address is not known. */
  address(): string
  openGuest(): Guest
  /** Undefined: reached when ssh answers. Throws for a type that is not known. */
  typeProbe(): TypeProbe | undefined
}

/** Without a limit of its own: whoever waits ends it by the task's abort. */
const UNLIMITED_MS = Infinity
const LOOK_AT_PORT_EVERY_MS = 100
const ASK_GUEST_EVERY_MS = 1000
/** Each try is a handshake. */
const RECONNECT_AFTER_MS = 4000
const PING_LIMIT_MS = 1000
/** Channels that open are told by an event; this is for what the event does not tell. */
const PING_EVERY_MS = 1000
const SSH_PORT = 22
/** Until then the host may still know an earlier machine at the address. */
const NEIGHBOURS_COUNT_AFTER_MS = 10_000

/**
 * Resolves when the rung is reached; notes the rungs below it on the way. `name` is what users call the rung. A VM type
 * that says when its VMs are ready comes last, on `ssh` and on everything above it.
 */
export async function climb(task: Task, climber: Climber, rung: Rung, name: string): Promise<void> {
  const { progress } = climber
  const type = hasSsh(rung) ? climber.typeProbe() : undefined
  await progress.reaching(task, 'running')
  await climbFromRunning(task, climber, rung)
  progress.reach(name)
  if (type === undefined) return
  progress.aim(typeRung(type))
  await askGuest(task, climber, type.probe)
  progress.reach(typeRung(type))
}

function typeRung({ type }: TypeProbe): string {
  return `vm-type:${type}`
}

async function climbFromRunning(task: Task, climber: Climber, rung: Rung): Promise<void> {
  switch (rung.kind) {
    case 'running':
      return
    case 'kernel':
      return awaitKernel(task, climber)
    case 'agent':
      return awaitAgent(task, climber)
    case 'network':
      return awaitNetwork(task, climber)
    case 'port':
      return awaitPort(task, climber, rung.port)
    case 'ssh':
      return awaitSsh(task, climber)
    case 'cloud-init':
      return askGuest(task, climber, probeCloudInit)
    case 'unit':
      return askGuest(task, climber, unitProbe(rung.unit))
    case 'cmd':
      return askGuest(task, climber, commandProbe(rung.command))
  }
}

/** By the console, or by the network for a guest that keeps silent there. */
async function awaitKernel(task: Task, climber: Climber): Promise<void> {
  const found = new AbortController()
  const { progress } = climber
  const ways = task.until(found.signal, async (task) =>
    Promise.race([progress.reaching(task, 'kernel'), awaitNetworkIfKnown(task, climber)]),
  )
  await ways.finally(() => found.abort(new Error('found')))
}

async function awaitNetworkIfKnown(task: Task, climber: Climber): Promise<void> {
  if (hasAddress(climber)) await awaitNetwork(task, climber)
  else await climber.progress.reaching(task, 'kernel')
}

function hasAddress(climber: Climber): boolean {
  try {
    climber.address()
    return true
  } catch {
    return false
  }
}

async function awaitAgent(task: Task, climber: Climber): Promise<void> {
  const { vm, agent } = climber
  if (agent === undefined) throw new GivenUp(`${vm} has no channel for a guest agent`, 'wait for ssh instead')
  const over = new AbortController()
  let news = ''
  const help = hasAddress(climber)
    ? task.until(over.signal, async (task) => helpAgent(task, climber, (text) => (news = `; ${text}`)))
    : undefined
  try {
    await awaitPing(task, climber, agent, () => news)
  } finally {
    over.abort(new Error('the agent answers, or the wait is over'))
    await help
  }
}

async function awaitPing(task: Task, climber: Climber, agent: GuestAgent, news: () => string): Promise<void> {
  const { progress } = climber
  for (;;) {
    const opened = climber.agentSignal()
    const silence = await agent.ping(task, PING_LIMIT_MS).then(
      () => undefined,
      (error: unknown) => {
        task.signal.throwIfAborted()
        if (isLagoError(error, 'LAGO_AGENT')) return error.message
        throw error
      },
    )
    if (silence === undefined) return progress.reach('agent')
    progress.saw(`${silence}${news()}`)
    await pauseUntil(task, opened)
  }
}

async function pauseUntil(task: Task, signal: AbortSignal): Promise<void> {
  await task
    .until(signal, async (task) => pause(task, PING_EVERY_MS))
    .catch((error: unknown) => {
      task.signal.throwIfAborted()
      if (!signal.aborted) throw error
    })
}

async function awaitNetwork(task: Task, climber: Climber): Promise<void> {
  const ip = climber.address()
  await repeat(task, climber, LOOK_AT_PORT_EVERY_MS, async (task) => {
    const { kind, text } = await probePort(task, { ip, port: SSH_PORT })
    await noteNetwork(climber, ip, kind)
    return climber.progress.has('network') ? { value: true } : { notYet: text }
  })
}

async function awaitPort(task: Task, climber: Climber, port: number): Promise<void> {
  const ip = climber.address()
  await repeat(task, climber, LOOK_AT_PORT_EVERY_MS, async (task) => {
    const { kind, text } = await probePort(task, { ip, port })
    await noteNetwork(climber, ip, kind)
    return kind === 'open' ? { value: true } : { notYet: text }
  })
}

async function awaitSsh(task: Task, climber: Climber): Promise<void> {
  const ip = climber.address()
  await repeat(task, climber, LOOK_AT_PORT_EVERY_MS, async (task) => {
    const answer = await probeSsh(task, { ip })
    await noteNetwork(climber, ip, answer.kind)
    return answer.kind === 'ssh' ? { value: true } : { notYet: answer.text }
  })
  climber.progress.reach('ssh')
}

/** A guest that answers, be it that a port is closed, has its network; so has one that is known and lets nothing in. */
async function noteNetwork(
  { progress }: Climber,
  ip: string,
  kind: 'silent' | 'closed' | 'open' | 'ssh',
): Promise<void> {
  if (progress.has('network')) return
  const isKnown = kind === 'silent' && progress.afterMs > NEIGHBOURS_COUNT_AFTER_MS && (await hasNeighbour(ip))
  if (kind !== 'silent' || isKnown) progress.reach('network')
}

/** One connection for all tries. A guest may reboot, and may learn our key only after its ssh server has come up. */
async function askGuest(task: Task, climber: Climber, probe: GuestProbe): Promise<void> {
  await awaitSsh(task, climber)
  await using guest = climber.openGuest()
  await repeat(task, climber, ASK_GUEST_EVERY_MS, async (task) => {
    try {
      return await probe(task, guest)
    } catch (error) {
      task.signal.throwIfAborted()
      if (!isLagoError(error, 'LAGO_GUEST_UNREACHABLE') && !isLagoError(error, 'LAGO_GUEST_AUTH')) throw error
      climber.progress.saw(error.message)
      await pause(task, RECONNECT_AFTER_MS)
      return { notYet: error.message }
    }
  })
}

async function repeat(
  task: Task,
  { vm, progress }: Climber,
  everyMs: number,
  look: (task: Task) => Promise<GuestAnswer>,
): Promise<void> {
  const probe = async (task: Task): Promise<Probe<true>> => {
    const answer = await look(task)
    if ('never' in answer) throw new GivenUp(answer.never, answer.hint)
    if ('notYet' in answer) progress.saw(answer.notYet)
    return answer
  }
  await waitUntil(task, vm, probe, { timeoutMs: UNLIMITED_MS, everyMs })
}
