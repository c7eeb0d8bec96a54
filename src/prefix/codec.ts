/**
 * An environment as the files of its prefix, in upstream's form (spec 2.2 to 2.4), so that other programs can read it.
 * Pure: whoever reads and writes the files is elsewhere. Light: `start` and `status` come through here.
 */
import { lagoVersion } from '../base/version.js'
import { bridgeNames, netLibvirtName } from '../plan/names.js'
import type { EnvPlan, NetPlan } from '../plan/types.js'
import { prefixLayout } from './layout.js'
import { decodeNet, encodeNet, netBridgeAt, netTypeAt } from './stored-net.js'
import { storedFile, textsAt } from './stored.js'
import { decodeVm, encodeVm } from './stored-vm.js'

/** The content of the files `metadata`, `virt/env`, `virt/net-<name>` and `virt/vm-<name>`: plain data for JSON. */
export interface EncodedPrefix {
  readonly metadata: unknown
  readonly env: unknown
  readonly nets: ReadonlyMap<string, unknown>
  readonly vms: ReadonlyMap<string, unknown>
}

/** Paths below `prefixDir` are stored as `$LAGO_PREFIX_PATH/...`, so that the prefix can be moved. */
export function encodeEnv(plan: EnvPlan, prefixDir: string): EncodedPrefix {
  return {
    metadata: { lago_version: lagoVersion() },
    env: { nets: [...plan.nets.keys()], vms: [...plan.vms.keys()] },
    nets: new Map([...plan.nets].map(([name, net]) => [name, encodeNet(net)])),
    vms: new Map([...plan.vms].map(([name, vm]) => [name, encodeVm(vm, prefixDir)])),
  }
}

/** The names that `virt/env` lists. Throws `LAGO_PREFIX_CORRUPT`. */
export function decodeNames(env: unknown, prefixDir: string): { nets: readonly string[]; vms: readonly string[] } {
  const stored = storedFile(prefixLayout(prefixDir).env, env)
  return { nets: textsAt(stored, 'nets'), vms: textsAt(stored, 'vms') }
}

/**
 * The plan that `encodeEnv` was given; of a prefix that upstream wrote, the plan it amounts to.
 * A file that `encoded` does not have counts as missing. Throws `LAGO_PREFIX_CORRUPT`, naming file and key.
 */
export function decodeEnv(encoded: EncodedPrefix, prefixDir: string, uuid: string): EnvPlan {
  const names = decodeNames(encoded.env, prefixDir)
  const layout = prefixLayout(prefixDir)
  const nets = decodeNets(
    names.nets.map((name) => [name, storedFile(layout.net(name), encoded.nets.get(name))]),
    uuid,
  )
  const vms = names.vms.map((name) => {
    const stored = storedFile(layout.vm(name), encoded.vms.get(name))
    return [name, decodeVm(stored, nets, { name, prefixDir, uuid })] as const
  })
  return { uuid, prefixDir, nets, vms: new Map(vms) }
}

function decodeNets(files: readonly [string, ReturnType<typeof storedFile>][], uuid: string): EnvPlan['nets'] {
  const bridges = bridgeNames(
    uuid,
    files.map(([name, stored]) => ({ name, type: netTypeAt(stored), bridge: netBridgeAt(stored) })),
  )
  return new Map<string, NetPlan>(
    files.map(([name, stored]) => {
      const bridgeName = bridges.get(name) ?? '' // all are in it
      return [name, decodeNet(stored, { name, libvirtName: netLibvirtName(uuid, name), bridgeName })]
    }),
  )
}
