/** An inventory in Ansible's ini form: `[group]` lines, and a line for each of its hosts (spec 6.8). */
import { LagoError } from '../base/errors.js'
import type { AnsibleInventory, AnsibleVars } from './ansible-inventory.js'

/**
 * Ends without a line end. Hosts that are in no group stand first.
 * Throws `LAGO_INVENTORY` for a group or a value that ini has no way to write.
 */
export function renderIni({ hosts, groups }: AnsibleInventory): string {
  const line = (name: string): string => hostLine(name, hosts.get(name) ?? {})
  const grouped = new Set([...groups.values()].flat())
  const loose = [...hosts.keys()].filter((name) => !grouped.has(name)).sort()
  const sections = [...groups].flatMap(([group, names]) => [groupLine(group), ...names.map(line)])
  return [...loose.map(line), ...sections].join('\n')
}

/** What Ansible's own reader takes for the name of a group: everything but blanks, `:` and `]`. */
function groupLine(group: string): string {
  if (/^[^:\]\s]+$/.test(group) && isOneLine(group)) return `[${group}]`
  throw notInIni(`the group ${JSON.stringify(group)}`)
}

function hostLine(name: string, vars: AnsibleVars): string {
  const words = Object.entries(vars).map(([key, value]) => {
    if (!isOneLine(value)) throw notInIni(`${key} of ${name}`)
    return `${key}=${quote(value)}`
  })
  return [name, ...words].join(' ')
}

/**
 * Ansible splits the line as a shell would, and then takes a value for Python where it can: a path or an address never
 * is, a name like `None` or `007` would be.
 */
function quote(value: string): string {
  const isText = /^\/|^[a-z_][\w.-]*$|^\d+(\.\d+){3}$/.test(value)
  return shellQuote(isText ? value : `"${value.replace(/[\\"]/g, '\\$&')}"`)
}

function shellQuote(text: string): string {
  return /^[\w%+,./:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`
}

function isOneLine(text: string): boolean {
  return !/[\p{Cc}\u2028\u2029]/u.test(text)
}

function notInIni(what: string): LagoError {
  return new LagoError('LAGO_INVENTORY', `${what} cannot be written in an ini inventory`, {
    hint: 'lago ansible_hosts --format yaml, or --format json',
  })
}
