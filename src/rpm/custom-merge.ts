/** What custom sources give to the repository of each distribution. */
import { LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { newest, type PackageSource } from './pick-packages.js'
import { shown, type CustomPackages } from './custom-packages.js'
import { packagesByDistro } from './distro-tag.js'
import type { RepomanOptions } from './repoman-config.js'

export interface CustomMergeOptions extends RepomanOptions {
  /** Of all machines: a package that is for none of them is told of. */
  readonly distros: readonly string[]
}

/**
 * By distro: all sources together, of whose packages the newest win whichever of them they are from, and then those that
 * only give what is missing, in their order.
 * Throws `LAGO_RPM_SOURCE` for a source without packages, and `LAGO_RPM_DISTRO`, where `options` want it.
 */
export function customSourcesFor(
  task: Task,
  custom: readonly CustomPackages[],
  options: CustomMergeOptions,
): (distro: string) => PackageSource[] {
  const { distros, onEmptySource, onWrongDistro } = options
  for (const { source, packages } of custom) {
    if (packages.length > 0) continue
    const message = `custom source "${shown(source)}" has no packages`
    if (onEmptySource === 'warn') task.log('warning', message)
    else throw new LagoError('LAGO_RPM_SOURCE', message, { hint: 'leave it out, or set on_empty_source = warn' })
  }
  const tagged = custom.map(({ source, packages }) => ({
    source,
    byDistro: new Map(packagesByDistro(task, packages, { distros, onWrongDistro })),
  }))
  return (distro) => {
    const found = tagged.map(({ source, byDistro }) => ({ source, packages: byDistro.get(distro) ?? [] }))
    const all = found.filter(({ source }) => !source.isOnlyMissing)
    const together: PackageSource = {
      label: 'the custom sources',
      packages: all.flatMap(({ source, packages }) => newest(packages, source.versions)),
      versions: Math.max(1, ...all.map(({ source }) => source.versions)),
    }
    const missing = found.filter(({ source }) => source.isOnlyMissing)
    return [
      ...(all.length === 0 ? [] : [together]),
      ...missing.map(({ source, packages }) => ({ label: shown(source), packages, versions: source.versions })),
    ]
  }
}
