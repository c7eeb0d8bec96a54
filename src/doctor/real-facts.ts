/** The facts of the host that this process runs on. */
import { access, constants, readFile, realpath, stat, statfs } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { isLagoError, isSystemError } from '../base/errors.js'
import { findProgram, runCommand } from '../base/process.js'
import { shareWork } from '../base/shared-work.js'
import type { Task } from '../base/task.js'
import type { Config } from '../config/types.js'
import { openLibvirt } from '../libvirt/connection.js'
import { miniKernelPath } from '../vm/libvirt/machines.js'
import type { FileFacts, HostFacts } from './facts.js'

export interface RealFacts extends HostFacts, AsyncDisposable {}

export interface RealFactsOptions {
  readonly cacheDir: string
  /** The engine's, which knows what environments there are. */
  readonly leftovers: HostFacts['leftovers']
}

/** Nothing of the host is touched before it is asked for. */
export function openRealFacts(config: Config, { cacheDir, leftovers }: RealFactsOptions): RealFacts {
  const { url: uri, user, password } = config.libvirt
  const libvirt = openLibvirt({ uri, user, password, closeLimitMs: CLOSE_LIMIT_MS })
  const capabilities = shareWork(async (task) => inTime(task, async (task) => libvirt.capabilities(task)))
  return {
    ...realFiles(),
    arch: ARCH,
    settings: { libvirtUri: uri, storeDir: config.store.dir, leaseDir: config.leaseDir, accel: config.vm.accel },
    capabilities,
    domains: async (task) =>
      inTime(task, async (task) => {
        const all = await libvirt.allDomains(task)
        return new Set([...all].filter(([, { state }]) => state !== 'shut off').map(([name]) => name))
      }),
    async tryKvm(task, xml) {
      const { chooseAccel } = await import('../vm/libvirt/accel.js')
      const { readCapabilities } = await import('../vm/libvirt/capabilities.js')
      return chooseAccel(task, 'auto', {
        capabilities: xml === undefined ? await withoutLibvirt() : readCapabilities(xml),
        cacheDir,
        probeKernelPath: config.vm.probeKernelPath,
        kernels: [miniKernelPath(cacheDir)],
      })
    },
    leftovers: async (task) => inTime(task, leftovers),
    async [Symbol.asyncDispose]() {
      await libvirt.close()
    },
  }
}

/** What is asked without libvirt. */
export function realFiles(): Omit<HostFacts, 'arch' | 'settings' | LibvirtFacts> {
  return {
    me: whoAmI(),
    now: () => Date.now(),
    readFile: async (filePath) => unlessMissing(readFile(filePath, 'utf8')),
    stat: async (filePath) => unlessMissing(readStat(filePath)),
    realPath: async (filePath) => unlessMissing(realpath(filePath)),
    isWritable: async (filePath) =>
      access(filePath, constants.W_OK).then(
        () => true,
        () => false,
      ),
    async freeBytes(dir) {
      const { bavail, bsize } = await statfs(dir)
      return bavail * bsize
    },
    findProgram: findAnyProgram,
    run: runAny,
  }
}

type LibvirtFacts = 'capabilities' | 'domains' | 'tryKvm' | 'leftovers'

/** Nothing that is asked here has to be taken back. */
const CLOSE_LIMIT_MS = 200

/** A libvirt that hangs is no reason for others to say nothing. */
const LIBVIRT_LIMIT_MS = 4_000

async function inTime<T>(task: Task, ask: (task: Task) => Promise<T>): Promise<T> {
  return task.within(LIBVIRT_LIMIT_MS, 'an answer of libvirt', ask)
}

function whoAmI(): HostFacts['me'] {
  const uid = process.geteuid?.() ?? -1
  return { name: userName(uid), uid, gids: [...new Set([process.getegid?.() ?? -1, ...(process.getgroups?.() ?? [])])] }
}

/** In a container a user need not have a name. */
function userName(uid: number): string {
  try {
    return os.userInfo().username
  } catch {
    return String(uid)
  }
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  })
}

async function readStat(filePath: string): Promise<FileFacts> {
  const entry = await stat(filePath)
  const { uid, gid, mode, mtimeMs: modifiedAtMs } = entry
  return { uid, gid, mode, isDirectory: entry.isDirectory(), modifiedAtMs }
}

/** Daemons and the tools of networks are there, and Debian's users have these directories in no path. */
const ROOT_DIRS = ['/usr/sbin', '/sbin', '/usr/local/sbin', '/usr/libexec']

async function findAnyProgram(name: string): Promise<string | undefined> {
  const found = await findProgram(name)
  if (found !== undefined) return found
  for (const dir of ROOT_DIRS) {
    const filePath = path.join(dir, name)
    const isThere = await access(filePath, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return filePath
  }
  return undefined
}

const ANY_CODE: readonly number[] = Array.from({ length: 256 }, (_, code) => code)

async function runAny(task: Task, argv: readonly [string, ...string[]]): ReturnType<HostFacts['run']> {
  const [name, ...words] = argv
  const program = name.includes('/') ? name : await findAnyProgram(name)
  if (program === undefined) return undefined
  try {
    return await runCommand(task, [program, ...words], { okCodes: ANY_CODE, killSignal: 'SIGKILL' })
  } catch (error) {
    if (isLagoError(error, 'LAGO_COMMAND_MISSING')) return undefined
    throw error
  }
}

/** What there is to try KVM with, when libvirt does not tell. */
async function withoutLibvirt(): Promise<{ arch: string; emulator: string | undefined; domainTypes: string[] }> {
  const emulator = (await findAnyProgram(`qemu-system-${ARCH}`)) ?? (await findAnyProgram('qemu-kvm'))
  return { arch: ARCH, emulator, domainTypes: ['kvm', 'qemu'] }
}

/** libvirt's names for what Node calls otherwise. */
const ARCHS: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64', ppc64: 'ppc64le' }
const ARCH = ARCHS[os.arch()] ?? os.arch()
