/** What `init` and `loadEnv` give: an environment, its machines and nets, and the words in which tests are written. */
import type { VmState } from '../libvirt/types.js'

/**
 * An environment. Verbs that change it hold the prefix's lock, so that one waits for another, in this program or in
 * another one. After `close`, and after disposal, nothing of it can be used any more.
 *
 * Disposal of what `init` gave destroys the environment; of what `loadEnv` gave it only closes.
 */
export interface Env extends AsyncDisposable {
  /** 32 hex characters. */
  readonly uuid: string
  /** Absolute. */
  readonly prefixDir: string
  /** By name, in the order of the init file. */
  readonly vms: ReadonlyMap<string, Vm>
  readonly nets: ReadonlyMap<string, Net>
  /** Throws `LAGO_NO_SUCH_VM`, with the VMs that there are. */
  vm(name: string): Vm
  /** What the prefix says of itself; `lago_version` is the one that made it. */
  metadata(): Promise<Readonly<Record<string, unknown>>>
  /** Adds to it, or replaces what is of the same keys. `lago_version` is Lago's own: `LAGO_USAGE`. */
  setMetadata(values: Readonly<Record<string, string>>): Promise<void>
  /** As `lago status` gives it. */
  status(): Promise<Readonly<Record<string, unknown>>>

  /**
   * All VMs, or those named with the nets that they use; returns when they are created, not when they have booted.
   * Throws `LAGO_NOT_READY` when they do not fit this host.
   */
  start(vms?: readonly string[], options?: StartOptions): Promise<void>
  /** Hard power-off. */
  stop(vms?: readonly string[]): Promise<void>
  shutdown(options?: EnvShutdownOptions): Promise<void>
  /** Every VM's memory goes into a file; `start` resumes. */
  suspend(): Promise<void>
  /**
   * Makes links worse on purpose, or takes that back: those of all nics on a net (`lago`), or of one (`vm0:0`, `vm0:eth0`,
   * `vm0:lago`). They stay so over a restart; `status` tells. Throws `LAGO_LINK_UNSUPPORTED`, before anything is changed,
   * for what this host cannot do.
   */
  setLinks(target: string, conditions: LinkConditions): Promise<void>
  /** Leaves nothing of the environment, on disk or in libvirt. May be called twice. */
  destroy(): Promise<void>

  /** Until the VMs (default: all) have come as far as `rung`. Throws `LAGO_NOT_READY`, which tells how far each has come. */
  wait(rung: Rung, options?: WaitOptions & { readonly vms?: readonly string[] | undefined }): Promise<void>
  /** Runs the deploy scripts. Throws `LAGO_DEPLOY_FAILED`. */
  deploy(options?: DeployOptions): Promise<void>
  /** Fetches the artifacts of all VMs to `outputDir`; one that is there is renamed. */
  collectArtifacts(outputDir: string, options?: CollectOptions): Promise<void>
  /** Disks and an init file that make the environment anew, here or elsewhere. All VMs must be down. */
  export(options?: ExportOptions): Promise<ExportResult>

  /** All VMs, or those named, at one point in time, or none. Throws `LAGO_SNAPSHOT_EXISTS`. */
  snapshot(name: string, options?: SnapshotOptions & { readonly vms?: readonly string[] | undefined }): Promise<void>
  /** All VMs, or those named; any number of times. Throws `LAGO_NO_SUCH_SNAPSHOT`. */
  revert(name: string, options?: { readonly vms?: readonly string[] | undefined }): Promise<void>
  deleteSnapshot(name: string): Promise<void>
  /** By VM and snapshot, oldest first. */
  snapshots(): Promise<ReadonlyMap<string, ReadonlyMap<string, Snapshot>>>

  /** Text for Ansible; `keys` as of `lago ansible_hosts`. */
  ansibleInventory(options?: InventoryOptions): Promise<string>

  /**
   * For clean-up: gives `work` the environment with calls that an abort of this one does not end; after `graceMs` they end
   * with `LAGO_TIMEOUT`. What it is given is closed afterwards.
   */
  shielded<T>(graceMs: number, work: (env: Env) => Promise<T>): Promise<T>

  /** Ends connections and threads; what runs goes on running, also when disposal follows. May be called twice. */
  close(): Promise<void>
}

/**
 * A machine. Commands share one ssh connection, which is made by the first of them and made anew after a restart or a
 * revert; it waits for ssh as long as the VM may take to boot. Throws `LAGO_VM_NOT_RUNNING`, `LAGO_GUEST_UNREACHABLE`.
 */
