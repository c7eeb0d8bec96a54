/** What `init` and `loadEnv` are given. */
import type { EventSink, LagoEvent } from '../base/events.js'

/**
 * Settings that win over those of files and environment variables, as options of the command line do. Relative paths
 * start at `cwd`.
 */
export interface Settings {
  /** Default `qemu:///system`. */
  readonly libvirtUrl?: string | undefined
  readonly libvirtUser?: string | undefined
  readonly libvirtPassword?: string | undefined
  /** For the guests; default `root`. */
  readonly sshUser?: string | undefined
  readonly sshPassword?: string | undefined
  /** Attempts to connect to a guest before a command gives up; default 100. */
  readonly sshTries?: number | undefined
  /** Of one attempt to connect; whole seconds count; default 10,000. */
  readonly sshTimeoutMs?: number | undefined
  /** Password for root in guests whose init file names none. */
  readonly defaultRootPassword?: string | undefined
  readonly defaultVmType?: string | undefined
  readonly defaultVmProvider?: string | undefined
  /** Records which subnets are taken. */
  readonly leaseDir?: string | undefined
  readonly accel?: 'auto' | 'kvm' | 'tcg' | undefined
  /** VMs to work on at once; default: what fits this host. */
  readonly jobs?: number | undefined
  /** Spanning tree on the bridges of NAT networks; default false. */
  readonly stp?: boolean | undefined
}

export interface CommonOptions {
  /** Default: the process's. */
  readonly cwd?: string | undefined
  /** For configuration by `LAGO_...` and for `$NAME` in init files; default: the process's. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  readonly settings?: Settings | undefined
  /** Everything that happens is written there too, beside the prefix's own log; in the format of lago.log. */
  readonly logFile?: string | undefined
  /** Called with, or given, everything that happens; nothing else is printed anywhere. Secrets are taken out. */
  readonly events?: EventSink | ((event: LagoEvent) => void) | undefined
  /**
   * Its abort ends what is in progress and undoes it; calls throw `LAGO_CANCELLED` with the reason as the cause, or the
   * reason itself where it is a `LagoError`. Disposal still cleans up.
   */
  readonly signal?: AbortSignal | undefined
}

/** What an init file holds, as data. */
export interface InitFile {
  readonly domains: Readonly<Record<string, object>>
  readonly nets?: Readonly<Record<string, object>> | undefined
  readonly prototypes?: Readonly<Record<string, object>> | undefined
  readonly [key: string]: unknown
}

/** An init file by its path (default `LagoInitFile`), or instead what would stand in it: text (YAML, JSON) or data. */
export type InitFileOption =
  | { readonly initFile?: string | undefined; readonly spec?: undefined }
  | { readonly initFile?: undefined; readonly spec: string | InitFile }

export interface NewEnvOptions extends CommonOptions {
  /** Where to make the environment; default: as configured, else `.lago`. */
  readonly workdir?: string | undefined
  /** Default: as configured, else `default`. */
  readonly prefixName?: string | undefined
  /** Path or URL of a template repository file. */
  readonly templateRepoPath?: string | undefined
  /** Name of a repository below `templateRepos`. */
  readonly templateRepoName?: string | undefined
  /** Directory that keeps fetched templates. */
  readonly templateStore?: string | undefined
  /** Directory with template repository files. */
  readonly templateRepos?: string | undefined
  /** Downloads nothing; default false. */
  readonly offline?: boolean | undefined
  /** Makes the new prefix the current one even if there is one; default false. */
  readonly setCurrent?: boolean | undefined
  /** How long the environment is wanted: then `lago gc --expired` may end it. Default: until it is destroyed. */
  readonly ttlMs?: number | undefined
  /** Puts no key and no host name into the guests; default false. */
  readonly skipBootstrap?: boolean | undefined
  /** Passes over `build` steps of disks; default false. */
  readonly skipBuild?: boolean | undefined
}

export type InitOptions = NewEnvOptions & InitFileOption

export interface LoadOptions extends CommonOptions {
  /** The workdir, or a directory below it; default: as configured, else found from `cwd` upwards. */
  readonly workdir?: string | undefined
  /** Default: as configured, else the current one. */
  readonly prefixName?: string | undefined
  /** The prefix itself, instead of `workdir` and `prefixName`. */
  readonly prefixPath?: string | undefined
}
