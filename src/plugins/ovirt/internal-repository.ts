/** Where the packages of an environment are on this host (spec 2.2): `internal_repo/<name>/<distro>/`. */
import path from 'node:path'
import { requireDistroName } from '../../rpm/distro-name.js'

export interface InternalRepository {
  /** What the server serves; absolute. */
  readonly dir: string
  /** Of one distro; absolute. Throws `LAGO_DISTRO_NAME`: what is there is replaced, and may be nothing else. */
  distroDir(name: string, distro: string): string
  /** Under which the guests of 0.x find it. Throws as `distroDir`. */
  shortLink(distro: string): string
  /** What is known of packages; absolute. */
  readonly knownPath: string
}

export function internalRepository(prefixDir: string): InternalRepository {
  const dir = path.join(prefixDir, 'internal_repo')
  const below = (distro: string, ...parents: readonly string[]): string => {
    requireDistroName(distro)
    return path.join(dir, ...parents, distro)
  }
  return {
    dir,
    distroDir: (name, distro) => below(distro, name),
    shortLink: (distro) => below(distro),
    knownPath: path.join(dir, '.packages.json'),
  }
}
