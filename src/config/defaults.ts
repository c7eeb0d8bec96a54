/** Every key of `[lago]` and `[init]` that Lago itself reads: its type, default, command line option and help text. */
import type { Level } from '../base/events.js'
import type { Accel, EraWish } from './types.js'

export const LEVELS: readonly Level[] = ['info', 'debug', 'error', 'warning']
export const ERAS: readonly EraWish[] = ['auto', '0.x', '1.x']
export const ACCELS: readonly Accel[] = ['auto', 'kvm', 'tcg']

export interface Setting {
  /** As in files and in `LAGO_KEY`: lower case, underscores. */
  readonly key: string
  /** Long option without dashes; undefined: files and environment only. */
  readonly option?: string
  readonly short?: string
  /** `url`: a URL, or a path that is made absolute; `range`: private IPv4 addresses. */
  readonly type: 'string' | 'int' | 'flag' | 'path' | 'url' | 'range'
  readonly choices?: readonly string[]
  /** Smallest allowed number. */
  readonly min?: number
  readonly default?: string
  /** Other names under which upstream's code or users know the key. */
  readonly aliases?: readonly string[]
  readonly help: string
}

/** Keys of `[lago]`, which are also the global options (spec 1.2), in the order in which help shows them. */
export const LAGO_SETTINGS: readonly Setting[] = [
  {
    key: 'loglevel',
    option: 'loglevel',
    short: 'l',
    type: 'string',
    choices: LEVELS,
    default: 'info',
    help: 'least important messages to show on the console',
  },
  {
    key: 'logdepth',
    option: 'logdepth',
    type: 'int',
    default: '3',
    help: 'levels of nested tasks to show, -1 for all',
  },
  {
    key: 'out_format',
    option: 'out-format',
    short: 'f',
    type: 'string',
    default: 'default',
    help: 'format of what is printed: default, flat, json or yaml',
  },
  {
    key: 'prefix_path',
    option: 'prefix-path',
    short: 'p',
    type: 'path',
    help: 'path of the prefix itself, in place of a workdir and a name in it',
  },
  { key: 'workdir_path', option: 'workdir-path', short: 'w', type: 'path', help: 'path of the workdir' },
  {
    key: 'prefix_name',
    option: 'prefix-name',
    short: 'P',
    type: 'string',
    default: 'current',
    help: 'name of the prefix in the workdir',
  },
  { key: 'ssh_user', option: 'ssh-user', type: 'string', default: 'root', help: 'user for ssh to the guests' },
  {
    key: 'ssh_password',
    option: 'ssh-password',
    type: 'string',
    default: '123456',
    help: 'password for ssh to the guests',
  },
  {
    key: 'ssh_tries',
    option: 'ssh-tries',
    type: 'int',
    min: 1,
    default: '100',
    help: 'attempts to connect to a guest before giving up',
  },
  {
    key: 'ssh_timeout',
    option: 'ssh-timeout',
    type: 'int',
    min: 1,
    default: '10',
    help: 'seconds that one attempt to connect to a guest may take',
  },
  {
    key: 'libvirt_url',
    option: 'libvirt_url',
    type: 'string',
    default: 'qemu:///system',
    help: 'libvirt connection to use',
  },
  {
    key: 'libvirt_user',
    option: 'libvirt-user',
    type: 'string',
    aliases: ['libvirt_username'],
    help: 'user for the libvirt connection',
  },
  {
    key: 'libvirt_password',
    option: 'libvirt-password',
    type: 'string',
    help: 'password for the libvirt connection',
  },
  {
    key: 'default_vm_type',
    option: 'default_vm_type',
    type: 'string',
    default: 'default',
    help: 'type of VMs whose init file names none',
  },
  {
    key: 'default_vm_provider',
    option: 'default_vm_provider',
    type: 'string',
    default: 'local-libvirt',
    help: 'provider of VMs whose init file names none',
  },
  {
    key: 'default_root_password',
    option: 'default_root_password',
    type: 'string',
    aliases: ['root_password'],
    help: 'password to give to root in the guests whose init file names none',
  },
  {
    key: 'lease_dir',
    option: 'lease_dir',
    type: 'path',
    default: '/var/lib/lago/subnets',
    help: 'directory that records which subnets are taken',
  },
  {
    key: 'subnet_range',
    option: 'subnet-range',
    type: 'range',
    default: '192.168.200.0/24 - 192.168.255.0/24', // spec 5.5
    help: 'addresses to choose subnets from: a subnet, or the first and the last with a dash between',
  },
  {
    key: 'reposync_dir',
    option: 'reposync-dir',
    type: 'path',
    default: '/var/lib/lago/reposync',
    help: 'directory for synchronised package repositories',
  },
  { key: 'reposync_config', type: 'path', help: 'yum configuration of the repositories to synchronise' },
  {
    key: 'accel',
    option: 'accel',
    type: 'string',
    choices: ACCELS,
    default: 'auto',
    help: 'how guests are run (auto: with KVM where it is proven to work)',
  },
  {
    key: 'jobs',
    option: 'jobs',
    short: 'j',
    type: 'int',
    min: 1,
    help: 'VMs to work on side by side (default: what fits the cores and the memory of this host)',
  },
  {
    key: 'era',
    type: 'string',
    choices: ERAS,
    default: 'auto',
    help: 'whether "init DIR FILE" makes a prefix (0.x) or a workdir (1.x); auto: as docs/ovirt.md has it',
  },
  { key: 'probe_kernel', type: 'path', help: 'kernel to test KVM with (default: one that is found)' },
  {
    key: 'stp',
    type: 'flag',
    default: 'false',
    help: "spanning tree on the bridges of NAT networks; delays a guest's first packets by seconds",
  },
  { key: 'events', option: 'events', type: 'path', help: 'file to write every event to, one JSON object a line' },
  {
    key: 'plugins',
    type: 'string',
    help: 'plugins to load, comma-separated: package names, or paths that start with ./ or ../ or /',
  },
  {
    key: 'no_plugins',
    option: 'no-plugins',
    type: 'flag',
    default: 'false',
    help: 'load none of the plugins that are configured',
  },
  { key: 'ignore_warnings', option: 'ignore-warnings', type: 'flag', default: 'false', help: 'hide warnings' },
]

/** Keys of `[init]` that say where templates are (spec 1.7). The template repository has no default. */
export const INIT_SETTINGS: readonly Setting[] = [
  { key: 'template_repo_path', type: 'url', help: 'path or URL of a template repository file' },
  { key: 'template_repo_name', type: 'string', help: 'name of a template repository below template_repos' },
  {
    key: 'template_store',
    type: 'path',
    default: '/var/lib/lago/store',
    help: 'directory that caches templates',
  },
  {
    key: 'template_repos',
    type: 'path',
    default: '/var/lib/lago/repos',
    help: 'directory that holds template repositories',
  },
  {
    key: 'image_dirs',
    type: 'string',
    help: 'directories, colon-separated, whose images may be named by images from elsewhere',
  },
  {
    key: 'offline',
    type: 'flag',
    default: 'false',
    help: 'use only what is on this host already; nothing is downloaded',
  },
]
