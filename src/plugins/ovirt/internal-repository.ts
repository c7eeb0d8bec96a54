/** Where the packages of an environment are on this host (spec 2.2): `internal_repo/<name>/<distro>/`. */
import path from 'node:path'

export interface InternalRepository {
  /** What the server serves; absolute. */
  readonly dir: string
  /** Of one distro; absolute. */
  distroDir(name: string, distro: string): string
  /** Under which the guests of 0.x find it. */
  shortLink(distro: string): string
  /** What is known of packages; absolute. */
  readonly knownPath: string
}

export function internalRepository(prefixDir: string): InternalRepository {
  const dir = path.join(prefixDir, 'internal_repo')
  return {
    dir,
    distroDir: (name, distro) => path.join(dir, name, distro),
    shortLink: (distro) => path.join(dir, distro),
    knownPath: path.join(dir, '.packages.json'),
  }
}
