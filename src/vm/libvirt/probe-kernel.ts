/** The kernel that KVM is tried with. */
import { access, constants, readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError, LagoError } from '../../base/errors.js'

export interface ProbeKernelPlaces {
  /** As configured; undefined: searched for. */
  readonly probeKernelPath: string | undefined
  /** Tried in this order, before the host's own; files that are not there are passed over. */
  readonly kernels: readonly string[]
  /** Where the host's kernels are. */
  readonly bootDir: string
}

/**
 * The configured kernel, else the first of `kernels` that can be read, else the newest of the host's own; undefined
 * when there is none. Throws `LAGO_USAGE` when the configured one cannot be read.
 */
export async function findProbeKernel(places: ProbeKernelPlaces): Promise<string | undefined> {
  const { probeKernelPath, kernels, bootDir } = places
  if (probeKernelPath !== undefined) {
    if (await isReadable(probeKernelPath)) return probeKernelPath
    throw new LagoError('LAGO_USAGE', `the kernel to try KVM with cannot be read: ${probeKernelPath}`, {
      hint: 'correct probe_kernel, or leave it out and a kernel is searched for',
      data: { path: probeKernelPath },
    })
  }
  for (const candidate of [...kernels, ...(await hostKernels(bootDir))]) {
    if (await isReadable(candidate)) return candidate
  }
  return undefined
}

/** Newest first. */
async function hostKernels(bootDir: string): Promise<string[]> {
  const names = await readdir(bootDir).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT', 'EACCES', 'ENOTDIR')) return []
    throw error
  })
  const found: { path: string; mtimeMs: number }[] = []
  for (const name of names.filter((each) => each.startsWith('vmlinuz-'))) {
    const kernelPath = path.join(bootDir, name)
    const stats = await stat(kernelPath).catch(() => undefined) // a dangling link, or removed meanwhile
    if (stats?.isFile()) found.push({ path: kernelPath, mtimeMs: stats.mtimeMs })
  }
  return found.sort((a, b) => b.mtimeMs - a.mtimeMs).map((kernel) => kernel.path)
}

async function isReadable(filePath: string): Promise<boolean> {
  return access(filePath, constants.R_OK).then(
    () => true,
    () => false,
  )
}
