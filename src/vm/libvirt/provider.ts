/** VMs on this host through libvirt: transient domains, made when a VM starts and gone when it stops. */
import os from 'node:os'
import { isLagoError, LagoError } from '../../base/errors.js'
import type { Task } from '../../base/task.js'
import { UndoStack } from '../../base/undo.js'
import type { Config } from '../../config/types.js'
import { findBlockedDir, findQemuUser } from '../../disk/access.js'
import type { LibvirtConnection, VmState } from '../../libvirt/types.js'
import { ownerIn } from '../../plan/owner-mark.js'
import type { VmPlan } from '../../plan/types.js'
import { beginConsoleLog } from '../console-log.js'
import type { OwnedVm, VmProvider } from '../provider.js'
import { guestAgent } from './agent.js'
import { watchDomainBoot } from './boot-watch.js'
import { openVmConsole } from './console.js'
import { vmCpu } from './cpu.js'
import { guestCredentials } from './credentials.js'
import { domainXml } from './domain-xml.js'
import { createLinks } from './links/links.js'
import { createMachines, type Machines } from './machines.js'
import { createSleep } from './sleep.js'
import { createSnapshots } from './snapshots/snapshots.js'
import { watchVms } from './watch.js'

export type LibvirtProviderOptions = Pick<Config['vm'], 'accel' | 'probeKernelPath'> & {
  /** Where the verdict on KVM is kept. */
  readonly cacheDir: string
}

export function createLibvirtProvider(libvirt: LibvirtConnection, options: LibvirtProviderOptions): VmProvider {
  const machines = createMachines(libvirt, options)
  const links = createLinks(libvirt)
  /** Its links hold from the first packet on. */
  const releaseShaped = async (task: Task, vm: VmPlan, uuid: string): Promise<void> => {
    await using undo = new UndoStack(task)
    undo.defer(`stop ${vm.spec.name}`, async (task) => void (await libvirt.destroyDomain(task, vm.libvirtName)))
    await links.apply(task, vm, { uuid })
    await libvirt.resumeDomain(task, vm.libvirtName)
    undo.commit()
  }
  return {
    async states(task, vms) {
      const infos = await libvirt.domainInfos(
        task,
        vms.map((vm) => vm.libvirtName),
      )
      return new Map(vms.map((vm): [string, VmState] => [vm.spec.name, infos.get(vm.libvirtName)?.state ?? 'down']))
    },

    async owned(task) {
      return [...(await libvirt.allDomains(task))].flatMap(([libvirtName, { xml, state }]): OwnedVm[] => {
        const owner = ownerIn(xml)
        return owner === undefined ? [] : [{ libvirtName, state, memoryMiB: memoryIn(xml), ...owner }]
      })
    },

    async start(task, vm, context) {
      const machine = await machines.forVm(task, vm)
      const { name } = vm.spec
      const credentials = isTold(vm) ? guestCredentials({ hostName: name, sshPublicKey: context.sshPublicKey }) : []
      const { consoleLogPath } = context
      const { limitsRates, shapesTaps } = await links.prepare(task, vm)
      await beginConsoleLog(consoleLogPath)
      const xml = domainXml(vm, context.env, { ...machine, credentials, consoleLogPath, limitsRates })
      try {
        await libvirt.createDomain(task, xml, { paused: shapesTaps })
      } catch (error) {
        throw await explained(task, error, vm).catch(() => error)
      }
      if (shapesTaps) await releaseShaped(task, vm, context.env.uuid)
    },

    async stop(task, vm) {
      await libvirt.destroyDomain(task, vm.libvirtName)
    },

    async shutdown(task, vm, how) {
      await libvirt.shutdownDomain(task, vm.libvirtName, how)
    },

    fileUser: async (task) => machines.qemuUser(task),
    bootSlots: async (task) => bootSlots(task, machines),
    usesKvm: async (task) => (await machines.defaultType(task)) === 'kvm',
    cpu: async (task, vm) => vmCpu(vm.spec, await machines.forVm(task, vm)),
    hostUse: async (task) => machines.hostUse(task),
    watchBoot: (vm) => watchDomainBoot(libvirt, vm.libvirtName),
    snapshots: createSnapshots(libvirt),
    sleep: createSleep(libvirt),
    links,
    agent: (vm) => guestAgent(libvirt, vm),
    openConsole: async (task, vm, options) => openVmConsole(task, libvirt, vm, options),
    watch: async (task, vms, onEvent) => watchVms(task, libvirt, vms, onEvent),
  }
}

/** libvirt always writes it in KiB. */
function memoryIn(xml: string): number {
  const [, kibibytes = '0'] = /<memory\b[^>]*>([0-9]+)<\/memory>/.exec(xml) ?? []
  return Number(kibibytes) / 1024
}

/** Prefixes of other programs have no note of how their VMs were told: then as the init file has it. */
function isTold({ spec, bootstrap }: VmPlan): boolean {
  return bootstrap === undefined ? spec.bootstrap !== 'none' : bootstrap.strategy === 'credentials'
}

/** With KVM a booting guest waits more than it computes; an emulated one keeps a core busy. */
const SLOTS_PER_CORE: Readonly<Record<string, number>> = { kvm: 4, qemu: 1 }

/** Without limit for drivers that run nothing, as libvirt's test driver. */
async function bootSlots(task: Task, machines: Machines): Promise<number> {
  const perCore = SLOTS_PER_CORE[await machines.defaultType(task)]
  return perCore === undefined ? Infinity : perCore * os.availableParallelism()
}

/** libvirt only says that a file could not be opened; here it is said which directory is in the way. */
async function explained(task: Task, error: unknown, vm: VmPlan): Promise<unknown> {
  if (!isLagoError(error, 'LAGO_LIBVIRT') || !/permission denied/i.test(error.message)) return error
  const user = await findQemuUser()
  if (user === undefined) return error
  for (const filePath of vm.disks.flatMap((disk) => [disk.path, ...(disk.backing ? [disk.backing.path] : [])])) {
    const blocked = await findBlockedDir(task, filePath, user)
    if (blocked !== undefined)
      return new LagoError(
        'LAGO_PERMISSION',
        `qemu's user ${user.name} cannot enter ${blocked.dir} to reach ${filePath}`,
        {
          hint: blocked.command,
          data: { dir: blocked.dir, path: filePath, user: user.name, vm: vm.spec.name },
          cause: error,
        },
      )
  }
  return error
}
