/** The states of VMs as they change: told by the provider where it tells them, else asked for. */
import { factsOf, messageOf } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { pause } from '../base/wait.js'
import type { VmState } from '../libvirt/types.js'
import type { VmPlan } from '../plan/types.js'
import type { VmEvent, VmProvider } from '../vm/provider.js'
import type { Host } from './host.js'
import { providerOf } from './prefix.js'

const ASK_EVERY_MS = 500

export interface StateNews {
  onState(vm: string, state: VmState): void
  /** It has ended, however short the time until it is looked at; `how` in libvirt's words. */
  onStopped(vm: string, how: string): void
  onAgentConnected(vm: string): void
  /** Nothing more will be told. */
  onError(error: unknown): void
}

/** Every VM's state has been told when it resolves; changes follow until it is disposed of. */
export async function watchStates(
  task: Task,
  host: Host,
  vms: readonly VmPlan[],
  news: StateNews,
): Promise<AsyncDisposable> {
  const watches: AsyncDisposable[] = []
  const end = async (): Promise<void> => {
    for (const watch of watches) await watch[Symbol.asyncDispose]()
  }
  try {
    for (const provider of new Set(vms.map((vm) => providerOf(host, vm)))) {
      const own = vms.filter((vm) => providerOf(host, vm) === provider)
      watches.push(await watchProvider(task, provider, own, news))
    }
    return { [Symbol.asyncDispose]: end }
  } catch (error) {
    await end()
    throw error
  }
}

async function watchProvider(
  task: Task,
  provider: VmProvider,
  vms: readonly VmPlan[],
  news: StateNews,
): Promise<AsyncDisposable> {
  const over = new AbortController()
  const work = new Set<Promise<void>>()
  const looks = { begun: 0, told: 0 }
  const look = async (task: Task): Promise<void> => {
    const number = ++looks.begun
    const states = await provider.states(task, vms)
    if (number < looks.told) return // it may have been asked before what a later look has told
    looks.told = number
    for (const [vm, state] of states) if (!over.signal.aborted) news.onState(vm, state)
  }
  const inBackground = (body: (task: Task) => Promise<void>): void => {
    const promise = task
      .until(over.signal, body)
      .catch((error: unknown) => (over.signal.aborted ? undefined : news.onError(error)))
      .finally(() => work.delete(promise))
    work.add(promise)
  }
  const askForEver = async (task: Task): Promise<void> => {
    for (;;) {
      await pause(task, ASK_EVERY_MS)
      await look(task)
    }
  }
  const onEvent = (event: VmEvent): void => {
    if (over.signal.aborted) return
    switch (event.type) {
      case 'agent':
        return event.connected ? news.onAgentConnected(event.vm) : undefined
      case 'lifecycle':
        if (event.event === 'stopped') news.onStopped(event.vm, event.detail)
        return inBackground(look)
      case 'connection-lost':
        task.log('debug', `no more events: ${event.reason}`)
        return inBackground(askForEver)
    }
  }
  const line = await subscribe(task, provider, vms, onEvent)
  const end = async (): Promise<void> => {
    over.abort(new Error('the wait is over'))
    await line?.[Symbol.asyncDispose]()
    await Promise.all(work)
  }
  try {
    await look(task)
  } catch (error) {
    await end()
    throw error
  }
  if (line === undefined) inBackground(askForEver)
  return { [Symbol.asyncDispose]: end }
}

/** Undefined: it tells nothing. Some of libvirt's drivers have no events. */
async function subscribe(
  task: Task,
  provider: VmProvider,
  vms: readonly VmPlan[],
  onEvent: (event: VmEvent) => void,
): Promise<AsyncDisposable | undefined> {
  return provider.watch?.(task, vms, onEvent).catch((error: unknown) => {
    task.signal.throwIfAborted()
    task.log('debug', `no events: ${messageOf(error)}`, factsOf(error))
    return undefined
  })
}
