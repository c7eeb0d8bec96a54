/** From custom sources to packages on this host: directories are searched, URLs are fetched. */
import { createWriteStream } from 'node:fs'
import { mkdtemp, readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { isSystemError } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import { globMatcher, hasGlob } from '../disk/glob.js'
import { createDownloader } from '../store/download/downloader.js'
import { forbidDownloads } from '../store/download/offline.js'
import { plainUrl } from '../store/download/plain-url.js'
import type { Variables } from '../store/download/proxy.js'
import type { Downloader } from '../store/download/types.js'
import { parseCustomSource, sourceError, sourcesInList, type CustomSource } from './custom-source.js'
import { findPackageLinks } from './package-links.js'
import { readWholePackages, type KnownPackages, type PackageFile } from './read-packages.js'
import { isPackageFile, packageFilesBelow } from './rpm-files.js'

export interface CustomPackages {
  readonly source: CustomSource
  /** All that its filters leave, of whatever architecture; older versions are among them. */
  readonly packages: readonly PackageFile[]
}

export interface CustomSourcesOptions {
  /** Absolute: what relative paths are relative to, also those in lists. */
  readonly cwd: string
  /** For proxies and `.netrc`. */
  readonly variables: Variables
  readonly isOffline?: boolean
  /** Absolute, and there: what is fetched goes below it. */
  readonly downloadDir: string
  readonly known?: KnownPackages
}

/**
 * In their order, those of lists in the place of the list; a source without a package has none.
 * Throws `LAGO_RPM_SOURCE` for one that cannot be understood or is not there, `LAGO_RPM_BROKEN`, `LAGO_DOWNLOAD`,
 * `LAGO_OFFLINE`.
 */
export async function findCustomPackages(
  task: Task,
  texts: readonly string[],
  options: CustomSourcesOptions,
): Promise<readonly CustomPackages[]> {
  const sources = await expandLists(texts, options.cwd)
  const downloader = options.isOffline === true ? forbidDownloads() : createDownloader({ env: options.variables })
  const found: CustomPackages[] = []
  for (const source of sources)
    found.push(
      await task.step(`Read ${shown(source)}`, async (task) => {
        const paths = await pathsOf(task, source, options.downloadDir, downloader)
        return readNamed(task, source, paths, options.known)
      }),
    )
  return found
}

/** Without what may be a password in a URL. */
export function shown({ place, text }: CustomSource): string {
  return place.kind === 'url' ? plainUrl(place.url) : text
}

async function expandLists(
  texts: readonly string[],
  cwd: string,
  within: readonly string[] = [],
): Promise<CustomSource[]> {
  const sources: CustomSource[] = []
  for (const text of texts) {
    const source = parseCustomSource(text, cwd)
    if (source.place.kind !== 'list') sources.push(source)
    else sources.push(...(await readList(source.place.path, source, cwd, within)))
  }
  return sources
}

async function readList(
  listPath: string,
  { text }: CustomSource,
  cwd: string,
  within: readonly string[],
): Promise<CustomSource[]> {
  if (within.includes(listPath)) throw sourceError(text, 'the list names itself', 'take it out of the list')
  const content = await readFile(listPath, 'utf8').catch((error: unknown) => {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) throw error
    throw sourceError(text, `there is no file ${listPath}`, 'name a file that has a source in each line')
  })
  return expandLists(sourcesInList(content), cwd, [...within, listPath])
}

async function pathsOf(
  task: Task,
  source: CustomSource,
  downloadDir: string,
  downloader: Downloader,
): Promise<string[]> {
  const { place, text } = source
  switch (place.kind) {
    case 'path':
      return findFiles(text, place.path)
    case 'url':
      return fetchPackages(task, place, downloadDir, downloader)
    case 'list':
      throw new Error('unreachable: lists are read before')
  }
}

async function readNamed(
  task: Task,
  source: CustomSource,
  paths: readonly string[],
  known: KnownPackages | undefined,
): Promise<CustomPackages> {
  const hint =
    source.place.kind === 'url' ? `what ${shown(source)} gives is not whole` : 'build or fetch it again, or remove it'
  const packages = await readWholePackages(task, paths, { known, hint })
  return { source, packages: packages.filter(({ name }) => source.names.every((pattern) => pattern.test(name))) }
}

async function findFiles(text: string, given: string): Promise<string[]> {
  const found = (await isThere(given)) ? [given] : hasGlob(given) ? await expandGlob(given) : []
  if (found.length === 0)
    throw sourceError(text, `there is no such file or directory: ${given}`, 'name one that is there')
  const files: string[] = []
  for (const file of found) {
    const entry = await stat(file)
    if (entry.isDirectory()) files.push(...(await packageFilesBelow(file)))
    else if (!isPackageFile(file) && found.length > 1) continue
    else if (entry.isFile()) files.push(file)
    else
      throw sourceError(text, `${file} is neither a file nor a directory`, 'name a package, or a directory with some')
  }
  return files
}

async function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    (error: unknown) => {
      if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return false
      throw error
    },
  )
}

/** As a shell does, part by part; what is there by the very name is no pattern, as the current directory may be. */
async function expandGlob(pattern: string): Promise<string[]> {
  let dirs = ['/']
  for (const part of pattern.split('/').filter(Boolean)) {
    const next: string[] = []
    for (const dir of dirs) {
      const literal = path.join(dir, part)
      if (!hasGlob(part) || (await isThere(literal))) next.push(literal)
      else
        next.push(...(await readdir(dir).catch(() => [])).filter(globMatcher(part)).map((name) => path.join(dir, name)))
    }
    dirs = next
  }
  const there: string[] = []
  for (const file of dirs.sort()) if (await isThere(file)) there.push(file)
  return there
}

async function fetchPackages(
  task: Task,
  place: { readonly url: URL; readonly isRecursive: boolean },
  downloadDir: string,
  downloader: Downloader,
): Promise<string[]> {
  const urls = isPackageFile(place.url.pathname) ? [place.url] : await findPackageLinks(task, place, downloader)
  const dir = await mkdtemp(path.join(downloadDir, 'source-'))
  return fanOut(task, urls, async (url, task) =>
    task.step(`Download ${plainUrl(url)}`, async (task) => {
      const file = path.join(dir, `${urls.indexOf(url)}.rpm`) // what it is called says the package itself
      await using download = await downloader.open(task, [url.href])
      await pipeline(download.chunks, createWriteStream(file, { flags: 'wx' }))
      return file
    }),
  )
}
