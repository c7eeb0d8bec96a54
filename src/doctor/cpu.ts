/** What the CPU brings: extensions for virtualisation, KVM that runs a guest, and guests that are hosts themselves. */
import { mayReadAndWrite } from '../vm/libvirt/kvm-access.js'
import { findCapabilities } from './capabilities.js'
import type { FileFacts, HostFacts } from './facts.js'
import { findGuestUser, tableOf } from './guest-user.js'
import { byHand, byRoot, safeByRoot, type Remedy } from './remedy.js'
import { failed, ok, warning, type Check, type Finding, type Subject } from './types.js'

export const cpuExtensions: Check = {
  id: 'cpu-extensions',
  title: 'CPU extensions for virtualisation',
  async run(_task, { facts }) {
    const text = await facts.readFile('/proc/cpuinfo')
    if (text === undefined) return warning('cannot be told: there is no /proc/cpuinfo')
    const flags = [...text.matchAll(/^flags\s*:(.*)$/gm)].map(([, words = '']) => words.trim().split(/\s+/))
    // other architectures name no such flag, and have no need to
    if (flags.length === 0) return warning('cannot be told from /proc/cpuinfo of this architecture; see kvm')
    const extension = EXTENSIONS.find(({ flag }) => flags.every((words) => words.includes(flag)))
    if (extension !== undefined) return ok(`${extension.flag} (${extension.name}) on all of ${flags.length} CPUs`)
    if (flags.some((words) => words.includes('hypervisor')))
      return warning(
        'no vmx or svm: this host is a machine itself, and whoever runs it has not nested virtualisation on',
      )
    return warning(
      'no vmx (Intel) or svm (AMD): the CPU has none, or the firmware has them off; guests run emulated',
      byHand('# switch VT-x or AMD-V on in the firmware, then: dmesg | grep -i "kvm.*disabled"'),
    )
  },
}

const EXTENSIONS = [
  { flag: 'vmx', name: 'Intel VT-x', module: 'kvm_intel' },
  { flag: 'svm', name: 'AMD-V', module: 'kvm_amd' },
] as const

export const kvm: Check = {
  id: 'kvm',
  title: 'KVM runs a guest',
  async run(task, subject) {
    const { facts } = subject
    const xml = await findCapabilities(task, facts)
    const { accel, reason } = await facts.tryKvm(task, xml)
    if (accel === 'kvm') return ok(reason)
    const isNeeded = facts.settings.accel === 'kvm' || subject.needs?.wantsKvm === true
    const text = `${reason}; ${isNeeded ? 'accel=kvm is asked for' : 'guests run emulated, many times slower'}`
    return (isNeeded ? failed : warning)(text, await kvmRemedy(facts, xml))
  },
}

/** Undefined where no command helps: the device is there and open, and guests hang all the same. */
async function kvmRemedy(facts: HostFacts, xml: string | undefined): Promise<Remedy | undefined> {
  if ((await facts.stat('/dev/kvm')) === undefined) return loadModule(facts)
  if (!(await facts.isWritable('/dev/kvm'))) return byRoot(facts, ['usermod', '-aG', 'kvm', facts.me.name])
  const isOffered = xml === undefined || /<domain type=['"]kvm['"]/.test(xml)
  if (isOffered || (await facts.stat('/run/systemd/system')) === undefined) return undefined
  return byRoot(facts, ['systemctl', 'restart', 'libvirtd'])
}

/** Loading a module takes nothing from anybody, and it is gone with the next boot. */
async function loadModule(facts: HostFacts): Promise<Remedy | undefined> {
  const cpuinfo = (await facts.readFile('/proc/cpuinfo')) ?? ''
  const extension = EXTENSIONS.find(({ flag }) => new RegExp(`^flags.*\\b${flag}\\b`, 'm').test(cpuinfo))
  return extension === undefined ? undefined : safeByRoot(facts, ['modprobe', extension.module])
}

export const kvmDevice: Check = {
  id: 'kvm-device',
  title: "qemu's user may use /dev/kvm",
  async run(task, { facts }) {
    const device = await facts.stat('/dev/kvm')
    if (device === undefined) return ok('there is no /dev/kvm that it could use')
    const user = await findGuestUser(task, facts)
    if (user === undefined) return warning("cannot be told: qemu's user is not known")
    if (user.uid === 0 || mayReadAndWrite(device, user)) return ok(`${user.name} may open it`)
    return warning(
      `${user.name} may not open it: guests get no KVM, and libvirt asks qemu anew before each start`,
      await deviceRemedy(facts, device, user.name),
    )
  },
}

/** The user joins the device's group where that may use it; else the device is given to the group that is for it. */
async function deviceRemedy(facts: HostFacts, { gid, mode }: FileFacts, user: string): Promise<Remedy> {
  const group = tableOf(await facts.readFile('/etc/group')).find((fields) => fields[2] === String(gid))?.[0]
  if (group !== undefined && group !== 'root' && (mode & 0o060) === 0o060)
    return byRoot(facts, ['usermod', '-aG', group, user])
  return byRoot(facts, ['chgrp', 'kvm', '/dev/kvm'], ['chmod', '660', '/dev/kvm'])
}

export const nested: Check = {
  id: 'nested',
  title: 'guests can run guests',
  async run(_task, { facts }) {
    for (const { module } of EXTENSIONS) {
      const value = (await facts.readFile(`/sys/module/${module}/parameters/nested`))?.trim()
      if (value === undefined) continue
      if (['Y', '1'].includes(value)) return ok(`nested virtualisation is on in ${module}`)
      return nestedOff(facts, module)
    }
    const names = EXTENSIONS.map(({ module }) => module).join(' nor ')
    return warning(`cannot be told: neither ${names} is loaded; guests that run guests will emulate them`)
  },
}

function nestedOff(facts: Subject['facts'], module: string): Finding {
  const sudo = facts.me.uid === 0 ? '' : 'sudo '
  const lines = [
    `echo 'options ${module} nested=1' | ${sudo}tee /etc/modprobe.d/lago-nested.conf`,
    `${sudo}modprobe -r ${module}`,
    `${sudo}modprobe ${module}`,
  ]
  return warning(`nested virtualisation is off in ${module}: only guests that run guests need it`, {
    command: `${lines.join(' && ')}  # while no guest runs`,
  })
}
