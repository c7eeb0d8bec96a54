/** Architectures by rpm's names, and whose packages a host of each can use (rpm's `arch_compat`, rpmrc). */
import { LagoError } from '../base/errors.js'

const COMPATIBLE: Readonly<Record<string, readonly string[]>> = {
  x86_64: ['x86_64', 'amd64', 'ia32e', 'x86_64_v2', 'athlon', 'i686', 'i586', 'i486', 'i386', 'noarch'],
  aarch64: ['aarch64', 'noarch'],
  ppc64le: ['ppc64le', 'noarch'],
  s390x: ['s390x', 's390', 'noarch'],
}

const NODE_NAMES: Readonly<Partial<Record<NodeJS.Architecture, string>>> = {
  x64: 'x86_64',
  arm64: 'aarch64',
  ppc64: 'ppc64le',
  s390x: 's390x',
}

/** Of this host: `x86_64`. */
export function hostArch(): string {
  return NODE_NAMES[process.arch] ?? process.arch
}

/** With `noarch`, never with sources. Throws `LAGO_USAGE` for one that is not known. */
export function compatibleArches(arch: string): readonly string[] {
  const found = COMPATIBLE[arch]
  if (found !== undefined) return found
  throw new LagoError('LAGO_USAGE', `the architecture "${arch}" is not known for RPM packages`, {
    hint: `known are ${Object.keys(COMPATIBLE).join(', ')}`,
    data: { arch },
  })
}
