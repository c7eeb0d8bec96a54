/** The programs that Lago runs, or that run for it, with their versions. */
import type { Task } from '../base/task.js'
import { emulatorIn, findCapabilities } from './capabilities.js'
import type { HostFacts } from './facts.js'
import { install, type PackageNames } from './remedy.js'
import { failed, ok, warning, type Check } from './types.js'

interface Program {
  readonly name: string
  readonly purpose: string
  readonly packages: PackageNames
  readonly versionWord: string
}

export const emulator: Check = {
  id: 'qemu',
  title: 'the emulator',
  async run(task, { facts }) {
    const xml = await findCapabilities(task, facts)
    const named = xml === undefined ? undefined : emulatorIn(xml, facts.arch)
    const program =
      named ?? (await facts.findProgram(`qemu-system-${facts.arch}`)) ?? (await facts.findProgram('qemu-kvm'))
    if (program === undefined || (await facts.stat(program)) === undefined)
      return failed(`there is no qemu for ${facts.arch}`, await install(facts, [qemuPackages(facts.arch)]))
    const version = await versionOf(task, facts, program, '--version')
    const seen = named === undefined ? '; libvirt does not tell whether it uses it' : ''
    return version === undefined ? warning(`${program} does not run`) : ok(`${program} ${version}${seen}`)
  },
}

function qemuPackages(arch: string): PackageNames {
  const [, apt = 'qemu-system'] = QEMU_PACKAGES.find(([start]) => arch.startsWith(start)) ?? []
  return { apt, dnf: 'qemu-kvm' }
}

const QEMU_PACKAGES = [
  ['x86_64', 'qemu-system-x86'],
  ['i686', 'qemu-system-x86'],
  ['aarch64', 'qemu-system-arm'],
  ['arm', 'qemu-system-arm'],
  ['ppc', 'qemu-system-ppc'],
] as const

export const qemuImg: Check = required({
  name: 'qemu-img',
  purpose: 'disks',
  packages: { apt: 'qemu-utils', dnf: 'qemu-img' },
  versionWord: '--version',
})

export const dnsmasq: Check = required({
  name: 'dnsmasq',
  purpose: 'addresses and names in networks',
  packages: { apt: 'dnsmasq-base', dnf: 'dnsmasq' },
  versionWord: '--version',
})

export const sshClient: Check = required({
  name: 'ssh',
  purpose: 'commands in guests',
  packages: { apt: 'openssh-client', dnf: 'openssh-clients' },
  versionWord: '-V',
})

function required({ name, purpose, packages, versionWord }: Program): Check {
  return {
    id: name,
    title: `${name}, for ${purpose}`,
    async run(task, { facts }) {
      const program = await facts.findProgram(name)
      if (program === undefined)
        return failed(`${name}, for ${purpose}, is not there`, await install(facts, [packages]))
      const version = await versionOf(task, facts, program, versionWord)
      return version === undefined ? warning(`${program} does not tell its version`) : ok(`${program} ${version}`)
    },
  }
}

const UTIL_LINUX = { apt: 'util-linux', dnf: 'util-linux' }
const GUESTFS_TOOLS = { apt: 'guestfs-tools', dnf: 'guestfs-tools' }

const OPTIONAL: readonly Program[] = [
  {
    name: 'qemu-nbd',
    purpose: 'artifacts from disks of stopped machines',
    packages: { apt: 'qemu-utils', dnf: 'qemu-img' },
    versionWord: '--version',
  },
  {
    name: 'qemu-storage-daemon',
    purpose: 'files into disks',
    packages: { apt: 'qemu-system-common', dnf: 'qemu-img' },
    versionWord: '--version',
  },
  {
    name: 'fusermount3',
    purpose: 'files into disks as another user than root',
    packages: { apt: 'fuse3', dnf: 'fuse3' },
    versionWord: '--version',
  },
  {
    name: 'debugfs',
    purpose: 'files into disks',
    packages: { apt: 'e2fsprogs', dnf: 'e2fsprogs' },
    versionWord: '-V',
  },
  { name: 'setpriv', purpose: 'helpers that end with Lago', packages: UTIL_LINUX, versionWord: '--version' },
  {
    name: 'openssl',
    purpose: "guests' passwords",
    packages: { apt: 'openssl', dnf: 'openssl' },
    versionWord: 'version',
  },
  { name: 'tar', purpose: 'copies of trees', packages: { apt: 'tar', dnf: 'tar' }, versionWord: '--version' },
  { name: 'gzip', purpose: 'packed images', packages: { apt: 'gzip', dnf: 'gzip' }, versionWord: '--version' },
  { name: 'xz', purpose: 'packed images', packages: { apt: 'xz-utils', dnf: 'xz' }, versionWord: '--version' },
  { name: 'zstd', purpose: 'packed images', packages: { apt: 'zstd', dnf: 'zstd' }, versionWord: '--version' },
  { name: 'ip', purpose: 'bridge networks', packages: { apt: 'iproute2', dnf: 'iproute' }, versionWord: '-V' },
  {
    name: 'setfacl',
    purpose: "qemu's way to directories",
    packages: { apt: 'acl', dnf: 'acl' },
    versionWord: '--version',
  },
  { name: 'virt-sysprep', purpose: 'old images', packages: GUESTFS_TOOLS, versionWord: '--version' },
  { name: 'virt-customize', purpose: 'build steps', packages: GUESTFS_TOOLS, versionWord: '--version' },
  {
    name: 'guestfish',
    purpose: 'artifacts from disks without ext2/3/4',
    packages: { apt: 'libguestfs-tools', dnf: 'guestfs-tools' },
    versionWord: '--version',
  },
  {
    name: 'ansible-inventory',
    purpose: 'a look at inventories',
    packages: { apt: 'ansible-core', dnf: 'ansible-core' },
    versionWord: '--version',
  },
]

export const optionalPrograms: Check = {
  id: 'optional-programs',
  title: 'programs for some verbs',
  async run(task, { facts }) {
    const found = await Promise.all(
      OPTIONAL.map(async (program) => {
        const filePath = await facts.findProgram(program.name)
        const { versionWord } = program
        if (filePath === undefined) return { program, version: undefined, filePath }
        return { program, filePath, version: await versionOf(task, facts, filePath, versionWord) }
      }),
    )
    const missing = found.filter(({ filePath }) => filePath === undefined).map(({ program }) => program)
    const details = Object.fromEntries(
      found.map(({ program, filePath, version }) => {
        const state = filePath === undefined ? 'missing' : (version ?? 'version unknown')
        return [program.name, `${state}; for ${program.purpose}`]
      }),
    )
    if (missing.length === 0) return ok(`all ${OPTIONAL.length} are there`, details)
    const names = missing.map(({ name, purpose }) => `${name} for ${purpose}`).join(', ')
    const remedy = await install(
      facts,
      missing.map(({ packages }) => packages),
    )
    return warning(`${missing.length} of ${OPTIONAL.length} are missing: ${names}`, remedy, details)
  },
}

/** The first number with a point in it that the program prints; undefined when it prints none. */
async function versionOf(
  task: Task,
  facts: Pick<HostFacts, 'run'>,
  program: string,
  word: string,
): Promise<string | undefined> {
  const answer = await facts.run(task, [program, word])
  return /\d+\.\d[\w.]*/.exec(`${answer?.stdout ?? ''}\n${answer?.stderr ?? ''}`)?.[0]
}
