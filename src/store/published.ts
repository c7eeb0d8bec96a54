/** What is said of a template version: in the repository file, in files with sums, and in files beside the image. */
import path from 'node:path'
import { LagoError, messageOf } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { DIGEST_NAMES } from '../disk/checksum.js'
import { withoutSuffix } from '../disk/compression.js'
import { formatPath } from '../spec/findings.js'
import { copyPlainData } from '../spec/plain-data.js'
import { digestIn } from './digests.js'
import { sumsOf } from './sums-file.js'
import type { Metadata, PublishedDigest, TemplateVersion } from './types.js'

export interface Published {
  /** At least one. */
  readonly digests: readonly PublishedDigest[]
  readonly metadata: Metadata
}

/**
 * Where the repository file gives digests, or files with sums, those count; else `<handle>.hash` (SHA-1, spec 4.2), with
 * `<handle>.sha256` and `<handle>.sha512` where they are. Throws `LAGO_DOWNLOAD` naming what is missing or malformed.
 */
export async function readPublished(task: Task, version: TemplateVersion): Promise<Published> {
  const [given, metadata] = await Promise.all([givenDigests(task, version), readMetadata(task, version)])
  const digests = given.length > 0 ? given : await digestsBeside(task, version)
  return { digests, metadata }
}

async function givenDigests(task: Task, version: TemplateVersion): Promise<readonly PublishedDigest[]> {
  const listed = await Promise.all(version.checksums.map(async (handle) => digestsListed(task, version, handle)))
  return [...version.digests, ...listed.flat()]
}

async function digestsListed(task: Task, version: TemplateVersion, handle: string): Promise<PublishedDigest[]> {
  const { source } = version
  const from = source.describe(handle)
  const text = await source.text(task, handle)
  if (text === undefined) throw publishedError(`there is no ${from}`, 'it is the "checksums" of the template')
  const fileName = path.posix.basename(version.handle)
  const sums = source.suffixes.flatMap((suffix) => sumsOf(text, `${fileName}${suffix}`))
  const some = sums.length > 0 ? sums : sumsOf(text, withoutSuffix(fileName))
  if (some.length === 0)
    throw publishedError(`${from} has no sum of ${fileName}`, 'is it the right file, and of the same version?')
  return some.map((sum) => ({ ...sum, of: 'either', from }))
}

async function digestsBeside(task: Task, version: TemplateVersion): Promise<readonly PublishedDigest[]> {
  const found = await Promise.all(
    DIGEST_NAMES.map(async (name): Promise<PublishedDigest | undefined> => {
      const beside = await textBeside(task, version, name === 'sha1' ? '.hash' : `.${name}`)
      if (beside === undefined) return undefined
      const hex = digestIn(beside.text, name)
      if (hex === undefined) throw publishedError(`template file ${beside.from} does not hold a ${name}`, BESIDE)
      return { name, hex, of: name === 'sha1' ? 'image' : 'either', from: beside.from }
    }),
  )
  const digests = found.filter((digest) => digest !== undefined)
  if (digests.length > 0) return digests
  throw publishedError(`template file ${version.source.describe(`${version.handle}.hash`)} does not exist`, BESIDE)
}

async function readMetadata(task: Task, version: TemplateVersion): Promise<Metadata> {
  if (version.metadata !== undefined) return version.metadata
  const beside = await textBeside(task, version, '.metadata')
  if (beside === undefined) {
    const from = version.source.describe(`${version.handle}.metadata`)
    throw publishedError(`template file ${from} does not exist`, BESIDE)
  }
  return parseMetadata(beside.text, (why) => publishedError(`template file ${beside.from} ${why}`, BESIDE))
}

/** Upstream's repositories name what belongs to a compressed image after that (spec 4.2). */
async function textBeside(
  task: Task,
  { source, handle }: TemplateVersion,
  suffix: string,
): Promise<{ readonly text: string; readonly from: string } | undefined> {
  for (const name of [`${handle}${suffix}`, `${handle}.xz${suffix}`]) {
    const text = await source.text(task, name)
    if (text !== undefined) return { text, from: source.describe(name) }
  }
  return undefined
}

/** Throws what `fail` makes of the reason when `text` is not a JSON object of plain data, nested 50 levels at most. */
export function parseMetadata(text: string, fail: (why: string) => Error): Metadata {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw fail(`is not JSON: ${messageOf(error)}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fail('is not a JSON object')
  const { value: copy, findings } = copyPlainData(value)
  const [finding] = findings
  if (finding !== undefined) throw fail(`${formatPath(finding.path)} ${finding.message}`.trim())
  return copy as Metadata // a copy of an object
}

const BESIDE =
  'beside its image a source has <image>.hash (SHA-1) and <image>.metadata (JSON), unless the repository file has them; is the image there?'

function publishedError(message: string, hint: string): LagoError {
  return new LagoError('LAGO_DOWNLOAD', message, { hint })
}
