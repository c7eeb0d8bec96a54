/** Which packages of several sources make one repository (spec 7.2, step 6). Pure. */
import { compatibleArches } from './arches.js'
import { compareEvr } from './evr.js'
import type { PackageFile } from './read-packages.js'

/** Packages of one origin. */
export interface PackageSource {
  /** For messages: `repository ovirt-el7`. */
  readonly label: string
  readonly packages: readonly PackageFile[]
  /** The newest so many versions of a name; default 1. */
  readonly versions?: number
}

export interface PickedPackages {
  readonly chosen: readonly PackageFile[]
  readonly skipped: readonly Skipped[]
}

export interface Skipped {
  readonly file: PackageFile
  readonly reason: 'source' | 'foreign' | 'older' | 'shadowed'
  /** Of what is taken in its place, for `shadowed`. */
  readonly by?: string
}

/**
 * The first source that has a package of a name has it alone; in it, the newest version of each architecture. `arch` is
 * the guests' architecture by rpm's name. Throws `LAGO_USAGE` for one that is not known.
 */
export function pickPackages(sources: readonly PackageSource[], arch: string): PickedPackages {
  const arches = compatibleArches(arch)
  const owners = new Map<string, string>()
  const chosen: PackageFile[] = []
  const skipped: Skipped[] = []
  for (const { label, packages, versions = 1 } of sources) {
    const usable = packages.filter((file) => {
      const reason =
        file.arch === 'src' || file.arch === 'nosrc' ? 'source' : arches.includes(file.arch) ? undefined : 'foreign'
      if (reason !== undefined) skipped.push({ file, reason })
      return reason === undefined
    })
    const own = usable.filter((file) => {
      const by = owners.get(file.name)
      if (by !== undefined) skipped.push({ file, reason: 'shadowed', by })
      return by === undefined
    })
    for (const file of own) owners.set(file.name, label)
    const kept = newest(own, versions)
    chosen.push(...kept)
    skipped.push(...own.filter((file) => !kept.includes(file)).map((file) => ({ file, reason: 'older' as const })))
  }
  return { chosen, skipped }
}

/** Of each name and architecture; of one version there is one file, as there is of versions that only the epoch tells apart. */
export function newest(packages: readonly PackageFile[], versions: number): PackageFile[] {
  const groups = new Map<string, PackageFile[]>()
  for (const file of packages) {
    const key = `${file.name} ${file.arch}`
    groups.set(key, [...(groups.get(key) ?? []), file])
  }
  return [...groups.values()].flatMap((group) => {
    const sorted = group.toSorted((a, b) => compareEvr(b, a))
    const distinct = sorted.filter((file, index) => {
      const before = sorted[index - 1]
      return before === undefined || compareEvr(before, file) !== 0
    })
    const named = distinct.filter((file, index) => distinct.findIndex((other) => isNamedAs(other, file)) === index)
    return named.slice(0, versions)
  })
}

function isNamedAs(one: PackageFile, other: PackageFile): boolean {
  return one.version === other.version && one.release === other.release
}
