/** libvirt's daemons: one for everything (libvirtd), or one for each thing (virtqemud, virtnetworkd). */
import { isLagoError, messageOf, type LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import {
  VIR_ERR_AUTH_CANCELLED,
  VIR_ERR_AUTH_FAILED,
  VIR_ERR_AUTH_UNAVAILABLE,
  VIR_ERR_SYSTEM_ERROR,
} from '../libvirt/constants.js'
import type { HostFacts } from './facts.js'
import { tableOf } from './guest-user.js'
import { byRoot, install, safeByRoot, type Argv, type Remedy } from './remedy.js'
import { failed, ok, warning, type Check, type Finding } from './types.js'

export const libvirt: Check = {
  id: 'libvirt',
  title: 'libvirt answers',
  async run(task, { facts }) {
    const uri = facts.settings.libvirtUri
    try {
      await facts.capabilities(task)
    } catch (error) {
      task.signal.throwIfAborted()
      if (!isLagoError(error)) throw error
      return uri === LOCAL_URI ? whyNot(facts, error) : failed(messageOf(error))
    }
    return uri === LOCAL_URI ? answering(task, facts) : ok(`it answers at ${uri}`)
  },
}

export const LOCAL_URI = 'qemu:///system'
const SOCKET_DIR = '/run/libvirt'

type Form = 'libvirtd' | 'modular'

async function hasSocket(facts: HostFacts, daemon: string): Promise<boolean> {
  return (await facts.stat(socketOf(daemon))) !== undefined
}

function socketOf(daemon: string): string {
  return `${SOCKET_DIR}/${daemon === 'libvirtd' ? 'libvirt' : daemon}-sock`
}

/** The proxy of the modular daemons has libvirtd's socket, so theirs count first. */
async function formOf(facts: HostFacts): Promise<Form | undefined> {
  if (await hasSocket(facts, 'virtqemud')) return 'modular'
  return (await hasSocket(facts, 'libvirtd')) ? 'libvirtd' : undefined
}

async function answering(task: Task, facts: HostFacts): Promise<Finding> {
  const form = (await formOf(facts)) ?? 'libvirtd'
  const needed = form === 'modular' ? ['virtnetworkd', 'virtlogd'] : ['virtlogd']
  for (const daemon of needed)
    if (!(await hasSocket(facts, daemon)))
      return failed(`${daemon} does not run: there is no ${socketOf(daemon)}`, await startOf(facts, daemon))
  const name = form === 'modular' ? 'virtqemud and virtnetworkd answer' : 'libvirtd answers'
  if (!(await hasSystemd(facts)))
    return ok(`${name} at ${LOCAL_URI}; without systemd, whoever boots the host starts it`)
  const units = form === 'modular' ? ['virtqemud', 'virtnetworkd'] : ['libvirtd']
  for (const unit of units) {
    const enabled = await facts.run(task, ['systemctl', 'is-enabled', `${unit}.service`, `${unit}.socket`])
    if (enabled === undefined || !/^enabled/m.test(enabled.stdout))
      return warning(`${name}, but ${unit} is not started at boot`, safeByRoot(facts, ['systemctl', 'enable', unit]))
  }
  return ok(`${name} at ${LOCAL_URI} and start at boot`)
}

const AUTH_CODES: readonly unknown[] = [VIR_ERR_AUTH_FAILED, VIR_ERR_AUTH_CANCELLED, VIR_ERR_AUTH_UNAVAILABLE]

async function whyNot(facts: HostFacts, error: LagoError): Promise<Finding> {
  if (error.code === 'LAGO_LIBVIRT_CONNECT' && error.data['libvirtCode'] === undefined)
    return failed(error.message, await install(facts, [{ apt: 'libvirt0', dnf: 'libvirt-libs' }]))
  const form = await formOf(facts)
  if (form === undefined) return notRunning(facts)
  const daemon = form === 'modular' ? 'virtqemud' : 'libvirtd'
  const socket = socketOf(daemon)
  if (AUTH_CODES.includes(error.data['libvirtCode']) || !(await facts.isWritable(socket)))
    return failed(`${facts.me.name} has no right to use ${socket}`, await joinSocketGroup(facts, socket))
  if (error.code === 'LAGO_TIMEOUT') return failed(`${daemon} hangs: ${error.message}`, await restartOf(facts, daemon))
  if (error.data['libvirtCode'] === VIR_ERR_SYSTEM_ERROR || facts.me.uid === 0)
    return failed(error.message, await restartOf(facts, daemon))
  return failed(`${daemon} refuses ${facts.me.name}: ${error.message}`, await askPolkit(facts))
}

/** It was reached and has said no. Users who are not root are let in by polkit, which is asked over the system bus. */
async function askPolkit(facts: HostFacts): Promise<Remedy> {
  if ((await facts.stat('/run/dbus/system_bus_socket')) !== undefined)
    return byRoot(facts, ['usermod', '-aG', 'libvirt', facts.me.name])
  return byRoot(facts, (await hasSystemd(facts)) ? ['systemctl', 'start', 'dbus'] : ['service', 'dbus', 'start'])
}

async function notRunning(facts: HostFacts): Promise<Finding> {
  const [monolithic, modular] = [await facts.findProgram('libvirtd'), await facts.findProgram('virtqemud')]
  if (monolithic === undefined && modular === undefined)
    return failed('libvirt is not installed: neither libvirtd nor virtqemud is there', await install(facts, [SERVER]))
  const daemon = monolithic === undefined ? 'virtqemud' : 'libvirtd'
  return failed(
    `${daemon} is installed and does not run: there is no ${socketOf(daemon)}`,
    await startOf(facts, daemon),
  )
}

const SERVER = { apt: 'libvirt-daemon-system', dnf: 'libvirt-daemon-kvm' }

/** The socket's own group lets in by its mode; with a socket for all, polkit's rule names the group libvirt. */
async function joinSocketGroup(facts: HostFacts, socket: string): Promise<Remedy> {
  const gid = (await facts.stat(socket))?.gid
  const group = tableOf(await facts.readFile('/etc/group')).find((fields) => fields[2] === String(gid))?.[0]
  return byRoot(facts, ['usermod', '-aG', group === undefined || group === 'root' ? 'libvirt' : group, facts.me.name])
}

/** The modular daemons need each other, and are started by their sockets. */
async function startOf(facts: HostFacts, daemon: string): Promise<Remedy> {
  const isModular = daemon.startsWith('virt') && daemon !== 'virtlogd'
  if (await hasSystemd(facts)) {
    const units = isModular
      ? MODULAR.map((name) => `${name}.socket`)
      : [daemon === 'virtlogd' ? 'virtlogd.socket' : daemon]
    return safeByRoot(facts, ['systemctl', 'enable', '--now', ...units])
  }
  const wanted = isModular ? MODULAR : daemon === 'virtlogd' ? [daemon] : ['virtlogd', daemon]
  const missing: string[] = []
  for (const name of wanted) if (!(await hasSocket(facts, name))) missing.push(name)
  return byRoot(facts, ...missing.map((name): Argv => [name, '-d']))
}

const MODULAR = ['virtlogd', 'virtqemud', 'virtnetworkd']

/** Guests go on running while it is restarted. */
async function restartOf(facts: HostFacts, daemon: string): Promise<Remedy> {
  if (await hasSystemd(facts)) return byRoot(facts, ['systemctl', 'restart', daemon])
  return byRoot(facts, ['pkill', '-x', daemon], [daemon, '-d'])
}

/** sd_booted(3). */
async function hasSystemd(facts: HostFacts): Promise<boolean> {
  return (await facts.stat('/run/systemd/system')) !== undefined
}
