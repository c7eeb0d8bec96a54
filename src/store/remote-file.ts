/** A file at a path or a URL that somebody names, with a checksum that it must have: not of a repository. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { withoutSuffix } from '../disk/compression.js'
import type { Downloader } from './download/types.js'
import { digestNameOf } from './digests.js'
import { createFileSource } from './source-file.js'
import { createHttpSource } from './source-http.js'
import { isUrl } from './source.js'
import { sumsOf } from './sums-file.js'
import type { PublishedDigest, SourceFile, TemplateSource } from './types.js'

export interface NamedFile {
  /** Absolute path, or a URL of http, https or file. */
  readonly from: string
  /** Hex digits, with or without the name in front (`sha256:`), or the path or URL of a file with sums. */
  readonly checksum: string | undefined
}

/** Throws `LAGO_DOWNLOAD` when it is not there, `LAGO_OFFLINE`, `LAGO_USAGE` for a URL of another kind. */
export async function openNamedFile(task: Task, downloader: Downloader, from: string): Promise<SourceFile> {
  const { source, handle } = placeOf(from, downloader)
  const file = await source.open(task, handle)
  if (file !== undefined) return file
  throw new LagoError('LAGO_DOWNLOAD', `${source.describe(handle)} does not exist`, { data: { from } })
}

/** What the file must have; none without a checksum. Throws `LAGO_USAGE` for one that is none, and as `openNamedFile`. */
export async function digestsOf(
  task: Task,
  downloader: Downloader,
  { from, checksum }: NamedFile,
): Promise<readonly PublishedDigest[]> {
  if (checksum === undefined) return []
  const hex = checksum.replace(/^sha(1|256|512):/i, '').toLowerCase()
  const name = digestNameOf(hex)
  if (name !== undefined) return [{ name, hex, of: 'either', from: 'the checksum given' }]
  if (/^sha(1|256|512):/i.test(path.basename(checksum)))
    throw new LagoError('LAGO_USAGE', `the checksum ${path.basename(checksum)} is no sum: ${hex.length} digits`, {
      hint: 'sha1 has 40 hex digits, sha256 64, sha512 128',
      data: { checksum },
    })
  const { source, handle } = placeOf(checksum, downloader)
  const text = await source.text(task, handle)
  const place = source.describe(handle)
  if (text === undefined)
    throw new LagoError('LAGO_USAGE', `the checksum ${checksum} is neither hex digits nor a file with sums`, {
      hint: 'sha256:HEX, or the path or URL of a file such as SHA256SUMS',
      data: { checksum },
    })
  const fileName = path.basename(placeOf(from, downloader).handle)
  const sums = [fileName, withoutSuffix(fileName)].flatMap((name) => sumsOf(text, name))
  if (sums.length > 0) return sums.map((sum) => ({ ...sum, of: 'either', from: place }))
  throw new LagoError('LAGO_DOWNLOAD', `${place} has no sum of ${fileName}`, {
    hint: 'is it the right file, and of the same version?',
  })
}

/** Hex digits, whatever they may be of: no path. */
export function looksLikeDigest(checksum: string): boolean {
  return /^(sha\d+:.*|[0-9a-f]{40,})$/is.test(checksum)
}

function placeOf(from: string, downloader: Downloader): { readonly source: TemplateSource; readonly handle: string } {
  if (/^file:/i.test(from)) return placeOf(fileURLToPath(from), downloader)
  if (!isUrl(from)) return { source: createFileSource(path.dirname(from)), handle: path.basename(from) }
  if (!/^https?:/i.test(from))
    throw new LagoError('LAGO_USAGE', `cannot fetch ${from}: only http, https and file are known`, { data: { from } })
  const at = from.lastIndexOf('/')
  return { source: createHttpSource(downloader, [from.slice(0, at)]), handle: decoded(from.slice(at + 1)) }
}

/** `%` that begins nothing stands for itself. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
