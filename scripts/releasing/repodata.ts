/** `repodata` of a directory of RPMs, by createrepo_c: a link to its last generation. */
import { createReadStream } from 'node:fs'
import { readdir, readFile, rename, rmdir, statfs, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathExists } from 'fs-extra/esm'
import { endWithParent } from '../../src/base/end-with-us.js'
import { isLagoError, isSystemError, LagoError, NO_SPACE_HINT } from '../../src/base/errors.js'
import { fanOut } from '../../src/base/fan-out.js'
import { runCommand } from '../../src/base/process.js'
import type { Task } from '../../src/base/task.js'
import { currentGeneration, removeStrays, replaceGeneration } from '../../src/rpm/generations.js'
import { readWholePackages } from '../../src/rpm/read-packages.js'
import { readRepository } from '../../src/rpm/read-repository.js'
import { linkOrCopy, namesIn, sha256Of, straysBesideLists } from './package-files.js'
import { isSignedBy, signDetached, type SigningKey } from './sign.js'

export const REPODATA = 'repodata'
const REPOMD = 'repomd.xml'

/** `RefreshOptions` for one directory of packages. */
export interface Refresh {
  readonly key: SigningKey | undefined
  readonly beforeDir: string | undefined
}

/** Of the packages in `dir` itself. See `refreshIndexes`. */
export async function refreshRepodata(task: Task, dir: string, { key, beforeDir }: Refresh): Promise<void> {
  const repodataDir = path.join(dir, REPODATA)
  await removeStrays(repodataDir)
  if ((await faultsOfRepodata(task, dir)).length === 0 && (await isSignedAsWanted(task, repodataDir, key))) return
  const paths = (await packageNamesIn(dir)).map((name) => path.join(dir, name))
  await readWholePackages(task, paths, { hint: 'createrepo_c would leave it out; build it anew' })
  const before =
    (await currentGeneration(repodataDir)) ?? (beforeDir === undefined ? undefined : path.join(beforeDir, REPODATA))
  await replaceGeneration(task, repodataDir, async (newDir) => {
    await createRepodata(task, dir, newDir).catch(async (error: unknown) => {
      throw isWordless(error) && (await isDiskFull(newDir)) ? noSpace(newDir, error) : error
    })
    const repomdPath = path.join(newDir, REPOMD)
    if (key !== undefined) await writeFile(`${repomdPath}.asc`, await signDetached(task, key, repomdPath))
    if (before !== undefined) await keepFilesOf(before, newDir)
  })
  await removeStrays(repodataDir)
}

async function createRepodata(task: Task, dir: string, newDir: string): Promise<void> {
  // gz and no databases: what every dnf and yum of the last ten years reads
  const options = ['--quiet', '--no-database', '--general-compress-type=gz', '--outputdir', newDir]
  await runCommand(task, ['createrepo_c', ...options, dir], {
    package: 'createrepo-c',
    guard: await endWithParent(task),
  })
  await flatten(newDir)
  await requireTrue(task, dir, newDir)
}

/** Of a full disk createrepo_c 0.17 says no more than "file operation error", or it ends well with half a list. */
function isWordless(error: unknown): boolean {
  const codes = ['LAGO_COMMAND_FAILED', 'LAGO_NO_SPACE', 'LAGO_RELEASE_LISTS'] as const
  return codes.some((code) => isLagoError(error, code))
}

async function isDiskFull(dir: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(dir)
  return bavail * bsize <= FULL_BYTES
}

function noSpace(dir: string, cause: unknown): LagoError {
  return new LagoError('LAGO_NO_SPACE', `the disk is full: ${dir}`, { hint: NO_SPACE_HINT, data: { dir }, cause })
}

/** Less than any list takes. */
const FULL_BYTES = 64 * 1024

/** createrepo_c makes the directory `repodata` in the one that it is given. */
async function flatten(newDir: string): Promise<void> {
  const madeDir = path.join(newDir, REPODATA)
  for (const name of await readdir(madeDir)) await rename(path.join(madeDir, name), path.join(newDir, name))
  await rmdir(madeDir)
}

