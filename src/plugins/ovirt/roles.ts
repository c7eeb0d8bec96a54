/** Which VM is what in a suite of oVirt (spec 7.1). */
import { LagoError } from '../../base/errors.js'
import type { Env, Vm } from '../../index.js'
import { vmTypeName } from '../../vm/own-types.js'

/** Of `vms` those whose type, or role, is one of `types`; in the order of the init file. */
export function vmsOfType({ vms }: Env, ...types: readonly string[]): Vm[] {
  return [...vms.values()].filter((vm) => types.includes(typeOf(vm)))
}

/** `default` where neither type nor role says anything. */
export function typeOf(vm: Vm): string {
  const type = vm.spec['vm-type']
  return vmTypeName({ vmType: typeof type === 'string' ? type : undefined, metadata: vm.metadata }) ?? 'default'
}

/** Throws `LAGO_NO_ENGINE` when the environment has none. */
export function engineVm(env: Env): Vm {
  const [engine, another] = vmsOfType(env, 'ovirt-engine')
  if (engine === undefined)
    throw new LagoError('LAGO_NO_ENGINE', `no VM of ${env.prefixDir} is an engine`, {
      hint: 'give one of them "vm-type: ovirt-engine" in the init file',
      data: { vms: [...env.vms.keys()] },
    })
  if (another !== undefined)
    throw new LagoError('LAGO_TWO_ENGINES', `Engine VM already exists: ${engine.name}, and now ${another.name}`, {
      hint: 'let one VM alone be the engine in the init file',
      data: { vms: [engine.name, another.name] },
    })
  return engine
}

/** Hosts that the engine manages; those of a hosted engine are hosts, too. */
export function hostVms(env: Env): Vm[] {
  return vmsOfType(env, 'ovirt-host', 'ovirt-node', 'ovirt-he-host')
}