export interface Vm {
  readonly name: string
  /** On the management net; undefined on a bridge. */
  readonly ip: string | undefined
  readonly nics: readonly Nic[]
  readonly disks: readonly Disk[]
  readonly groups: readonly string[]
  readonly metadata: Readonly<Record<string, unknown>>
  readonly distro: string | undefined
  /** As the init file has it, prototypes applied. */
  readonly spec: Readonly<Record<string, unknown>>

  state(): Promise<VmState>
  /** What its CPU is, by the names of libvirt; undefined when that is not known. */
  cpu(): Promise<VmCpu | undefined>
  start(): Promise<void>
  stop(): Promise<void>
  shutdown(options?: ShutdownOptions): Promise<void>
  /**
   * Returns when the guest has booted anew and runs commands. A VM that is down stays down; one on a bridge, or of
   * others, is only asked. Throws `LAGO_SHUTDOWN` after `timeoutMs`, `LAGO_GUEST_UNREACHABLE` before it asks when the
   * guest does not answer.
   */
  reboot(options?: Pick<ShutdownOptions, 'timeoutMs'>): Promise<void>

  /** Runs it to its end; an exit code other than 0 is a result. */
  exec(command: Command, options?: ExecOptions): Promise<ExecResult>
  /** What it printed. Throws `LAGO_GUEST_COMMAND`, with exit code and the last lines, when it fails. */
  succeed(command: Command, options?: RunOptions): Promise<string>
  /** The result of a command that must fail. Throws `LAGO_GUEST_COMMAND` when it succeeds. */
  fail(command: Command, options?: RunOptions): Promise<ExecResult>
  /** Tries it until it succeeds, also while the guest cannot be reached; gives what it printed then. Throws `LAGO_TIMEOUT`. */
  waitUntilSucceeds(command: Command, options?: WaitOptions): Promise<string>
  /**
   * Runs it wired to this process's own standard streams, with a terminal of its own where ours is one; gives its exit
   * code. For what a user is to talk with.
   */
  attach(command: Command, options?: AttachOptions): Promise<number>
  /** Runs a script of this host by the guest's shell. */
  script(hostPath: string, options?: ScriptOptions): Promise<ExecResult>
  /** A file or a directory; `guestPath` is absolute. */
  copyTo(hostPath: string, guestPath: string): Promise<void>
  copyFrom(guestPath: string, hostPath: string): Promise<void>
  service(name: string): Service

  wait(rung: Rung, options?: WaitOptions): Promise<void>
  waitForSsh(options?: WaitOptions): Promise<void>
  /** Until something listens on the TCP port. */
  waitForPort(port: number, options?: WaitOptions): Promise<void>
  /** Until the systemd unit is active. */
  waitForUnit(unit: string, options?: WaitOptions): Promise<void>
  /** Until there is something of that name in the guest. */
  waitForFile(guestPath: string, options?: WaitOptions): Promise<void>

  /**
   * What the serial console printed since the VM was last started, at most the last 4 MiB; empty before the first start.
   * Throws `LAGO_PERMISSION` when libvirt keeps it from this user.
   */
  consoleLog(): Promise<string>
  /** Of this VM alone. Throws `LAGO_SNAPSHOT_EXISTS`. */
  snapshot(name: string, options?: SnapshotOptions): Promise<void>
  /** This VM alone; the others go on. Throws `LAGO_NO_SUCH_SNAPSHOT`. */
  revert(name: string): Promise<void>
  /** Those that this VM has, by name, oldest first. */
  snapshots(): Promise<ReadonlyMap<string, Snapshot>>
}

export interface Net {
  readonly name: string
  readonly isManagement: boolean
  /** `10.20.0.0/20`; undefined on a bridge. */
  readonly subnet: string | undefined
  /** Undefined on a bridge. */
  readonly gateway: string | undefined
  readonly mtu: number
  /** Name to address of the nics on it. */
  readonly mapping: ReadonlyMap<string, string>
  isUp(): Promise<boolean>
}

/** What is not named stays as it is. Throws `LAGO_LINK_VALUE` for what is no rate, delay or loss. */
export interface LinkConditions {
  /** True: nothing passes. False takes only that back. */
  readonly down?: boolean | undefined
  /** Both ways, each: `10mbit`, `500kbit`, `2MBps`. */
  readonly rate?: string | undefined
  /** Of what the guest receives: `50ms`, `1s`. */
  readonly delay?: string | undefined
  /** By how much the delay varies. */
  readonly jitter?: string | undefined
  /** Of what the guest receives: `1%`. */
  readonly loss?: string | undefined
  /** Everything is taken back first. */
  readonly clear?: boolean | undefined
}

