/** How VMs come to exist and stop: small, so that a second hypervisor is a second implementation. */
import type { Duplex } from 'node:stream'
import type { Task } from '../base/task.js'
import type { HostUser } from '../disk/access.js'
import type { ConsoleOptions, LifecycleEvent, VmState } from '../libvirt/types.js'
import type { EnvPlan, LinkConditions, VmPlan } from '../plan/types.js'

/** What a provider cannot do is not there. */
export interface VmProvider {
  /** Machines that others run: always up, whatever is asked of them, so that nobody may wait for them to go down. */
  readonly foreign?: true
  /** One answer for all of `vms`, keyed by VM name. */
  states(task: Task, vms: readonly VmPlan[]): Promise<ReadonlyMap<string, VmState>>
  /** Machines of whatever environment that are there now. */
  owned?(task: Task): Promise<readonly OwnedVm[]>
  /** For a VM that is `down`. When it fails, or is aborted, there is no VM. */
  start(task: Task, vm: VmPlan, context: StartContext): Promise<void>
  /** Hard power-off. Does nothing for a VM that is `down`. */
  stop(task: Task, vm: Pick<VmPlan, 'libvirtName'>): Promise<void>
  /** Asks the guest to power off or to reboot, and does not wait for it. */
  shutdown(task: Task, vm: VmPlan, how: 'off' | 'reboot'): Promise<void>
  /** Who opens the files of VMs, and must reach them by their paths; undefined: nobody but the one who runs Lago. */
  fileUser?(task: Task): Promise<HostUser | undefined>
  /** How many guests may boot side by side on this host before they slow each other down. */
  bootSlots(task: Task): Promise<number>
  /** VMs of this provider run with KVM, which is known to run a kernel; not there: nobody can tell. */
  usesKvm?(task: Task): Promise<boolean>
  /** What CPU a VM has; undefined, or not there: that is not known. */
  cpu?(task: Task, vm: VmPlan): Promise<VmCpu | undefined>
  /** What runs VMs on this very host; undefined, or not there: they run elsewhere, or nothing runs. */
  hostUse?(task: Task): Promise<HostUse | undefined>
  /** To be asked from time to time after `start`: has the guest come up, or gone idle for another reason? */
  watchBoot(vm: VmPlan): BootWatch
  readonly snapshots?: VmSnapshots
  readonly sleep?: VmSleep
  /** Links can be degraded. */
  readonly links?: VmLinks
  /** The agent in the guest; whether one answers is another question. */
  agent?(vm: VmPlan): GuestAgent
  /**
   * The guest's serial line, both ways, until it is destroyed or the VM ends. One user at a time; `force` takes it from
   * another. Throws `LAGO_CONSOLE_BUSY`, `LAGO_VM_NOT_RUNNING`.
   */
  openConsole?(task: Task, vm: VmPlan, options?: ConsoleOptions): Promise<Duplex>
  /** Tells what happens to `vms`, running or not, from the moment it resolves until it is disposed of. */
  watch?(task: Task, vms: readonly VmPlan[], onEvent: (event: VmEvent) => void): Promise<AsyncDisposable>
}

/** What bears an environment's mark. */
export interface OwnedVm {
  readonly libvirtName: string
  readonly uuid: string
  /** Undefined: the mark does not say. */
  readonly prefixDir: string | undefined
  /** As the init file calls it. */
  readonly name: string
  readonly state: VmState
  readonly memoryMiB: number
}

export interface VmCpu {
  /** libvirt's name: `Haswell-noTSX`. */
  readonly model: string
  readonly vendor: string
}

