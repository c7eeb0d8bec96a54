/** The files of one repository, wherever it is: at web servers or in a directory of this host. */
import { readFile, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { isSystemError, messageOf } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { readChunks } from '../disk/checksum.js'
import { createDownloader } from '../store/download/downloader.js'
import { isNotServed } from '../store/download/failure.js'
import type { DownloadLimits } from '../store/download/limits.js'
import { forbidDownloads } from '../store/download/offline.js'
import { plainUrl } from '../store/download/plain-url.js'
import type { Variables } from '../store/download/proxy.js'
import type { Downloader } from '../store/download/types.js'
import { repositoryError } from './errors.js'
import type { YumRepository } from './yum-repository.js'

export interface RepositoryFiles {
  /** Where the repository is, as it may be shown. */
  readonly place: string
  /** A small text; undefined: it is not there. Throws `LAGO_DOWNLOAD`, `LAGO_OFFLINE`. */
  text(task: Task, href: string): Promise<string | undefined>
  /** The same for what a list of packages puts elsewhere, with `baseUrl`. The chunks throw, too; to be read once. */
  open(task: Task, href: string, baseUrl?: string): Promise<AsyncIterable<Buffer> | undefined>
}

export interface Access {
  readonly env: Variables
  readonly isOffline: boolean
  readonly limits: Partial<DownloadLimits>
}

/** With what the configuration says of proxies and certificates. Throws the system's error for a file of those. */
export async function createRepositoryDownloader(
  { proxy, verifiesTls, caPath }: YumRepository,
  { env, isOffline, limits }: Access,
): Promise<Downloader> {
  if (isOffline) return forbidDownloads()
  const authorities = caPath === undefined ? undefined : await readFile(caPath, 'utf8')
  return createDownloader({ env: withProxy(env, proxy), limits, tls: { verifies: verifiesTls, authorities } })
}

/** `baseUrls`: mirrors in their order, at least one. */
export function openRepositoryFiles(
  downloader: Downloader,
  { id, user }: YumRepository,
  baseUrls: readonly string[],
): RepositoryFiles {
  const own = baseUrls.map((url) => withUser(url, user))
  const [first] = own
  if (first === undefined) throw new Error(`unreachable: the repository ${id} is nowhere`)
  const locals = own.filter(isFileUrl)
  const remotes = own.filter((url) => !isFileUrl(url))
  return {
    place: plainUrl(first),
    async text(task, href) {
      for (const base of locals) {
        const text = await unlessAbsent(readFile(pathOf(base, href), 'utf8'))
        if (text !== undefined) return text
      }
      return remotes.length === 0
        ? undefined
        : unlessNotServed(downloader.text(task, join(remotes, href)).then(({ text }) => text))
    },
    async open(task, href, baseUrl) {
      const [files, urls] = baseUrl === undefined ? [locals, remotes] : elsewhere(id, baseUrl, locals.length > 0)
      for (const base of files) {
        const filePath = pathOf(base, href)
        if ((await unlessAbsent(stat(filePath)))?.isFile()) return readChunks(task, filePath)
      }
      if (urls.length === 0) return undefined
      return (await unlessNotServed(downloader.open(task, join(urls, href))))?.chunks
    },
  }
}

/** Credentials are not for others, and files of this host are none of a server's business. */
function elsewhere(id: string, baseUrl: string, isLocal: boolean): [string[], string[]] {
  if (/^https?:/i.test(baseUrl) && URL.canParse(baseUrl)) return [[], [baseUrl]]
  if (isLocal && isFileUrl(baseUrl)) return [[baseUrl], []]
  throw repositoryError(`the repository ${id} puts packages at ${plainUrl(baseUrl)}, which is no http or https URL`)
}

function join(baseUrls: readonly string[], href: string): string[] {
  return baseUrls.map((base) => {
    const url = new URL(base)
    url.pathname = `${url.pathname.replace(/\/*$/, '/')}${href.split('/').map(encodeURIComponent).join('/')}`
    return url.href
  })
}

function pathOf(baseUrl: string, href: string): string {
  return `${fileURLToPath(baseUrl).replace(/\/*$/, '/')}${href}`
}

function isFileUrl(url: string): boolean {
  return /^file:/i.test(url)
}

function withUser(baseUrl: string, user: YumRepository['user']): string {
  const url = new URL(baseUrl)
  if (user === undefined || isFileUrl(baseUrl) || url.username !== '') return url.href
  url.username = encodeURIComponent(user.name)
  url.password = encodeURIComponent(user.password)
  return url.href
}

function withProxy(env: Variables, proxy: YumRepository['proxy']): Variables {
  if (proxy === undefined) return env
  const names = ['http_proxy', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY', 'no_proxy', 'NO_PROXY']
  const none = Object.fromEntries(names.map((name) => [name, undefined]))
  return { ...env, ...none, ...(proxy === 'none' ? {} : { http_proxy: proxy, https_proxy: proxy }) }
}

async function unlessNotServed<T>(answer: Promise<T>): Promise<T | undefined> {
  return answer.catch((error: unknown) => {
    if (isNotServed(error)) return undefined
    throw error
  })
}

async function unlessAbsent<T>(answer: Promise<T>): Promise<T | undefined> {
  return answer.catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return undefined
    if (isSystemError(error, 'EACCES', 'EIO')) throw repositoryError(`cannot read a repository: ${messageOf(error)}`)
    throw error
  })
}
