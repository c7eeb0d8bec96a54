/** The init file that makes an exported environment anew, here or elsewhere (spec 4.7). Pure. */
import type { DiskPlan, EnvPlan, VmPlan } from '../plan/types.js'
import { uncover } from './given.js'
import { encodeNet } from './stored-net.js'
import { encodeVm } from './stored-vm.js'
import type { JsonObject } from './stored.js'

/**
 * What the user wrote of `vms` and of all nets, with the disks that are in `fileOf` pointed at their exported files.
 *
 * Addresses and gateways that Lago chose are not in it, so that another host gives its own; deploy scripts, metadata of
 * disks and snapshots are left out as upstream does. A prefix of upstream's does not tell who chose an address: there
 * all of them are left out.
 */
export function exportedInitFile(
  plan: EnvPlan,
  vms: readonly VmPlan[],
  prefixDir: string,
  fileOf: ReadonlyMap<DiskPlan, string>,
): JsonObject {
  const nets = [...plan.nets].map(([name, net]) => [name, given(encodeNet(net))] as const)
  const isUpstreams = nets.some(([, net]) => 'mapping' in net)
  return {
    domains: Object.fromEntries(
      vms.map((vm) => [vm.spec.name, exportedVm(given(encodeVm(vm, prefixDir)), vm, fileOf, isUpstreams)]),
    ),
    nets: Object.fromEntries(
      nets.map(([name, net]) => [name, without(net, isUpstreams ? [...NET_RESULTS, 'gw'] : ['name'])]),
    ),
  }
}

/** What upstream's `init` adds to a net. */
const NET_RESULTS = ['name', 'mapping', 'dns_records', 'dns_forward']

function given(stored: JsonObject): JsonObject {
  return uncover({ file: '', path: '', values: stored }).values
}

function exportedVm(
  values: JsonObject,
  vm: VmPlan,
  fileOf: ReadonlyMap<DiskPlan, string>,
  isUpstreams: boolean,
): JsonObject {
  const rawDisks = listOf(values['disks'])
  const disks = vm.disks.flatMap((disk, index) => {
    const fileName = fileOf.get(disk)
    return fileName === undefined ? [] : [exportedDisk(mappingOf(rawDisks[index]), disk, fileName)]
  })
  const metadata = without(mappingOf(values['metadata']), ['deploy-scripts', 'ovirt-scripts'])
  const nics = listOf(values['nics']).map((nic) => without(mappingOf(nic), isUpstreams ? ['ip'] : []))
  return {
    ...without(values, [...VM_RESULTS, 'metadata']),
    ...('nics' in values ? { nics } : {}),
    ...('disks' in values ? { disks } : {}),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  }
}

/** Also `based-on`: what it brings in is in the values already, and the prototypes are not in the file. */
const VM_RESULTS = ['name', 'snapshots', 'mgmt_net', 'based-on', 'backing']

function exportedDisk(raw: JsonObject, { spec }: DiskPlan, fileName: string): JsonObject {
  const kept = without(raw, ['metadata', 'backing'])
  const path = `$LAGO_INITFILE_PATH/${fileName}`
  const isPacked = /\.(xz|zst)$/.test(fileName)
  switch (spec.type) {
    case 'template':
    case 'layered':
      return { ...kept, template_type: 'qcow2', format: 'qcow2', path }
    case 'empty':
      return { ...without(kept, ['size']), type: 'file', format: spec.format, make_a_copy: 'True', path }
    case 'file':
      return { ...kept, format: spec.format, ...(isPacked ? { make_a_copy: 'True' } : {}), path }
  }
}

function without(values: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(values).filter(([key]) => !keys.includes(key)))
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function mappingOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {} // checked
}
