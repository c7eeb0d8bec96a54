/** What kind of machine a VM of this host becomes: asked once per run of libvirt, and of KVM itself. */
import path from 'node:path'
import { shareWork } from '../../base/shared-work.js'
import type { Task } from '../../base/task.js'
import type { Accel, Config } from '../../config/types.js'
import { findQemuUser, hostUser, type HostUser } from '../../disk/access.js'
import type { LibvirtConnection } from '../../libvirt/types.js'
import type { VmPlan } from '../../plan/types.js'
import type { HostUse } from '../provider.js'
import { chooseAccel, type AccelVerdict } from './accel.js'
import type { Capabilities } from './capabilities.js'
import type { MachineFacts } from './domain-xml.js'
import { kvmAccessProblem } from './kvm-access.js'

export interface Machines {
  forVm(task: Task, vm: VmPlan): Promise<Omit<MachineFacts, 'credentials' | 'consoleLogPath' | 'limitsRates'>>
  /** libvirt's domain type for a VM that does not ask for anything: `kvm`, `qemu` (emulation), `test`. */
  defaultType(task: Task): Promise<string>
  /** Whom qemu runs as; undefined: as whoever runs libvirt. */
  qemuUser(task: Task): Promise<HostUser | undefined>
  /** Undefined: libvirt is on another host, or its driver starts no processes. */
  hostUse(task: Task): Promise<HostUse | undefined>
}

export type MachineOptions = Pick<Config['vm'], 'accel' | 'probeKernelPath'> & { readonly cacheDir: string }

export function createMachines(libvirt: LibvirtConnection, options: MachineOptions): Machines {
  const read = async (task: Task): Promise<Capabilities> => {
    const user = libvirt.uri.startsWith('qemu:') ? await findQemuUser() : undefined
    const problem = user === undefined ? undefined : await kvmAccessProblem(user)
    if (problem !== undefined) task.log('warning', problem)
    const { readCapabilities } = await import('./capabilities.js') // loads a parser, for which only a start has a use
    return readCapabilities(await libvirt.capabilities(task))
  }
  const readOnce = shareWork(read)
  const choose = async (task: Task, wanted: Accel, found: Capabilities): Promise<AccelVerdict> => {
    const verdict = await chooseAccel(task, wanted, {
      ...options,
      capabilities: found,
      kernels: [miniKernelPath(options.cacheDir)],
    })
    if (wanted === 'auto' && verdict.accel === 'tcg')
      task.log('info', `guests run emulated, without KVM: ${verdict.reason}`)
    return verdict
  }
  const chooseOnce = (wanted: Accel): ((task: Task) => Promise<AccelVerdict>) =>
    shareWork(async (task) => choose(task, wanted, await readOnce(task)))
  const verdicts = { auto: chooseOnce('auto'), kvm: chooseOnce('kvm'), tcg: chooseOnce('tcg') }
  return {
    defaultType: async (task) => (await verdicts[options.accel](task)).domainType,
    async qemuUser(task) {
      const { qemuUser } = await readOnce(task)
      return qemuUser === undefined ? undefined : hostUser(qemuUser)
    },
    async hostUse(task) {
      if (!/^qemu:\/\/\//.test(libvirt.uri)) return undefined
      const { emulator, qemuUser: user } = await readOnce(task)
      return { emulator, user }
    },
    async forVm(task, vm) {
      const { arch, emulator, machineTypes, hostCpu } = await readOnce(task)
      const { domainType } = await verdicts[vm.spec.accel ?? options.accel](task)
      return {
        domainType,
        arch,
        emulator,
        machineType: machineTypeOf(machineTypes),
        hostCpu,
        cpuModels: undefined,
        supportsMtu: true,
      }
    },
  }
}

/** Where scripts/make-guest puts the kernel of the mini template. */
export function miniKernelPath(cacheDir: string): string {
  return path.join(cacheDir, 'mini-repo', 'vmlinuz')
}

/** The plain board of an architecture where it has one, else the emulator's first. */
function machineTypeOf(machineTypes: readonly string[]): string | undefined {
  return machineTypes.find((type) => type === 'pc' || type === 'virt') ?? machineTypes[0]
}