/** createrepo_c ends well, too, when it leaves a package out, as for a control character in its texts. */
async function requireTrue(task: Task, dir: string, newDir: string): Promise<void> {
  const faults = await faultsOfRepodata(task, dir, newDir)
  if (faults.length === 0) return
  throw new LagoError(
    'LAGO_RELEASE_LISTS',
    `createrepo_c made no list of the packages in ${dir}: ${faults.join('; ')}`,
    {
      hint: 'build anew what is not listed, without control characters in its description and its changelog',
      data: { dir, faults },
    },
  )
}

/** Their names have their checksums in them. Those that the last generation had kept itself are not kept again. */
async function keepFilesOf(before: string, newDir: string): Promise<void> {
  const repomd = await readFile(path.join(before, REPOMD), 'utf8').catch(() => '')
  for (const [, name = ''] of repomd.matchAll(/<location href="repodata\/([^"/]+)"/g))
    await linkOrCopy(path.join(before, name), path.join(newDir, name)).catch((error: unknown) => {
      if (!isSystemError(error, 'EEXIST', 'ENOENT')) throw error
    })
}

async function isSignedAsWanted(task: Task, repodataDir: string, key: SigningKey | undefined): Promise<boolean> {
  const repomdPath = path.join(repodataDir, REPOMD)
  const isSigned = await pathExists(`${repomdPath}.asc`)
  return key === undefined ? !isSigned : isSigned && (await isSignedBy(task, key, repomdPath, `${repomdPath}.asc`))
}

/**
 * In what the repodata of `dir` is not the list of the packages that are there; empty: it is. It may stand in another place than
 * its own.
 */
export async function faultsOfRepodata(
  task: Task,
  dir: string,
  repodataDir: string = path.join(dir, REPODATA),
): Promise<readonly string[]> {
  const names = await packageNamesIn(dir)
  const sums = new Map(await fanOut(task, names, async (name) => [name, await sha256Of(path.join(dir, name))] as const))
  const listed = await listedIn(task, dir, repodataDir)
  if (typeof listed === 'string') return [listed]
  return [
    ...names.filter((name) => !listed.has(name)).map((name) => `${repodataDir} does not list ${name}`),
    ...[...listed.keys()]
      .filter((name) => !sums.has(name))
      .map((name) => `${repodataDir} lists ${name}, which is not there`),
    ...names
      .filter((name) => listed.has(name) && listed.get(name) !== sums.get(name))
      .map((name) => `${repodataDir} has another checksum for ${name} than the file`),
    ...(await faultsOfRepomd(repodataDir)),
  ]
}

/** All lists are those that `repomd.xml` names, and what else is there was one once. */
async function faultsOfRepomd(repodataDir: string): Promise<readonly string[]> {
  const repomd = await readFile(path.join(repodataDir, REPOMD), 'utf8')
  const faults: string[] = []
  for (const [, sum, name = ''] of repomd.matchAll(
    /<checksum type="sha256">([0-9a-f]{64})<\/checksum>(?:(?!<\/data>)[^])*?<location href="repodata\/([^"/]+)"/g,
  )) {
    const listPath = path.join(repodataDir, name)
    if ((await sha256Of(listPath).catch(() => 'none')) !== sum)
      faults.push(`${listPath} is not what ${REPOMD} says of it`)
  }
  return [...faults, ...(await straysBesideLists(repodataDir, [REPOMD, `${REPOMD}.asc`]))]
}

async function packageNamesIn(dir: string): Promise<readonly string[]> {
  return (await namesIn(dir)).filter((name) => name.endsWith('.rpm') && !name.startsWith('.'))
}

/** SHA-256 by name; or why there is no such list. */
async function listedIn(task: Task, dir: string, repodataDir: string): Promise<ReadonlyMap<string, string> | string> {
  const at = (href: string): string => path.join(repodataDir, path.relative(REPODATA, href))
  try {
    const packages = await readRepository(task, {
      place: dir,
      text: async (_, href) => ((await pathExists(at(href))) ? readFile(at(href), 'utf8') : undefined),
      open: async (_, href) => ((await pathExists(at(href))) ? createReadStream(at(href)) : undefined),
    })
    return new Map(packages.map(({ href, checksum }) => [href, checksum.hex]))
  } catch (error) {
    if (isLagoError(error, 'LAGO_RPM_REPOSITORY')) return error.message
    throw error
  }
}
