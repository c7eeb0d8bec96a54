/**
 * KVM or emulation: a decision with a reason, made on what the host shows and not on what it claims. Knows nothing of
 * VMs; `kvm-probe.ts` does the trying.
 */
import { open } from 'node:fs/promises'
import { isSystemError, LagoError } from '../../base/errors.js'
import type { Task } from '../../base/task.js'
import type { Accel } from '../../config/types.js'
import type { Capabilities } from './capabilities.js'
import { probeKvm, type KvmProbeResult } from './kvm-probe.js'
import { probeKeyFor, readVerdict, writeVerdict } from './probe-cache.js'
import { findProbeKernel } from './probe-kernel.js'

export interface AccelVerdict {
  readonly accel: 'kvm' | 'tcg'
  /** libvirt's domain type for it. */
  readonly domainType: string
  /** One line, without a full stop. */
  readonly reason: string
}

export interface AccelFacts {
  readonly capabilities: Pick<Capabilities, 'arch' | 'emulator' | 'domainTypes'>
  /** Where the probe's verdict is kept. */
  readonly cacheDir: string
  /** Kernel for the probe, as configured; undefined: searched for. */
  readonly probeKernelPath: string | undefined
  /** Kernels to try before the host's own, e.g. a template's. */
  readonly kernels?: readonly string[]
  /** Default 3000. */
  readonly deadlineMs?: number
  /** Places on the host; a test passes its own. */
  readonly devKvmPath?: string
  readonly bootIdPath?: string
  readonly bootDir?: string
}

/**
 * `tcg` is emulation whatever the host can do, `kvm` is KVM without trying it. `auto` is KVM only after a Linux kernel
 * has started in a probe guest; the verdict is kept until the host boots again, and for an hour when only the time was over.
 *
 * Throws `LAGO_NO_EMULATOR` when libvirt does not offer what is wanted, `LAGO_USAGE` when the configured
 * kernel cannot be read.
 */
export async function chooseAccel(task: Task, wanted: Accel, facts: AccelFacts): Promise<AccelVerdict> {
  const { arch, domainTypes } = facts.capabilities
  const offersKvm = domainTypes.includes('kvm')
  if (wanted === 'tcg') return emulation(facts, 'it is asked for')
  if (wanted === 'kvm') {
    if (!offersKvm) throw notOffered('KVM', facts)
    return { accel: 'kvm', domainType: 'kvm', reason: 'it is asked for' }
  }
  if (!offersKvm) return emulation(facts, `libvirt does not offer KVM for ${arch} guests`)
  const { works, finding } = await tryKvm(task, facts)
  return works ? { accel: 'kvm', domainType: 'kvm', reason: finding } : emulation(facts, finding)
}

/** Drivers without emulation, such as libvirt's own test driver, have one type of their own. */
function emulation(facts: AccelFacts, reason: string): AccelVerdict {
  const { domainTypes } = facts.capabilities
  const domainType = domainTypes.includes('qemu') ? 'qemu' : domainTypes.find((type) => type !== 'kvm')
  if (domainType === undefined) throw notOffered('emulation', facts)
  return { accel: 'tcg', domainType, reason }
}

async function tryKvm(task: Task, facts: AccelFacts): Promise<KvmProbeResult> {
  const { emulator, arch } = facts.capabilities
  const devKvmPath = facts.devKvmPath ?? '/dev/kvm'
  const obstacle = await deviceObstacle(devKvmPath)
  if (obstacle !== undefined) return { works: false, finding: obstacle }
  const kernelPath = await findProbeKernel({
    probeKernelPath: facts.probeKernelPath,
    kernels: facts.kernels ?? [],
    bootDir: facts.bootDir ?? '/boot',
  })
  if (emulator === undefined || kernelPath === undefined)
    return { works: false, finding: `no kernel was found to try ${devKvmPath} with; accel=kvm uses it untried` }

  const key = await probeKeyFor(emulator, kernelPath, facts.bootIdPath ?? '/proc/sys/kernel/random/boot_id')
  const known = key === undefined ? undefined : await readVerdict(facts.cacheDir, key)
  if (known !== undefined) return known
  const probed = await probeKvm(task, { emulator, arch, kernelPath, deadlineMs: facts.deadlineMs ?? 3_000 })
  const verdict = probed.works ? probed : { ...probed, finding: `${devKvmPath} opens, but ${probed.finding}` }
  if (key !== undefined) await writeVerdict(task, facts.cacheDir, key, verdict)
  return verdict
}

async function deviceObstacle(devKvmPath: string): Promise<string | undefined> {
  try {
    await (await open(devKvmPath, 'r+')).close()
    return undefined
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return `there is no ${devKvmPath}`
    if (isSystemError(error, ...DEVICE_ERRORS)) return `${devKvmPath} cannot be opened: ${error.message}`
    throw error
  }
}

const DEVICE_ERRORS = ['EACCES', 'EPERM', 'EROFS', 'EISDIR', 'ENODEV', 'ENXIO', 'EBUSY']

function notOffered(what: 'KVM' | 'emulation', { capabilities }: AccelFacts): LagoError {
  const { arch, domainTypes } = capabilities
  const text = `libvirt does not offer ${what} for ${arch} guests; it offers: ${domainTypes.join(', ') || 'nothing'}`
  return new LagoError('LAGO_NO_EMULATOR', text, {
    hint:
      what === 'KVM' ? 'use accel=auto or accel=tcg; KVM needs /dev/kvm and a restart of libvirtd' : 'use accel=kvm',
    data: { arch, domainTypes },
  })
}
