/**
 * What apt reads of a directory of Debian packages: `lago`, a link to its last generation, which a source names as
 * `URIs: .../deb` and `Suites: lago/` (sources.list(5), "exact path"). Lists are asked for by their checksums, so that
 * one who has read an old `InRelease` still gets the list that it names.
 */
import { createHash } from 'node:crypto'
import { link, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { pathExists } from 'fs-extra/esm'
import { isLagoError, isSystemError } from '../../src/base/errors.js'
import { fanOut } from '../../src/base/fan-out.js'
import { runCommand } from '../../src/base/process.js'
import type { Task } from '../../src/base/task.js'
import { currentGeneration, removeStrays, replaceGeneration } from '../../src/rpm/generations.js'
import { linkOrCopy, namesIn, sha256Of, straysBesideLists } from './package-files.js'
import type { Refresh } from './repodata.js'
import { isClearSigned, isSignedBy, signClear, signDetached, type SigningKey } from './sign.js'

/** Also its suite: apt warns when the two differ. */
export const APT_INDEX = 'lago'
const LISTS = ['Packages', 'Packages.gz'] as const
const BY_HASH = 'by-hash/SHA256'

/** Of the packages in `dir` itself. See `refreshIndexes`. */
export async function refreshAptIndex(task: Task, dir: string, { key, beforeDir }: Refresh): Promise<void> {
  const indexDir = path.join(dir, APT_INDEX)
  await removeStrays(indexDir)
  const packages = await packagesText(task, dir)
  if ((await isCurrent(indexDir, packages)) && (await isSignedAsWanted(task, indexDir, key))) return
  const before =
    (await currentGeneration(indexDir)) ?? (beforeDir === undefined ? undefined : path.join(beforeDir, APT_INDEX))
  await replaceGeneration(task, indexDir, async (newDir) => {
    const lists = new Map([
      [LISTS[0], Buffer.from(packages)],
      [LISTS[1], gzipSync(packages)],
    ])
    await mkdir(path.join(newDir, BY_HASH), { recursive: true })
    for (const [name, content] of lists) {
      await writeFile(path.join(newDir, name), content)
      await link(path.join(newDir, name), path.join(newDir, BY_HASH, sha256(content)))
    }
    const releasePath = path.join(newDir, 'Release')
    const release = releaseText(lists, architecturesIn(packages), new Date())
    await writeFile(releasePath, release)
    if (key !== undefined) {
      await writeFile(path.join(newDir, 'InRelease'), await signClear(task, key, release))
      await writeFile(`${releasePath}.gpg`, await signDetached(task, key, releasePath))
    }
    if (before !== undefined) await keepListsOf(before, newDir)
  })
  await removeStrays(indexDir)
}

/** As dpkg-scanpackages(1) writes it: the control fields of each package, and of its file what apt needs to fetch it. */
async function packagesText(task: Task, dir: string): Promise<string> {
  const names = (await namesIn(dir)).filter((name) => name.endsWith('.deb') && !name.startsWith('.')).sort()
  const stanzas = await fanOut(task, names, async (name, task) => {
    const filePath = path.join(dir, name)
    const { stdout: control } = await runCommand(task, ['dpkg-deb', '--field', filePath], { package: 'dpkg' })
    const [{ size }, sum] = [await stat(filePath), await sha256Of(filePath)]
    const fields = `${control.trimEnd()}\n`.replace(OF_THE_FILE, '')
    return `${fields}Filename: ./${name}\nSize: ${size}\nSHA256: ${sum}\n\n`
  })
  return stanzas.join('')
}

/** Fields that a list has of the file, with the lines that go on with them: a package's own would stand there a second time. */
const OF_THE_FILE = /^(Filename|Size|MD5sum|SHA\d+):.*\n([ \t].*\n)*/gim

function architecturesIn(packages: string): readonly string[] {
  return [...new Set([...packages.matchAll(/^Architecture: (\S+)$/gm)].map(([, name = '']) => name))].sort()
}

function releaseText(lists: ReadonlyMap<string, Buffer>, architectures: readonly string[], date: Date): string {
  return [
    'Origin: Lago',
    'Label: Lago',
    `Suite: ${APT_INDEX}`,
    `Architectures: ${architectures.join(' ')}`,
    `Date: ${date.toUTCString()}`,
    'Acquire-By-Hash: yes',
    'SHA256:',
    ...[...lists].map(([name, content]) => ` ${sha256(content)} ${content.length} ${name}`),
    '',
  ].join('\n')
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}

/** Those that its `Release` names; what it had kept itself is not kept again. */
async function keepListsOf(before: string, newDir: string): Promise<void> {
  const release = await readFile(path.join(before, 'Release'), 'utf8').catch(() => '')
  for (const [, sum = ''] of release.matchAll(/^ ([0-9a-f]{64}) /gm))
    await linkOrCopy(path.join(before, BY_HASH, sum), path.join(newDir, BY_HASH, sum)).catch((error: unknown) => {
      if (!isSystemError(error, 'EEXIST', 'ENOENT')) throw error
    })
}

async function isCurrent(indexDir: string, packages: string): Promise<boolean> {
  const found = await readFile(path.join(indexDir, 'Packages'), 'utf8').catch(() => undefined)
  return found === packages && (await faultsOfRelease(indexDir)).length === 0
}

async function isSignedAsWanted(task: Task, indexDir: string, key: SigningKey | undefined): Promise<boolean> {
  const releasePath = path.join(indexDir, 'Release')
  const signatures = [path.join(indexDir, 'InRelease'), `${releasePath}.gpg`] as const
  if (key === undefined) return !(await pathExists(signatures[0])) && !(await pathExists(signatures[1]))
  return (await isSignedBy(task, key, signatures[0])) && (await isSignedBy(task, key, releasePath, signatures[1]))
}

/** In what the index of `dir` is not the list of the packages that are there; empty: it is. */
export async function faultsOfAptIndex(task: Task, dir: string): Promise<readonly string[]> {
  const indexDir = path.join(dir, APT_INDEX)
  const found = await readFile(path.join(indexDir, 'Packages'), 'utf8').catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  })
  if (found === undefined) return [`${indexDir} has no Packages`]
  return [...(await faultsOfPackages(task, { dir, found })), ...(await faultsOfRelease(indexDir))]
}

