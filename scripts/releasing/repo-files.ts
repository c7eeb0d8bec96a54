/**
 * The files by which users let dnf and apt know of a tree: `lago-fedora.repo`, `lago-el.repo` and `lago.sources`. They stand in
 * `stable/X.0`, and in each snapshot, there for whatever `latest` is. Rendering is pure.
 */
import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError } from '../../src/base/errors.js'
import { writeFileAtomic } from '../../src/base/files.js'
import { APT_INDEX } from './apt-index.js'
import { stableDir, unstableDir } from './layout.js'
import { namesIn } from './package-files.js'
import { isSnapshotName } from './snapshot-info.js'
import { majorsIn, readTree, TREE_KEYS } from './tree.js'

/** What the packages of a sub-tree are found by. */
export interface RepoPlace {
  /** Of the tree, without a slash at the end. */
  readonly url: string
  /** Of the sub-tree, below it: `stable/2.0`, `unstable/2.0/latest`. */
  readonly part: string
  /** The public keys of the tree, armoured; undefined: nothing is signed. */
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
  const lines = ['[lago]', 'name=Lago', `baseurl=${url}/${part}/rpm/${distPrefix}$releasever`, 'enabled=1', ...checks]
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

/**
 * (Re)writes them in `dir` for the sub-tree `part` of the tree; where the tree's URL is not known there are none. Both
 * directories are absolute. The caller holds the lock of the tree.
 */
export async function writeRepoFiles(treeDir: string, { dir, part }: { dir: string; part: string }): Promise<void> {
  for (const [name, text] of await repoFilesOf(treeDir, part)) {
    const filePath = path.join(dir, name)
    if (text === undefined) await rm(filePath, { force: true })
    else if ((await textOf(filePath)) !== text) await writeFileAtomic(filePath, text)
  }
}

/** The same for all parts of the tree, whose address or keys may have changed. */
export async function writeAllRepoFiles(treeDir: string): Promise<void> {
  for (const major of await majorsIn(treeDir, 'stable'))
    await writeRepoFiles(treeDir, { dir: stableDir(treeDir, major), part: `stable/${major}.0` })
  for (const major of await majorsIn(treeDir, 'unstable'))
    for (const name of await namesIn(unstableDir(treeDir, major)))
      if (isSnapshotName(name, major))
        await writeRepoFiles(treeDir, {
          dir: path.join(unstableDir(treeDir, major), name),
          part: `unstable/${major}.0/latest`,
        })
}

/** What is not as it should be. */
export async function faultsOfRepoFiles(
  treeDir: string,
  { dir, part }: { dir: string; part: string },
): Promise<readonly string[]> {
  const faults: string[] = []
  for (const [name, text] of await repoFilesOf(treeDir, part)) {
    const found = await textOf(path.join(dir, name))
    if (found === text) continue
    const how = found === undefined ? 'is missing' : 'is not what the tree makes of it'
    faults.push(`${path.join(dir, name)} ${how}`)
  }
  return faults
}

/** Text by name; undefined: it should not be there. */
async function repoFilesOf(treeDir: string, part: string): Promise<readonly [string, string | undefined][]> {
  const { url } = await readTree(treeDir)
  const keys = await textOf(path.join(treeDir, TREE_KEYS))
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
