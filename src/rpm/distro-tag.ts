/** For which distribution a package is, by its release. */
import { LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { nevra } from './package.js'
import type { PackageFile } from './read-packages.js'
import type { RepomanOptions } from './repoman-config.js'

/** `el7` of `2.el7_3.1`; repoman's rule. */
export function distroTagOf(release: string): string | undefined {
  return /\.((?:fc|el)\d+)/.exec(release)?.[1]
}

export interface DistroOptions extends Pick<RepomanOptions, 'onWrongDistro'> {
  readonly distros: readonly string[]
}

/**
 * `packages` by distro; those whose release names none go to all, unless they are not to. Of those for other distributions is
 * told. Throws `LAGO_RPM_DISTRO`.
 */
export function packagesByDistro(
  task: Task,
  packages: readonly PackageFile[],
  { distros, onWrongDistro }: DistroOptions,
): [distro: string, packages: PackageFile[]][] {
  const isBinary = ({ arch }: PackageFile): boolean => arch !== 'src'
  const untagged = packages.filter((file) => isBinary(file) && distroTagOf(file.release) === undefined)
  const [first] = untagged
  if (onWrongDistro === 'fail' && first !== undefined)
    throw new LagoError('LAGO_RPM_DISTRO', `the release of ${first.path} names no distribution: ${first.release}`, {
      hint: 'set on_wrong_distro = copy_to_all in the [store.RPMStore] of the repoman configuration, or leave that out',
      data: { paths: untagged.map((file) => file.path) },
    })
  if (onWrongDistro === 'warn')
    for (const file of untagged) task.log('warning', `${nevra(file)} is left out: its release names no distribution`)
  for (const file of packages.filter(isBinary)) {
    const tag = distroTagOf(file.release)
    if (tag !== undefined && !distros.includes(tag))
      task.log('info', `${nevra(file)} is left out: it is for ${tag}, and the machines are of ${distros.join(', ')}`)
  }
  return distros.map((distro) => [
    distro,
    packages.filter(
      ({ release }) => (distroTagOf(release) ?? (onWrongDistro === 'copy_to_all' ? distro : '')) === distro,
    ),
  ])
}
