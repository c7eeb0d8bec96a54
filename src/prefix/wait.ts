/**
 * `lago wait` and `lago start --wait`: until VMs have reached a rung of the ladder. Each rung comes by an event where
 * there is one (states, the agent's channel, the console) and is asked for sparingly where there is none.
 */
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import type { Guest } from '../guest/guest.js'
import { openSshGuest } from '../guest/ssh-guest.js'
import type { VmState } from '../libvirt/types.js'
import type { VmPlan } from '../plan/types.js'
import { reachGuest, sshTargetOf } from './guests.js'
import type { Host } from './host.js'
import { providerOf, selectVms, type Prefix } from './prefix.js'
import { startAgent } from './services.js'
import { typeProbeOf, type TypeProbe } from './vm-types.js'
import { SILENCE, type Cause } from './wait-causes.js'
import { climb, type Climber } from './wait-climb.js'
import { ConsoleFindings } from './wait-console.js'
import { GivenUp, Progress, type ReachedRung } from './wait-progress.js'
import { notReady } from './wait-report.js'
import { parseRung, type Rung } from './wait-rungs.js'
import { watchStates, type StateNews } from './wait-states.js'

export type { ReachedRung }

export interface WaitRequest {
  /** Names; all VMs without any. */
  readonly vms: readonly string[]
  /** `running`, `kernel`, `agent`, `network`, `ssh`, `cloud-init`, `unit:NAME`, `port:NUMBER`, `cmd:COMMAND`. */
  readonly rung: string
  /** For each VM; default: its boot time. */
  readonly timeoutMs?: number | undefined
}

/**
 * Waits for the VMs side by side; gives for each the rungs that it reached, in their order, the wanted one last. Rungs
 * that are not on the way are not looked for. Behind `ssh` and all that needs it comes `vm-type:NAME`, for VMs whose type
 * says when they are ready; its time counts. A silent agent whose service is stopped is started once, over ssh.
 *
 * Throws `LAGO_BAD_RUNG`, `LAGO_NO_SUCH_VM`, `LAGO_UNKNOWN_KIND` for a type whose plugin is not there, `LAGO_NOT_READY` with what was reached and seen, `LAGO_PARTIAL` with
 * several of them. A VM that is down is waited for on the rung `running` only; one that ends ends its wait at once. So
 * does a kernel that has panicked and does not reboot, after 10 s.
 */
export async function waitForRung(
  task: Task,
  host: Host,
  prefix: Prefix,
  request: WaitRequest,
): Promise<ReadonlyMap<string, readonly ReachedRung[]>> {
  const rung = parseRung(request.rung)
  const vms = selectVms(prefix.plan, request.vms)
  return task.step(`Wait for ${request.rung}`, async (task) => {
    const waits = new Map(vms.map((vm) => [vm.spec.name, new VmWait(host, prefix, vm, { ...request, parsed: rung })]))
    await using _states = await watchStates(task, host, vms, newsFor(waits))
    const reached = await fanOut(
      task,
      [...waits.values()],
      async (wait, task) => task.step(`Wait for ${wait.vm}`, async (task) => wait.run(task)),
      { limit: Infinity }, // all have the same time
    )
    return new Map([...waits.keys()].map((vm, index) => [vm, reached[index] ?? []]))
  })
}

function newsFor(waits: ReadonlyMap<string, VmWait>): StateNews {
  return {
    onState: (vm, state) => waits.get(vm)?.takeState(state),
    onStopped: (vm, how) => waits.get(vm)?.takeStop(how),
    onAgentConnected: (vm) => waits.get(vm)?.takeAgent(),
    onError: (error) => {
      for (const wait of waits.values()) wait.end(error)
    },
  }
}

/** Time for a guest that was brought back from before its panic to answer. */
const PANIC_COUNTS_AFTER_MS = 10_000
const UP: readonly VmState[] = ['running', 'blocked']
const OVER: readonly VmState[] = ['down', 'shut off', 'crashed']

/** The wait for one VM, from the first look at its state on. */
class VmWait implements Climber {
  readonly vm: string
  readonly progress = new Progress()
  readonly #over = new AbortController()
  readonly #host: Host
  readonly #prefix: Prefix
  readonly #plan: VmPlan
  readonly #request: WaitRequest & { readonly parsed: Rung }
  #state: VmState = 'unknown'
  #agentOpened = new AbortController()