export interface HostUse {
  /** The program; absolute. */
  readonly emulator: string | undefined
  /** Whom it runs as; undefined: not known. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined
}

/** As libvirt's `DomainEvent`, by the VM's name in the init file. */
export type VmEvent =
  | { readonly type: 'lifecycle'; readonly vm: string; readonly event: LifecycleEvent; readonly detail: string }
  | { readonly type: 'agent'; readonly vm: string; readonly connected: boolean }
  /** Nothing more will be told. */
  | { readonly type: 'connection-lost'; readonly reason: string }

export interface StartContext {
  readonly env: EnvPlan
  /** OpenSSH one-line public key that the guest's root shall accept. */
  readonly sshPublicKey: string
  /** Absolute; the guest's serial output is written here from the first byte of this start. */
  readonly consoleLogPath: string
}

export interface BootWatch {
  isSettled(task: Task): Promise<boolean>
}

/** The VM itself, not the records in the prefix. */
export interface VmSnapshots {
  /** Stops and resumes time in a running VM; neither does anything for a VM that is so already. */
  pause(task: Task, vm: VmPlan): Promise<void>
  /**
   * The VM with the images that it writes to: others than the plan has when a run was killed after images were frozen
   * and before that was written down. Throws `LAGO_DISKS_DIFFER` when it cannot be made out.
   */
  adopt(task: Task, vm: VmPlan): Promise<VmPlan>
  resume(task: Task, vm: VmPlan): Promise<void>
  /**
   * For a VM that is paused, or down: then the disks alone. When it fails, or is aborted, there is no snapshot and the
   * VM is as it was. The plan that comes back has the snapshot in it, and the images that the VM writes to from now on.
   */
  take(task: Task, vm: VmPlan, request: SnapshotRequest): Promise<VmPlan>
  /**
   * The VM as it was, paused if the snapshot has its memory, else down. A VM that runs is taken back in place where
   * that can be, else ended first. Files that are not needed any more stay.
   */
  revert(task: Task, vm: VmPlan, name: string, place: Pick<SnapshotFiles, 'rootDir'>): Promise<VmPlan>
  /** Takes it out of images that are still needed; files that are not needed any more stay. */
  remove(task: Task, vm: VmPlan, name: string): Promise<VmPlan>
  /** Bytes on the host's disk that a snapshot keeps from being freed, by name; shared images count for each. */
  sizes(task: Task, vm: VmPlan): Promise<ReadonlyMap<string, number>>
}

export interface SnapshotRequest {
  readonly name: string
  readonly diskOnly: boolean
  readonly takenAtMs: number
  readonly files: SnapshotFiles
}

/** Absolute paths. */
export interface SnapshotFiles {
  readonly memory: string
  readonly xml: string
  /** What lies below it is found again when all of it has been moved. */
  readonly rootDir: string
}

/** The links of VMs, as the `link` of their nics has it. */
export interface VmLinks {
  /**
   * Whether this host can make links like these; changes nothing. Throws `LAGO_LINK_UNSUPPORTED` with the reason; tells by
   * a warning what can be had in part only.
   */
  require(task: Task, links: readonly LinkConditions[]): Promise<void>
  /**
   * For a VM that is up or paused: its links become as planned. Throws `LAGO_LINK_FOREIGN` when what bears its name in
   * the hypervisor is not of the environment of this uuid.
   */
  apply(task: Task, vm: VmPlan, options: LinkOptions): Promise<void>
}

export interface LinkOptions {
  readonly uuid: string
  /**
   * The VM was given the memory of the machine that is described there, and does not run on yet: in it links are as they
   * were, which the hypervisor need not know.
   */
  readonly keptXmlPath?: string
}

/** A VM's memory in a file while the VM does not exist. */
export interface VmSleep {
  /** For a VM that is paused. */
  save(task: Task, vm: VmPlan, files: SnapshotFiles): Promise<void>
  /** The VM, paused. The files stay. */
  restore(task: Task, vm: VmPlan, files: SnapshotFiles): Promise<void>
}

/**
 * What comes back is the guest's word. Everything throws `LAGO_AGENT` when there is no answer in time, or when the agent
 * refuses.
 */
export interface GuestAgent {
  ping(task: Task, timeoutMs: number): Promise<void>
  /** The guest's clock. */
  setTime(task: Task, atMs: number): Promise<void>
  /** Nothing is written to the guest's file systems until `thaw`. */
  freeze(task: Task): Promise<void>
  thaw(task: Task): Promise<void>
  /** Those that the agent knows, by name; false: it has been told not to obey. */
  commands(task: Task): Promise<ReadonlyMap<string, boolean>>
  /**
   * Runs a program in the guest as root, to its end. Throws `LAGO_TIMEOUT` when that takes longer than `timeoutMs`; the
   * program runs on then, as it does after an abort.
   */
  run(task: Task, argv: readonly [string, ...string[]], timeoutMs: number): Promise<AgentRun>
  /** OpenSSH one-line public keys, beside those that `user` has already. */
  addAuthorizedKeys(task: Task, user: string, keys: readonly string[]): Promise<void>
  /** `password` as it is; it is in no error. */
  setPassword(task: Task, user: string, password: string): Promise<void>
}

export interface AgentRun {
  /** 128 + n for signal n. */
  readonly exitCode: number
  /** Each up to 1 MiB, the rest left out. */
  readonly stdout: string
  readonly stderr: string
}
