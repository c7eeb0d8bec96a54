/**
 * The files by which users let dnf and apt know of a tree: `lago-fedora.repo`, `lago-el.repo` and `lago.sources`. They stand in
 * `stable/X.0`, and in each snapshot, there for whatever `latest` is. Rendering is pure.
 */
import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { pathExists } from 'fs-extra/esm'
import { isLagoError, isSystemError } from '../../src/base/errors.js'
import { writeFileAtomic } from '../../src/base/files.js'
import { APT_INDEX } from './apt-index.js'
import { stableDir, unstableDir } from './layout.js'
import { namesIn } from './package-files.js'
import { readReleases } from './release-info.js'
import { isSnapshotName, readSnapshot } from './snapshot-info.js'
import { SUMS } from './sums.js'
import { majorsIn, readTree, TREE_KEYS } from './tree.js'

/** What the packages of a sub-tree are found by. */
export interface RepoPlace {
  /** Of the tree, without a slash at the end. */
  readonly url: string
  /** Of the sub-tree, below it: `stable/2.0`, `unstable/2.0/latest`. */
  readonly part: string
  /** The public keys of the tree, armoured; undefined: nothing of the sub-tree is signed. */
  readonly keys: string | undefined
}

const RENDERERS: Readonly<Record<string, (place: RepoPlace) => string>> = {
  'lago-fedora.repo': (place) => dnfRepo(place, 'fc'),
  'lago-el.repo': (place) => dnfRepo(place, 'el'),
  'lago.sources': aptSources,
}

export const REPO_FILES: readonly string[] = Object.keys(RENDERERS)

const WARNING =
  '# WARNING: the packages of this repository are not signed. Whoever can change what is sent on the way, or lies on\n' +
  '# that server, can put any program onto this host.\n'

/** `distPrefix`: `fc` of Fedora, `el` of Enterprise Linux (guide, "Getting started"). */
function dnfRepo({ url, part, keys }: RepoPlace, distPrefix: string): string {
  const checks =
    keys === undefined
      ? ['gpgcheck=0', 'repo_gpgcheck=0']
      : ['gpgcheck=1', 'repo_gpgcheck=1', `gpgkey=${url}/${TREE_KEYS}`]
  // dnf keeps lists for two days; those of `latest` name packages that the next pipeline replaces
  const expiry = part.startsWith('unstable/') ? ['metadata_expire=60'] : []
  const baseUrl = `baseurl=${url}/${part}/rpm/${distPrefix}$releasever`
  const lines = ['[lago]', 'name=Lago', baseUrl, 'enabled=1', ...expiry, ...checks]
  return `${keys === undefined ? WARNING : ''}${lines.join('\n')}\n`
}

/** deb822: sources.list(5), apt 2.6; a key stands in it with every line indented and ` .` for an empty one. */
function aptSources({ url, part, keys }: RepoPlace): string {
  const trust = keys === undefined ? ['Trusted: yes'] : ['Signed-By:', ...keys.trimEnd().split('\n').map(indented)]
  const lines = ['Types: deb', `URIs: ${url}/${part}/deb`, `Suites: ${APT_INDEX}/`, ...trust]
  return `${keys === undefined ? WARNING : ''}${lines.join('\n')}\n`
}

function indented(line: string): string {
  return line.trim() === '' ? ' .' : ` ${line.trimEnd()}`
}

/** Where the files stand, and what they are to say. */
export interface RepoFilesPlace {
  /** Absolute. */
  readonly dir: string
  /** See `RepoPlace`. */
  readonly part: string
  /** False where packages came before the tree had a key: nothing can be checked there. */
  readonly isSigned: boolean
}

/** (Re)writes them; where the tree's URL is not known there are none. The caller holds the lock of the tree. */
export async function writeRepoFiles(treeDir: string, place: RepoFilesPlace): Promise<void> {
  for (const [name, text] of await repoFilesOf(treeDir, place)) {
    const filePath = path.join(place.dir, name)
    if (text === undefined) await rm(filePath, { force: true })
    else if ((await textOf(filePath)) !== text) await writeFileAtomic(filePath, text)
  }
}

/** The same for all parts of the tree, whose address or keys may have changed. */
export async function writeAllRepoFiles(treeDir: string): Promise<void> {
  for (const major of await majorsIn(treeDir, 'stable')) {
    const isSigned = await isStableSigned(treeDir, major)
    await writeRepoFiles(treeDir, { dir: stableDir(treeDir, major), part: `stable/${major}.0`, isSigned })
  }
  for (const major of await majorsIn(treeDir, 'unstable'))
    for (const name of (await namesIn(unstableDir(treeDir, major))).filter((name) => isSnapshotName(name, major))) {
      const dir = path.join(unstableDir(treeDir, major), name)
      const isSigned = await readSnapshot(dir).then((info) => info.isSigned, signedUnlessTold)
      await writeRepoFiles(treeDir, { dir, part: `unstable/${major}.0/latest`, isSigned })
    }
}

/** From the first promotion with a key on, whose record comes after its checksums. */
export async function isStableSigned(treeDir: string, major: number): Promise<boolean> {
  if (await pathExists(path.join(stableDir(treeDir, major), `${SUMS}.asc`))) return true
  return readReleases(treeDir, major).then(
    ({ releases }) => releases.length === 0 || releases.some(({ isSigned }) => isSigned),
    signedUnlessTold,
  )
}

/** Users are never told to check less because a record is damaged. */
function signedUnlessTold(error: unknown): true {
  if (isLagoError(error, 'LAGO_SNAPSHOT') || isLagoError(error, 'LAGO_RELEASE_TREE')) return true
  throw error
}

/** What is not as it should be. */
export async function faultsOfRepoFiles(treeDir: string, place: RepoFilesPlace): Promise<readonly string[]> {
  const faults: string[] = []
  for (const [name, text] of await repoFilesOf(treeDir, place)) {
    const found = await textOf(path.join(place.dir, name))
    if (found === text) continue
    const how = found === undefined ? 'is missing' : 'is not what the tree makes of it'
    faults.push(`${path.join(place.dir, name)} ${how}`)
  }
  return faults
}

/** Text by name; undefined: it should not be there. */
async function repoFilesOf(
  treeDir: string,
  { part, isSigned }: RepoFilesPlace,
): Promise<readonly [string, string | undefined][]> {
  const { url } = await readTree(treeDir)
  const keys = isSigned ? await textOf(path.join(treeDir, TREE_KEYS)) : undefined
  return Object.entries(RENDERERS).map(([name, render]) => [
    name,
    url === undefined ? undefined : render({ url, part, keys }),
  ])
}

async function textOf(filePath: string): Promise<string | undefined> {
  return readFile(filePath, 'utf8').catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  })
}
