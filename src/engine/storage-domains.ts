/** Storage domains of data centres into maintenance and out of it: the master goes last and comes first. */
import type { Task } from '../base/task.js'
import { bringAll } from './bring-to.js'
import type { Engine, StorageDomain } from './types.js'

const KIND = 'storage domain'

/** Masters first, then the others. `timeoutMs` is for each. Throws `LAGO_TIMEOUT` with the last state. */
export async function activateDomains(
  task: Task,
  engine: Engine,
  domains: readonly StorageDomain[],
  timeoutMs: number,
): Promise<void> {
  const { masters, others } = byRole(domains)
  for (const turn of [masters, others])
    await bringAll(task, engine, turn, {
      kind: KIND,
      to: 'active',
      from: ['maintenance', 'inactive'],
      action: 'activate',
      timeoutMs,
    })
}

/** The others first, then the masters. Throws as `activateDomains`. */
export async function deactivateDomains(
  task: Task,
  engine: Engine,
  domains: readonly StorageDomain[],
  timeoutMs: number,
): Promise<void> {
  const { masters, others } = byRole(domains)
  for (const turn of [others, masters])
    await bringAll(task, engine, turn, {
      kind: KIND,
      to: 'maintenance',
      from: ['active', 'inactive'],
      action: 'deactivate',
      timeoutMs,
    })
}

/** They come by themselves once a host is up. Throws as `activateDomains`. */
export async function waitForDomains(
  task: Task,
  engine: Engine,
  domains: readonly StorageDomain[],
  timeoutMs: number,
): Promise<void> {
  await bringAll(task, engine, domains, { kind: KIND, to: 'active', from: [], timeoutMs })
}

function byRole(domains: readonly StorageDomain[]): Record<'masters' | 'others', StorageDomain[]> {
  return { masters: domains.filter(({ isMaster }) => isMaster), others: domains.filter(({ isMaster }) => !isMaster) }
}
