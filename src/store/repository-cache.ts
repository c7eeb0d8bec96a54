/** Repository files at URLs, kept on this host, so that environments of cached templates need no network. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { explainSystemError, isLagoError, messageOf } from '../base/errors.js'
import { makeDirs, writeJsonAtomic } from '../base/files.js'
import type { Task } from '../base/task.js'
import { plainUrl } from './download/plain-url.js'
import type { Downloader } from './download/types.js'
import { parseRepository, type RepositoryFile } from './repository-file.js'

interface Copy {
  readonly url: string
  readonly etag: string | undefined
  readonly text: string
}

/** A copy is there: the network may not be, and nobody shall wait for it. */
const LIMIT_WITH_COPY_MS = 10_000

/**
 * Asks the server whether the copy is up to date; when it cannot be asked, the copy has to do, which is told as a
 * warning. Throws what the downloader throws when there is no copy, and `LAGO_TEMPLATE_REPO` for what is no repository;
 * then the copy stays as it was.
 */
export async function downloadRepository(
  task: Task,
  url: string,
  { downloader, cacheDir }: { readonly downloader: Downloader; readonly cacheDir: string },
): Promise<RepositoryFile> {
  const place = plainUrl(url)
  const copyPath = path.join(cacheDir, 'repositories', `${createHash('sha256').update(url).digest('hex')}.json`)
  const copy = await readCopy(copyPath, place)
  if (copy === undefined) return keep(task, copyPath, place, await downloader.text(task, [url]))
  try {
    const ask = async (task: Task): Promise<Answer> =>
      downloader.text(task, [url], copy.etag === undefined ? {} : { etag: copy.etag })
    const answer = await task.within(LIMIT_WITH_COPY_MS, `asking for ${place}`, ask)
    return answer.text === undefined ? parseRepository(place, copy.text) : await keep(task, copyPath, place, answer)
  } catch (error) {
    task.signal.throwIfAborted()
    if (!REPLACED_BY_COPY.some((code) => isLagoError(error, code))) throw error
    const level = isLagoError(error, 'LAGO_OFFLINE') ? 'debug' : 'warning'
    task.log(level, `using the copy of template repository ${place}: ${messageOf(error)}`)
    return parseRepository(place, copy.text)
  }
}

const REPLACED_BY_COPY = ['LAGO_DOWNLOAD', 'LAGO_OFFLINE', 'LAGO_TIMEOUT'] as const

type Answer = Awaited<ReturnType<Downloader['text']>>

/** A copy that cannot be written is missed only when the server is. */
async function keep(task: Task, copyPath: string, place: string, { text = '', etag }: Answer): Promise<RepositoryFile> {
  const file = parseRepository(place, text)
  try {
    await makeDirs(path.dirname(copyPath))
    await writeJsonAtomic(copyPath, { url: place, etag, text } satisfies Copy)
  } catch (error) {
    task.log('warning', `no copy of template repository ${place} is kept: ${messageOf(explainSystemError(error))}`)
  }
  return file
}

/** One that is damaged is as none. */
async function readCopy(copyPath: string, url: string): Promise<Copy | undefined> {
  try {
    const copy = JSON.parse(await readFile(copyPath, 'utf8')) as Copy // looked at in the next line
    return copy.url === url && typeof copy.text === 'string' ? copy : undefined
  } catch {
    return undefined
  }
}