  constructor(host: Host, prefix: Prefix, plan: VmPlan, request: WaitRequest & { readonly parsed: Rung }) {
    this.vm = plan.spec.name
    this.#host = host
    this.#prefix = prefix
    this.#plan = plan
    this.#request = request
  }

  async run(task: Task): Promise<readonly ReachedRung[]> {
    const { rung, parsed, timeoutMs = this.#plan.spec.bootTimeoutMs } = this.#request
    const timer = setTimeout(() => this.end(new GivenUp(` within ${timeoutMs / 1000} s`)), timeoutMs)
    let panicTimer: NodeJS.Timeout | undefined
    const findings = new ConsoleFindings({
      onKernel: () => this.progress.reach('kernel'),
      onPanic: () => {
        clearTimeout(panicTimer)
        panicTimer = setTimeout(this.#endUnlessBack(), PANIC_COUNTS_AFTER_MS)
      },
    })
    await using log = await findings.follow(task, this.#prefix.layout.consoleLog(this.vm))
    try {
      await task.until(this.#over.signal, async (task) => climb(task, this, parsed, rung))
      return this.progress.rungs
    } catch (error) {
      task.signal.throwIfAborted()
      const why: unknown = this.#over.signal.aborted ? this.#over.signal.reason : error
      if (!(why instanceof GivenUp)) throw why
      await log.refresh()
      throw this.#report(why, findings, log.isThere)
    } finally {
      clearTimeout(timer)
      clearTimeout(panicTimer)
    }
  }

  /** The first reason counts. */
  end(reason: unknown): void {
    this.#over.abort(reason)
  }

  takeState(state: VmState): void {
    this.#state = state
    if (UP.includes(state)) this.progress.reach('running')
    else if (OVER.includes(state)) this.#takeDown(state)
  }

  takeStop(how: string): void {
    if (this.progress.has('running')) this.end(new GivenUp(`: the VM ended (${how})`))
  }

  takeAgent(): void {
    this.#agentOpened.abort(new Error('the agent has opened its channel'))
  }

  agentSignal(): AbortSignal {
    if (this.#agentOpened.signal.aborted) this.#agentOpened = new AbortController()
    return this.#agentOpened.signal
  }

  get agent(): Climber['agent'] {
    return providerOf(this.#host, this.#plan).agent?.(this.#plan)
  }

  address(): string {
    return sshTargetOf(this.#host, this.#prefix, this.#plan).ip
  }

  openGuest(): Guest {
    return openSshGuest(sshTargetOf(this.#host, this.#prefix, this.#plan))
  }

  typeProbe(): TypeProbe | undefined {
    return typeProbeOf(this.#host, this.#plan)
  }

  async reachGuest(task: Task): Promise<Guest> {
    return reachGuest(task, this.#host, this.#prefix, this.#plan)
  }

  async startAgent(task: Task, guest: Guest): Promise<string | undefined> {
    return startAgent(task, this.#host, this.#plan, guest)
  }

  #takeDown(state: VmState): void {
    if (this.progress.has('running')) this.end(new GivenUp(': the VM ended'))
    else if (this.#request.parsed.kind !== 'running') this.end(new GivenUp(`: it is ${state}`, `lago start ${this.vm}`))
  }

  #endUnlessBack(): () => void {
    const before = this.progress.rungs.length
    return () => {
      if (this.progress.rungs.length === before) this.end(new GivenUp(': its kernel has stopped'))
    }
  }

  #report(why: GivenUp, findings: ConsoleFindings, hasLog: boolean): Error {
    const { vm, progress } = this
    const isSilent = hasLog && findings.lastLines.length === 0 && progress.has('running') && !progress.has('kernel')
    const cause: Cause | undefined = isSilent ? SILENCE : findings.cause
    return notReady({
      vm,
      rung: progress.aimedAt ?? this.#request.rung,
      why: /^[: ]/.test(why.message) ? why.message : `: ${why.message}`,
      hint: why.hint,
      progress,
      state: this.#state,
      cause,
      lastLines: findings.lastLines,
    })
  }
}
