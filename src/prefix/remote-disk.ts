/** Images that the init file names by URL (spec 3.4): fetched once, compared with their checksum, there by a rename. */
import { rename, rm } from 'node:fs/promises'
import { pathExists } from 'fs-extra/esm'
import { LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { DIGEST_NAMES, digestFile } from '../disk/checksum.js'
import { receiveImage } from '../disk/receive.js'
import { requireDigests, wantedNames } from '../store/digests.js'
import type { Downloader } from '../store/download/types.js'
import { digestsOf, looksLikeDigest, openNamedFile, type NamedFile } from '../store/remote-file.js'
import type { RemoteFile } from '../spec/types.js'

export interface RemoteContext {
  readonly downloader: Downloader
  /** From a path as written to an absolute one; variables in it are expanded. */
  expandPath(rawPath: string): string
  /** The same for a text that is no path. */
  expandText(text: string): string
}

/** Variables expanded, paths absolute. Throws `LAGO_SPEC_INVALID` for a variable that holds no URL. */
export function namedFileOf({ rawUrl, checksum }: RemoteFile, context: RemoteContext): NamedFile {
  const from = context.expandText(rawUrl)
  if (!/^(https?|file):\/\//i.test(from))
    throw new LagoError('LAGO_SPEC_INVALID', `"${from}", of ${rawUrl}, is no URL of http, https or file`, {
      data: { url: rawUrl },
    })
  if (checksum === undefined || looksLikeDigest(checksum)) return { from, checksum }
  const place = context.expandText(checksum)
  return { from, checksum: /^[a-z]+:\/\//i.test(place) ? place : context.expandPath(checksum) }
}

/**
 * True: it has been written to `toPath`, unpacked. False: there was such a file already, and it is the right one as far
 * as the checksum tells. Throws `LAGO_TEMPLATE_CHECKSUM`, `LAGO_DOWNLOAD`, `LAGO_OFFLINE`, and what receiving throws.
 */
export async function fetchFile(
  task: Task,
  { from, checksum }: NamedFile,
  toPath: string,
  { downloader }: Pick<RemoteContext, 'downloader'>,
): Promise<boolean> {
  const digests = await digestsOf(task, downloader, { from, checksum })
  if (await pathExists(toPath)) {
    task.log('info', `${toPath} is there already and is not fetched`)
    if (digests.length === 0) return false
    const found = await digestFile(task, toPath, DIGEST_NAMES)
    requireDigests(toPath, digests, { compression: undefined, served: found, image: found })
    return false
  }
  const partPath = `${toPath}.part`
  try {
    await task.step(`Download ${toPath}`, async (task) => {
      await using file = await openNamedFile(task, downloader, from)
      const options = { digests: wantedNames(digests), from: file.place }
      requireDigests(file.place, digests, await receiveImage(task, file.chunks, partPath, options))
    })
    await rename(partPath, toPath)
    return true
  } finally {
    await rm(partPath, { force: true })
  }
}
