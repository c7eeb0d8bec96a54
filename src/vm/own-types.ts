/** The kinds of VMs that Lago itself knows: the plain one, and those of oVirt's suites (spec 7.1). */
import type { Era } from '../base/prefix-era.js'
import type { DomainSpec } from '../spec/types.js'
import type { VmType } from './types.js'

export const ownVmTypes: Readonly<Record<string, VmType>> = {
  default: {},
  'ovirt-engine': { artifacts: (_, era) => logsOf(era, '/var/log/ovirt-engine') },
  'ovirt-host': { artifacts: (_, era) => logsOf(era, '/var/log/vdsm') },
  'ovirt-he-host': { artifacts: (_, era) => logsOf(era, '/var/log/vdsm') },
  'ovirt-node': {},
}

/** In era 0.x those of the role's own program; readers of that time know no other names (spec 7.7). */
function logsOf(era: Era, ownDir: string): readonly string[] {
  return [era === '0.x' ? ownDir : '/var/log']
}

const TYPES_OF_ROLES: ReadonlyMap<unknown, string> = new Map([
  ['engine', 'ovirt-engine'],
  ['host', 'ovirt-host'],
  ['node', 'ovirt-node'],
])

/** What `vm-type` says, else, and for a plain `default`, the older `ovirt-role` of the metadata; undefined when neither does. */
export function vmTypeName({ vmType, metadata }: Pick<DomainSpec, 'vmType' | 'metadata'>): string | undefined {
  if (vmType !== undefined && vmType !== 'default') return vmType
  return TYPES_OF_ROLES.get(metadata['ovirt-role']) ?? vmType
}