export interface Service {
  state(): Promise<'active' | 'inactive' | 'missing'>
  start(): Promise<void>
  stop(): Promise<void>
}

export interface VmCpu {
  /** `Haswell-noTSX`. */
  readonly model: string
  /** `Intel`, `AMD`. */
  readonly vendor: string
}

export interface Nic {
  readonly net: string
  readonly ip: string | undefined
  readonly mac: string | undefined
  readonly mtu: number
}

export interface Disk {
  readonly name: string
  readonly dev: string
  readonly path: string
  readonly format: 'qcow2' | 'raw'
  readonly metadata: Readonly<Record<string, unknown>>
}

/** A text goes to the guest's shell as it is; a list of words is quoted for it. */
export type Command = string | readonly string[]

export interface RunOptions {
  /** Written to standard input, which is empty otherwise. */
  readonly input?: string | Uint8Array | undefined
  /** Default: no limit but the environment's `signal`. After it `LAGO_TIMEOUT`. */
  readonly timeoutMs?: number | undefined
}

export interface ExecOptions extends RunOptions {
  /** True: an exit code other than 0 throws `LAGO_GUEST_COMMAND`. Default false. */
  readonly reject?: boolean | undefined
}

export interface AttachOptions {
  /** Default: whether this process's standard input is a terminal. */
  readonly isTerminal?: boolean | undefined
}

export type ScriptOptions = Omit<ExecOptions, 'input'>

export interface ExecResult {
  /** Of the command; 128 + n for signal n. */
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  readonly durationMs: number
}

export interface WaitOptions {
  /** Default: the VM's boot time for rungs, which ports and units are too; 900,000 for commands and files. */
  readonly timeoutMs?: number | undefined
}

/** How far a VM has come; `unit:NAME`, `port:NUMBER` and `cmd:COMMAND` beside the names. */
export type Rung =
  ('running' | 'kernel' | 'agent' | 'network' | 'ssh' | 'cloud-init') | `${'unit' | 'port' | 'cmd'}:${string}`

export interface ShutdownOptions {
  /** Power off what has not gone down in time. Default false: `LAGO_SHUTDOWN`. */
  readonly force?: boolean | undefined
  /** For all VMs; default 300,000. */
  readonly timeoutMs?: number | undefined
}

export interface StartOptions {
  /** Start also what does not fit this host. Default false. */
  readonly force?: boolean | undefined
}

export interface EnvShutdownOptions extends ShutdownOptions {
  readonly vms?: readonly string[] | undefined
  /** As `Vm.reboot`; `force` does nothing then. */
  readonly reboot?: boolean | undefined
}

export interface DeployOptions {
  readonly vms?: readonly string[] | undefined
  /** Only from the first script on that has changed, failed or not run. */
  readonly changedOnly?: boolean | undefined
}

export interface CollectOptions {
  /** True: an artifact that is not there is an error. Default false. */
  readonly failOnMissing?: boolean | undefined
  /** For each VM; default 300,000. */
  readonly vmTimeoutMs?: number | undefined
}

export interface SnapshotOptions {
  /** Without the memory of running VMs. */
  readonly diskOnly?: boolean | undefined
}

export interface Snapshot {
  readonly takenAt: Date | undefined
  readonly withMemory: boolean
  readonly diskUseBytes: number
}

export interface InventoryOptions {
  readonly keys?: readonly string[] | undefined
  /** Default `ini`; JSON will do wherever Ansible wants YAML. */
  readonly format?: 'ini' | 'json' | undefined
}

export interface ExportOptions {
  readonly vms?: readonly string[] | undefined
  /** Merges disks with the templates that they are laid over. Default false. */
  readonly standalone?: boolean | undefined
  /** Default: none. */
  readonly compress?: 'xz' | 'zstd' | undefined
  /** Made when it is not there. Default: `cwd`. */
  readonly dstDir?: string | undefined
  /** Default `LagoInitFile`. */
  readonly initFileName?: string | undefined
  /** Of the init file; default `yaml`. */
  readonly format?: 'yaml' | 'json' | undefined
  /** Replaces files of the same names. Default false: `LAGO_EXPORT_EXISTS`. */
  readonly force?: boolean | undefined
}

export interface ExportResult {
  /** The images that were written, by VM. */
  readonly vms: Readonly<Record<string, readonly string[]>>
  /** Absolute path. */
  readonly initFile: string
}

export type { VmState }
