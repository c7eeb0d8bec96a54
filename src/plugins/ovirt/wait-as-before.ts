import { prefixEra } from '../../base/prefix-era.js'
import type { Env } from '../../index.js'
import { typeOf } from './roles.js'

/**
 * In era 0.x, `deploy` waits for ssh on every VM first, those without scripts included (spec 6.3): what comes after it
 * counts on that. Nodes are installed later, and not waited for (spec 7.1). Throws `LAGO_NOT_READY`.
 */
export async function waitAsBefore(env: Env): Promise<void> {
  if ((await prefixEra(env.prefixDir)) !== '0.x') return
  const vms = [...env.vms.values()].filter((vm) => typeOf(vm) !== 'ovirt-node').map(({ name }) => name)
  if (vms.length > 0) await env.wait('ssh', { vms })
}
