/** Lists of mirrors, where a repository has no `baseurl`: plain ones (`mirrorlist`) and metalinks. */
import type { Task } from '../base/task.js'
import { plainUrl } from '../store/download/plain-url.js'
import type { Downloader } from '../store/download/types.js'
import { repositoryError } from './errors.js'
import { readXml } from './xml-reader.js'
import type { YumRepository } from './yum-repository.js'

/** More would not be asked in the time that a download has. */
const MOST_MIRRORS = 5

/** Base URLs of http and https. Throws `LAGO_RPM_REPOSITORY` when the list has none, and as the downloader does. */
export async function findBaseUrls(
  task: Task,
  downloader: Downloader,
  { id, baseUrls, metalink, mirrorlist }: YumRepository,
): Promise<readonly string[]> {
  if (baseUrls.length > 0) return baseUrls
  const url = metalink ?? mirrorlist
  if (url === undefined) throw new Error(`unreachable: the repository ${id} is nowhere`)
  const { text = '' } = await downloader.text(task, [url])
  const found = metalink === undefined ? readMirrorlist(text) : await readMetalink(text, plainUrl(url))
  if (found.length > 0) return found.slice(0, MOST_MIRRORS)
  throw repositoryError(`the list of mirrors ${plainUrl(url)} of ${id} names none of http or https`, {
    hint: 'does it need other variables? Give a baseurl instead',
  })
}

/** A URL per line; `#` begins a comment. */
function readMirrorlist(text: string): readonly string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter(isWebUrl)
}

/** Of `repodata/repomd.xml`, those that are preferred most first (Metalink 3.0). */
async function readMetalink(text: string, what: string): Promise<readonly string[]> {
  const found: { readonly url: string; readonly preference: number }[] = []
  await readXml([Buffer.from(text)], what, {
    close(path, { attributes, text }) {
      const base = /^(.*)\/repodata\/repomd\.xml$/.exec(text)?.[1]
      if (path === 'metalink/files/file/resources/url' && base !== undefined && isWebUrl(base))
        found.push({ url: base, preference: Number(attributes['preference'] ?? 0) || 0 })
    },
  })
  return found.sort((a, b) => b.preference - a.preference).map(({ url }) => url)
}

function isWebUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text)
}
