/** A stand-in for a host: it has what it is given and nothing else, and is asked as the real one is. */
import { LagoError } from '../../src/base/errors.js'
import type { FileFacts, HostFacts, ProgramAnswer } from '../../src/doctor/facts.js'
import type { EnvNeeds } from '../../src/doctor/needs.js'
import type { Check, Finding } from '../../src/doctor/types.js'
import { recordedTask } from './recorded-task.js'

export interface GivenHost {
  /** Default: root. */
  readonly me?: Partial<HostFacts['me']>
  readonly arch?: string
  readonly settings?: Partial<HostFacts['settings']>
  readonly nowMs?: number
  /** Texts by path. */
  readonly files?: Readonly<Record<string, string>>
  /** By path; a text file without an entry is root's, 0644, and can be written to by root alone. */
  readonly stats?: Readonly<Record<string, Partial<FileFacts>>>
  /** What the user may write to, beside everything for root. */
  readonly writable?: readonly string[]
  readonly freeBytes?: number
  /** Answers by command line; the program is the first word, and is in /usr/bin. */
  readonly answers?: Readonly<Record<string, Partial<ProgramAnswer>>>
  /** Programs that nobody runs. */
  readonly programs?: readonly string[]
  /** Undefined: libvirt is not there. */
  readonly capabilities?: string | LagoError
  /** Undefined: libvirt does not tell. */
  readonly leftovers?: Awaited<ReturnType<HostFacts['leftovers']>>
  readonly kvm?: Awaited<ReturnType<HostFacts['tryKvm']>>
}

export const USER: HostFacts['me'] = { name: 'ann', uid: 1000, gids: [1000] }

export function hostFacts(given: GivenHost): HostFacts {
  const { files = {}, stats = {}, answers = {}, programs = [] } = given
  const me = { name: 'root', uid: 0, gids: [0], ...given.me }
  const find = async (name: string): Promise<string | undefined> => {
    const names = [...programs, ...Object.keys(answers).map((line) => line.split(' ')[0])]
    return names.includes(name) ? `/usr/bin/${name}` : undefined
  }
  const isThere = (filePath: string): boolean =>
    filePath === '/' ||
    [...Object.keys(files), ...Object.keys(stats)].some((path) => `${path}/`.startsWith(`${filePath}/`))
  const capabilities = async (): Promise<string> => {
    const answer = given.capabilities ?? NO_LIBVIRT
    if (typeof answer !== 'string') throw answer
    return answer
  }
  return {
    me,
    arch: given.arch ?? 'x86_64',
    settings: {
      libvirtUri: 'qemu:///system',
      storeDir: '/var/lib/lago/store',
      leaseDir: '/var/lib/lago/subnets',
      accel: 'auto',
      ...given.settings,
    },
    now: () => given.nowMs ?? Date.UTC(2026, 0, 1),
    readFile: async (filePath) => files[filePath],
    async stat(filePath) {
      if (!isThere(filePath)) return undefined
      const isDirectory = !(filePath in files)
      const mode = isDirectory ? 0o040755 : 0o100644
      const plain = { uid: 0, gid: 0, mode, isDirectory, modifiedAtMs: 0 }
      return { ...plain, ...stats[filePath] }
    },
    realPath: async (filePath) => (isThere(filePath) ? filePath : undefined),
    isWritable: async (filePath) => isThere(filePath) && (me.uid === 0 || (given.writable ?? []).includes(filePath)),
    freeBytes: async () => given.freeBytes ?? 100 * 1024 ** 3,
    findProgram: find,
    async run(_task, [name, ...words]) {
      const program = name.replace(/^.*\//, '')
      if ((await find(program)) === undefined) return undefined
      const answer = answers[[program, ...words].join(' ')]
      if (answer === undefined) throw new Error(`nobody said what ${[program, ...words].join(' ')} answers`)
      return { exitCode: 0, stdout: '', stderr: '', ...answer }
    },
    capabilities,
    domains: async () => (await capabilities(), new Set()),
    async tryKvm() {
      if (given.kvm === undefined) throw new Error('nobody said what KVM does')
      return given.kvm
    },
    async leftovers() {
      if (given.leftovers === undefined) throw NO_LIBVIRT
      return given.leftovers
    },
  }
}

const NO_LIBVIRT = new LagoError('LAGO_LIBVIRT_CONNECT', 'no connection to libvirt at qemu:///system: no such file', {
  data: { libvirtCode: 38 },
})

/** What `check` says of a host that has what is given. */
export async function findingOf(
  check: Check,
  given: GivenHost,
  more: { readonly needs?: EnvNeeds; readonly dirs?: readonly string[] } = {},
): Promise<Finding> {
  const subject = { facts: hostFacts(given), needs: more.needs, dirs: more.dirs ?? ['/srv/env'] }
  return check.run(recordedTask().task, subject)
}

/** As a Debian host's libvirt has it, as far as it is read. */
export function capabilitiesXml(secmodels: readonly string[] = [], types: readonly string[] = ['qemu', 'kvm']): string {
  const dac = `<secmodel><model>dac</model><doi>0</doi>
    <baselabel type='kvm'>+64055:+64055</baselabel><baselabel type='qemu'>+64055:+64055</baselabel></secmodel>`
  return `<capabilities><host>
    ${secmodels.map((model) => `<secmodel>\n<model>${model}</model><doi>0</doi></secmodel>`).join('')}${dac}</host>
    <guest><os_type>hvm</os_type><arch name='i686'><emulator>/usr/bin/qemu-system-i386</emulator></arch></guest>
    <guest><os_type>hvm</os_type><arch name='x86_64'><emulator>/usr/bin/qemu-system-x86_64</emulator>
    ${types.map((type) => `<domain type='${type}'/>`).join('')}</arch></guest></capabilities>`
}

export const DEBIAN = 'ID=debian\nVERSION_ID="12"\n'
export const ALMA = 'ID="almalinux"\nID_LIKE="rhel centos fedora"\n'

export const PASSWD =
  'root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nlibvirt-qemu:x:64055:107::/:/bin/false\n'
export const GROUP = 'root:x:0:\nkvm:x:107:\nlibvirt:x:110:\nlibvirt-qemu:x:64055:libvirt-qemu\n'