async function faultsOfPackages(
  task: Task,
  { dir, found }: { readonly dir: string; readonly found: string },
): Promise<readonly string[]> {
  try {
    if (found === (await packagesText(task, dir))) return []
    return [`${path.join(dir, APT_INDEX)}/Packages is not the list of the packages in ${dir}`]
  } catch (error) {
    if (isLagoError(error, 'LAGO_COMMAND_FAILED')) return [`${dir} has what is no Debian package: ${error.message}`]
    throw error
  }
}

/** The lists are those that `Release` names, under both of their names, and `InRelease` is that, signed; what else is there was a list once. */
async function faultsOfRelease(indexDir: string): Promise<readonly string[]> {
  const release = await readFile(path.join(indexDir, 'Release'), 'utf8').catch(() => '')
  const sums = [...release.matchAll(/^ ([0-9a-f]{64}) \d+ (\S+)$/gm)]
  const faults = sums.length === 2 ? [] : [`${indexDir}/Release does not name its lists`]
  for (const [, sum = '', name = ''] of sums)
    for (const file of [name, `${BY_HASH}/${sum}`]) {
      const found = await sha256Of(path.join(indexDir, file)).catch(() => 'none')
      if (found !== sum) faults.push(`${indexDir}/${file} is not what Release says of it`)
    }
  const inRelease = await readFile(path.join(indexDir, 'InRelease'), 'utf8').catch(() => undefined)
  if (inRelease !== undefined && !isClearSigned(inRelease, release))
    faults.push(`${indexDir}/InRelease is not Release with a signature around it`)
  return [
    ...faults,
    ...(await straysBesideLists(indexDir, ['Release', 'InRelease', 'Release.gpg', ...LISTS, 'by-hash'])),
    ...(await straysBesideLists(path.join(indexDir, 'by-hash'), ['SHA256'])),
    ...(await straysBesideLists(path.join(indexDir, BY_HASH), [])),
  ]
}
