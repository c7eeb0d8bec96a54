/** One repository out of the packages of several sources (spec 7.2, step 6). */
import { copyFile, link, readdir, readFile, stat, utimes } from 'node:fs/promises'
import path from 'node:path'
import { pathExists } from 'fs-extra/esm'
import { endWithParent } from '../base/end-with-us.js'
import { isSystemError, LagoError } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import { makeDirs, writeJsonAtomic } from '../base/files.js'
import { runCommand } from '../base/process.js'
import type { Task } from '../base/task.js'
import { pickPackages, type PackageSource, type Skipped } from './pick-packages.js'
import { currentGeneration, removeStrays, replaceGeneration } from './generations.js'
import { nevra } from './package.js'
import type { PackageFile } from './read-packages.js'

export interface RepositoryMerge {
  /** Absolute. */
  readonly dir: string
  /** The first one that has a package of a name wins. */
  readonly sources: readonly PackageSource[]
  /** Of the guests, by rpm's name. */
  readonly arch: string
}

export interface MergedRepository {
  /** False: it was as it should be, and nothing was done. */
  readonly changed: boolean
  readonly packages: number
}

/**
 * Hard links, or copies where there cannot be any. A reader sees the old repository or the new one, and the old one is there
 * until the next merge; when it fails, the old one stays. One process at a time, whose lock is the caller's business.
 * Throws `LAGO_RPM_BROKEN`, `LAGO_COMMAND_MISSING` without createrepo_c, `LAGO_COMMAND_FAILED`.
 */
export async function mergeRepository(task: Task, merge: RepositoryMerge): Promise<MergedRepository> {
  const { dir, sources, arch } = merge
  const { chosen, skipped } = pickPackages(sources, arch)
  tellSkipped(task, path.basename(dir), skipped)
  const wanted = new Map(chosen.map((file) => [fileNameOf(file), file]))
  await makeDirs(path.dirname(dir))
  const current = await currentGeneration(dir)
  if (current !== undefined && (await isAsWanted(current, wanted))) {
    await removeStrays(dir)
    task.log('info', `${path.basename(dir)}: nothing has changed (${count(wanted.size)})`)
    return { changed: false, packages: wanted.size }
  }
  await replaceGeneration(task, dir, async (newDir) => {
    await fanOut(task, [...wanted], async ([name, file]) => place(file.path, path.join(newDir, name)))
    await createRepodata(task, newDir, current)
    await writeJsonAtomic(path.join(newDir, MANIFEST), manifestOf(wanted), { sync: false })
  })
  task.log('info', `${path.basename(dir)}: ${count(wanted.size)}`)
  return { changed: true, packages: wanted.size }
}

/** What is in a repository, by file name, to tell whether that is what is wanted. */
const MANIFEST = '.lago-packages.json'

function manifestOf(wanted: ReadonlyMap<string, PackageFile>): Record<string, string> {
  return Object.fromEntries([...wanted].map(([name, { digest }]) => [name, digest] as const).sort())
}

async function isAsWanted(dir: string, wanted: ReadonlyMap<string, PackageFile>): Promise<boolean> {
  const manifest = await readFile(path.join(dir, MANIFEST), 'utf8').catch(() => undefined)
  if (manifest !== JSON.stringify(manifestOf(wanted), undefined, 4)) return false
  const there = (await readdir(dir)).filter((name) => name.endsWith('.rpm'))
  return there.length === wanted.size && (await pathExists(path.join(dir, 'repodata', 'repomd.xml')))
}

/** A name for the file that says what is in it, whatever it is called where it comes from. */
function fileNameOf(file: PackageFile): string {
  const { name, version, release, arch } = file
  const fileName = `${name}-${version}-${release}.${arch}.rpm`
  if (!fileName.includes('/') && !fileName.startsWith('.') && !fileName.includes('\0')) return fileName
  throw new LagoError('LAGO_RPM_BROKEN', `${file.path} calls itself "${nevra(file)}", which no package may be called`, {
    hint: 'remove it, or get it from somebody whom you trust',
    data: { path: file.path },
  })
}

/** Other file systems have no links to a file, nor may everybody link to what is another user's (proc(5), protected_hardlinks). */
async function place(fromPath: string, toPath: string): Promise<void> {
  try {
    await link(fromPath, toPath)
  } catch (error) {
    if (!isSystemError(error, 'EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'ENOSYS')) throw error
    await copyFile(fromPath, toPath)
    const { atime, mtime } = await stat(fromPath)
    await utimes(toPath, atime, mtime) // by which createrepo_c knows it again
  }
}

/** In the form that the oldest guests can read: gzip, no zstd. */
async function createRepodata(task: Task, dir: string, before: string | undefined): Promise<void> {
  const isOld = before !== undefined && (await pathExists(path.join(before, 'repodata', 'repomd.xml')))
  const reuse = isOld ? ['--update', '--update-md-path', before] : []
  const form = ['--quiet', '--no-database', '--general-compress-type', 'gz']
  await runCommand(task, ['createrepo_c', ...form, ...reuse, dir], {
    package: 'createrepo_c (Debian: createrepo-c)',
    guard: await endWithParent(task),
  })
}

function tellSkipped(task: Task, repository: string, skipped: readonly Skipped[]): void {
  for (const { file, reason, by } of skipped)
    task.log('debug', `${repository}: ${file.path} is left out: ${REASONS[reason]}${by === undefined ? '' : ` ${by}`}`)
  const foreign = skipped.filter(({ reason }) => reason === 'foreign').map(({ file }) => file.arch)
  if (foreign.length === 0) return
  const arches = [...new Set(foreign)].sort().join(', ')
  task.log('info', `${repository}: ${count(foreign.length)} of foreign architectures left out (${arches})`)
}

const REASONS: Readonly<Record<Skipped['reason'], string>> = {
  source: 'it is a source package',
  foreign: 'it is of an architecture that the guests do not have',
  older: 'there is a newer one',
  shadowed: 'there is one of its name in',
}

function count(packages: number): string {
  return packages === 1 ? '1 package' : `${packages} packages`
}
