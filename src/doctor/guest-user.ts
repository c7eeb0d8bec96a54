/** The user that qemu runs as: libvirt tells it, and where it does not, the distributions' names do. */
import type { Task } from '../base/task.js'
import { QEMU_USERS, type HostUser } from '../disk/access.js'
import type { HostUse } from '../vm/provider.js'
import { findCapabilities } from './capabilities.js'
import type { HostFacts } from './facts.js'

/** With a session's libvirt it is the user. Undefined: nobody tells, or qemu runs on another host. */
export async function findGuestUser(
  task: Task,
  facts: Pick<HostFacts, 'capabilities' | 'readFile' | 'settings' | 'me'>,
): Promise<HostUser | undefined> {
  const { libvirtUri } = facts.settings
  if (/^qemu(\+unix)?:\/\/\/session/.test(libvirtUri)) return facts.me
  if (!/^qemu(\+unix)?:\/\/\/system/.test(libvirtUri)) return undefined
  const xml = await findCapabilities(task, facts)
  const { qemuUserIn } = await import('../vm/libvirt/capabilities.js') // loads a parser
  return guestUserOf(xml === undefined ? undefined : qemuUserIn(xml), facts)
}

/** With its name and groups. `label`: as libvirt tells it. */
export async function guestUserOf(
  label: HostUse['user'],
  facts: Pick<HostFacts, 'readFile'>,
): Promise<HostUser | undefined> {
  const passwd = tableOf(await facts.readFile('/etc/passwd'))
  const group = tableOf(await facts.readFile('/etc/group'))
  const entry =
    label === undefined
      ? QEMU_USERS.map((name) => passwd.find((fields) => fields[0] === name)).find((fields) => fields)
      : passwd.find((fields) => fields[2] === String(label.uid))
  const uid = label?.uid ?? (entry === undefined ? undefined : Number(entry[2]))
  if (uid === undefined) return undefined
  const name = entry?.[0] ?? `uid ${uid}`
  const others = group.filter((fields) => fields[3]?.split(',').includes(name)).map((fields) => Number(fields[2]))
  // libvirt gives qemu the groups of its user, the one of passwd among them, beside the group of the label
  const own = [...(label === undefined ? [] : [label.gid]), ...(entry === undefined ? [] : [Number(entry[3])])]
  return { name, uid, gids: [...new Set([...own, ...others])] }
}

/** passwd(5), group(5). */
export function tableOf(text: string | undefined): readonly (readonly string[])[] {
  return (text ?? '').split('\n').flatMap((line) => (line === '' ? [] : [line.split(':')]))
}
