/** Settings, as every room receives them: built once in main.ts, frozen, handed down in parts (`Config['ssh']`). */
import type { Level } from '../base/events.js'
import type { Era } from '../base/prefix-era.js'

export type EraWish = 'auto' | Era
export type Accel = 'auto' | 'kvm' | 'tcg'

export interface Config {
  readonly libvirt: {
    readonly url: string
    readonly user: string | undefined
    readonly password: string | undefined
  }
  readonly ssh: {
    readonly user: string
    readonly password: string
    /** Attempts to connect before a command on a guest gives up. */
    readonly tries: number
    /** Limit of one attempt to connect. */
    readonly timeoutMs: number
  }
  readonly store: {
    readonly dir: string
    /** Path or URL of the template repository file; undefined when neither is configured. */
    readonly repoPath: string | undefined
    readonly repoName: string | undefined
    readonly reposDir: string
    /** Images may be laid over files below these, beside those of their own directory; absolute. */
    readonly imageDirs: readonly string[]
    /** Nothing may be downloaded. */
    readonly offline: boolean
  }
  readonly leaseDir: string
  readonly vm: {
    readonly defaultType: string
    readonly defaultProvider: string
    readonly defaultRootPassword: string | undefined
    readonly accel: Accel
    /** VMs that boot or are worked on at once; undefined: what fits the cores and the accelerator. */
    readonly jobs: number | undefined
    /** Kernel for the KVM probe; undefined: searched for. */
    readonly probeKernelPath: string | undefined
  }
  readonly net: {
    /** Spanning tree on the bridges of NAT networks; it holds a guest's first packets back for seconds. */
    readonly stp: boolean
    /** Where subnets are chosen: `10.64.0.0/10`, or its first and last with a dash between. Private. */
    readonly subnetRange: string
  }
  readonly log: { readonly level: Level; readonly depth: number }
  /** The prefix that the verb works on, as given by options, environment and files. */
  readonly place: {
    readonly prefixPath: string | undefined
    readonly workdirPath: string | undefined
    readonly prefixName: string
  }
  /** What `init` makes of a directory. */
  readonly era: EraWish
  readonly outFormat: string
  /** Empty with `no_plugins`. */
  readonly plugins: readonly PluginSetting[]
  /** Raw values of one `[section]` of the configuration: a verb's options, or a plugin's settings. */
  section(name: string): Readonly<Record<string, string>>
  /** Every section that has a value. */
  sectionNames(): readonly string[]
  /** Where the effective value of a key came from, e.g. `file:/etc/lago/lago.conf`. `section` is `lago` by default. */
  originOf(key: string, section?: string): SettingOrigin
}

/** A plugin as it is configured; nothing of it has been looked at. */
export interface PluginSetting {
  /** As written: the name of a package, or a path. */
  readonly name: string
  /** Where paths and packages are sought from: the directory of the file that names it, else the current one. */
  readonly fromDir: string
  readonly origin: SettingOrigin
}

export type SettingOrigin = 'default' | `file:${string}` | `env:${string}` | 'flag'

export interface FilePlaces {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly homeDir: string
  /** Default `/etc`. */
  readonly etcDir?: string
}
