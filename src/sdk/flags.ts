/** How options become the uppermost layer of the configuration. */
import type { Settings } from './options.js'

/** Section and key of every option, as in configuration files. */
const KEYS = {
  libvirtUrl: ['lago', 'libvirt_url'],
  libvirtUser: ['lago', 'libvirt_user'],
  libvirtPassword: ['lago', 'libvirt_password'],
  sshUser: ['lago', 'ssh_user'],
  sshPassword: ['lago', 'ssh_password'],
  sshTries: ['lago', 'ssh_tries'],
  sshTimeoutMs: ['lago', 'ssh_timeout'],
  defaultRootPassword: ['lago', 'default_root_password'],
  defaultVmType: ['lago', 'default_vm_type'],
  defaultVmProvider: ['lago', 'default_vm_provider'],
  leaseDir: ['lago', 'lease_dir'],
  accel: ['lago', 'accel'],
  jobs: ['lago', 'jobs'],
  stp: ['lago', 'stp'],
  workdir: ['lago', 'workdir_path'],
  prefixName: ['lago', 'prefix_name'],
  templateRepoPath: ['init', 'template_repo_path'],
  templateRepoName: ['init', 'template_repo_name'],
  templateStore: ['init', 'template_store'],
  templateRepos: ['init', 'template_repos'],
  offline: ['init', 'offline'],
} as const satisfies Readonly<Record<string, readonly [string, string]>>

type Given = Settings & Partial<Record<keyof typeof KEYS, string | number | boolean | undefined>>

/** What is given as the configuration's uppermost layer. */
export function flagsOf(given: Given): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const flags = new Map<string, Map<string, string>>([
    ['lago', new Map()],
    ['init', new Map()],
  ])
  for (const [name, [section, key]] of Object.entries(KEYS)) {
    const value = given[name as keyof typeof KEYS] // a key of KEYS
    if (value !== undefined) flags.get(section)?.set(key, textOf(key, value))
  }
  return flags
}

function textOf(key: string, value: string | number | boolean): string {
  return key === 'ssh_timeout' ? String(Math.max(1, Math.round(Number(value) / 1000))) : String(value)
}
