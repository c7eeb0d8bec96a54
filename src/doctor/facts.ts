/** What checks ask the host. Everything that they know comes through here, so that every host can be put before them. */
import type { Task } from '../base/task.js'
import type { Accel } from '../config/types.js'
import type { AccelVerdict } from '../vm/libvirt/accel.js'

export interface HostFacts {
  /** libvirt's name: `x86_64`, `aarch64`. */
  readonly arch: string
  readonly me: { readonly name: string; readonly uid: number; readonly gids: readonly number[] }
  readonly settings: HostSettings
  now(): number
  /** Undefined: there is none. Throws the system's error for a file that may not be read. */
  readFile(filePath: string): Promise<string | undefined>
  /** Links are followed. Undefined: there is nothing. */
  stat(filePath: string): Promise<FileFacts | undefined>
  /** Links in it resolved; undefined: it is not there. */
  realPath(filePath: string): Promise<string | undefined>
  isWritable(filePath: string): Promise<boolean>
  /** Bytes that a user who is not root may still write to the file system of `dir`, which is there. */
  freeBytes(dir: string): Promise<number>
  /** Where a shell would find it, or in the directories for programs of root's. */
  findProgram(name: string): Promise<string | undefined>
  /** Any exit code is an answer. Undefined: the program is not on the host. */
  run(task: Task, argv: readonly [string, ...string[]]): Promise<ProgramAnswer | undefined>
  /** XML. Throws `LAGO_LIBVIRT_CONNECT`, `LAGO_LIBVIRT` or, when there is no answer in time, `LAGO_TIMEOUT`. */
  capabilities(task: Task): Promise<string>
  /** Names of those that are active. Throws as `capabilities`. */
  domains(task: Task): Promise<ReadonlySet<string>>
  /** Whether KVM runs a guest, tried; `xml`: of libvirt's capabilities, undefined where it does not tell them. */
  tryKvm(task: Task, xml: string | undefined): Promise<AccelVerdict>
  /** What `lago gc` would remove. Throws as `capabilities`. */
  leftovers(task: Task): Promise<readonly LeftoverFacts[]>
}

/** What of the configuration matters to the host. */
export interface HostSettings {
  readonly libvirtUri: string
  readonly storeDir: string
  readonly leaseDir: string
  readonly accel: Accel
}

export interface FileFacts {
  readonly uid: number
  readonly gid: number
  /** With the bits of the type. */
  readonly mode: number
  readonly isDirectory: boolean
  readonly modifiedAtMs: number
}

export interface ProgramAnswer {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface LeftoverFacts {
  /** `domain`, `network`, `lease`, ... */
  readonly kind: string
  readonly name: string
}
