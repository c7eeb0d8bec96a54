/** The rule of versions (spec 8.2), commit by commit. */
import { VERSION_TAG } from './refs.js'
import { semVerOf, type SemVer } from './sem-ver.js'

export type VersionKind = 'tag' | SemVer | 'patch'

export interface Counted {
  /** `X.Y.Z`. */
  readonly version: string
  readonly kind: VersionKind
}

interface Version {
  /** The numbers of a tag have no limit. */
  readonly x: bigint
  readonly y: bigint
  readonly z: bigint
}

/** Of commits from the oldest on. A tag sets X.Y, whatever came before; of several on one commit the highest. */
export function countVersions(
  commits: readonly { readonly tags: readonly string[]; readonly message: string }[],
): readonly Counted[] {
  let version: Version = { x: 0n, y: 0n, z: 0n }
  return commits.map(({ tags, message }) => {
    const tagged = highestOf(tags)
    const kind = tagged === undefined ? (semVerOf(message) ?? 'patch') : 'tag'
    version = tagged ?? next(version, kind)
    return { version: `${version.x}.${version.y}.${version.z}`, kind }
  })
}

function next({ x, y, z }: Version, kind: VersionKind): Version {
  if (kind === 'breaking') return { x: x + 1n, y: 0n, z: 0n }
  if (kind === 'feature') return { x, y: y + 1n, z: 0n }
  return { x, y, z: z + 1n }
}

function highestOf(tags: readonly string[]): Version | undefined {
  const versions = tags.filter((tag) => VERSION_TAG.test(tag)).map(versionOf)
  return versions.reduce<Version | undefined>(
    (highest, version) => (highest === undefined || isHigher(version, highest) ? version : highest),
    undefined,
  )
}

function versionOf(tag: string): Version {
  const [x = 0n, y = 0n] = tag.split('.').map(BigInt)
  return { x, y, z: 0n }
}

function isHigher(a: Version, b: Version): boolean {
  return a.x === b.x ? a.y > b.y : a.x > b.x
}
