/** `lago ansible_hosts`: the VMs as an Ansible inventory, as data (spec 6.8). Pure; how it is written is not known here. */
import { LagoError } from '../base/errors.js'
import type { VmPlan } from '../plan/types.js'
import type { Prefix } from './prefix.js'
import { encodeVm } from './stored-vm.js'

export interface AnsibleInventory {
  /** Variables of each VM, by its name, in the order of the init file. */
  readonly hosts: ReadonlyMap<string, AnsibleVars>
  /** Names of VMs, sorted, by group; groups in the order in which they were first met. */
  readonly groups: ReadonlyMap<string, readonly string[]>
}

export type AnsibleVars = Readonly<Record<string, string>>

const DEFAULT_KEYS = ['vm-type', 'groups', 'vm-provider'] as const

/**
 * Groups `<key>=<value>` for each of `keys` (paths such as `disks/0/metadata/distro` into what the prefix stores of a
 * VM; none: `DEFAULT_KEYS`), one for each item of a list, and the plain groups that the init file names.
 *
 * `ansible_user` is there for VMs whose user is not root; `defaultUser` is that of VMs whose init file names none.
 * Throws `LAGO_USAGE` for a key that leads to a mapping, and `LAGO_INVENTORY` for a value that Ansible would evaluate.
 */
export function ansibleInventory(prefix: Prefix, keys: readonly string[], defaultUser = 'root'): AnsibleInventory {
  const wanted = keys.length === 0 ? DEFAULT_KEYS : keys
  const groups = new Map<string, Set<string>>()
  const hosts = new Map<string, AnsibleVars>()
  for (const [name, vm] of prefix.plan.vms) {
    hosts.set(name, varsOf(prefix, vm, defaultUser))
    for (const group of groupsOf(prefix, vm, wanted)) groups.set(group, (groups.get(group) ?? new Set()).add(name))
  }
  return { hosts, groups: new Map([...groups].map(([group, names]) => [group, [...names].sort()])) }
}

/**
 * The inventory in the nesting of Ansible's YAML plug-in, which reads JSON as well. Everything is below `all`, so that
 * no group is mistaken for a setting of the file.
 */
export function inventoryTree({ hosts, groups }: AnsibleInventory): Readonly<Record<string, unknown>> {
  const members = (names: readonly string[]): unknown => ({
    hosts: Object.fromEntries(names.map((name) => [name, {}])),
  })
  const children = [...groups].filter(([group]) => group !== 'all') // it has every host anyway
  return {
    all: {
      hosts: Object.fromEntries(hosts),
      children: Object.fromEntries(children.map(([group, names]) => [group, members(names)])),
    },
  }
}

function varsOf(prefix: Prefix, vm: VmPlan, defaultUser: string): AnsibleVars {
  const user = vm.spec.sshUser ?? defaultUser
  const vars = {
    ...(vm.managementIp === undefined ? {} : { ansible_host: vm.managementIp }), // on a bridge it is not ours to know
    ansible_ssh_private_key_file: prefix.layout.sshKey,
    ...(user === 'root' ? {} : { ansible_user: user }),
  }
  for (const [name, value] of Object.entries(vars)) if (/\{[{%#]/.test(value)) throw evaluated(vm, name, value)
  return vars
}

function groupsOf(prefix: Prefix, vm: VmPlan, keys: readonly string[]): string[] {
  const stored = encodeVm(vm, prefix.dir)
  const byKey = keys.flatMap((key) => textsAt(vm, key, valueAt(stored, key)).map((text) => `${key}=${text}`))
  return [...byKey, ...vm.spec.groups]
}

/** Parts of the path are keys of mappings or places in lists, from the end when negative; undefined: it leads nowhere. */
function valueAt(root: unknown, key: string): unknown {
  const parts = key.split('/').filter((part) => part !== '')
  return parts.reduce<unknown>((value, part) => {
    if (Array.isArray(value)) return /^-?\d+$/.test(part) ? value.at(Number(part)) : undefined
    return isMapping(value) && Object.hasOwn(value, part) ? value[part] : undefined
  }, root)
}

function textsAt(vm: VmPlan, key: string, value: unknown): string[] {
  return [value].flat().flatMap((item: unknown) => {
    if (item === null || item === undefined) return []
    if (typeof item === 'object') throw notAValue(vm, key, item)
    return [pythonText(item as string | number | boolean)] // JSON has nothing else
  })
}

/** Booleans in upstream's spelling: scripts look for `bootstrap=True`. */
function pythonText(value: string | number | boolean): string {
  if (typeof value !== 'boolean') return String(value)
  return value ? 'True' : 'False'
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function notAValue(vm: VmPlan, key: string, value: object): LagoError {
  const below = Object.keys(value).join(', ')
  return new LagoError('LAGO_USAGE', `key "${key}" of ${vm.spec.name} is no single value; below it are: ${below}`, {
    hint: 'name one of them, as in disks/0/metadata/distro',
    data: { vm: vm.spec.name, key },
  })
}

function evaluated(vm: VmPlan, name: string, value: string): LagoError {
  return new LagoError('LAGO_INVENTORY', `${name} of ${vm.spec.name} would be evaluated by Ansible: ${value}`, {
    hint: 'Ansible takes "{{", "{%" and "{#" for the beginning of an expression; rename the directory or the user',
    data: { vm: vm.spec.name, name },
  })
}
