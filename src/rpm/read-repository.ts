/** Which packages a repository has, by its own repodata. */
import type { Task } from '../base/task.js'
import { decompressor, sniffCompression } from '../disk/compression.js'
import { filtered, type FilterProgram } from '../disk/filter.js'
import { verified } from './checksum.js'
import { repositoryError } from './errors.js'
import { readPrimary } from './primary.js'
import { parseRepomd, type PrimaryFile } from './repomd.js'
import type { RepositoryFiles } from './repository-files.js'
import type { RepositoryPackage } from './repository-package.js'

/**
 * The list is taken as it comes, and believed when its checksum turns out to be right; nothing is stored.
 * Throws `LAGO_RPM_REPOSITORY`, and as the files do.
 */
export async function readRepository(task: Task, files: RepositoryFiles): Promise<readonly RepositoryPackage[]> {
  const repomd = `${files.place.replace(/\/*$/, '/')}repodata/repomd.xml`
  const text = await files.text(task, 'repodata/repomd.xml')
  if (text === undefined)
    throw repositoryError(`there is no RPM repository at ${files.place}: it has no repodata/repomd.xml`, {
      hint: 'check the baseurl; whoever runs the repository has to run createrepo_c there',
    })
  const primary = await parseRepomd(text, repomd)
  const what = `${files.place.replace(/\/*$/, '/')}${primary.href}`
  const chunks = await files.open(task, primary.href)
  if (chunks === undefined)
    throw repositoryError(`${what} is not there, and ${repomd} names it`, {
      hint: 'the repository was changed meanwhile, or is not whole; try again later',
    })
  return readPrimary(unpacked(task, verified(chunks, what, primary), what, primary), what)
}

/** Where a list does not say how long it is; those of whole distributions have some 200 MB. */
const MOST_BYTES = 2 * 1024 ** 3

async function* unpacked(
  task: Task,
  packed: AsyncGenerator<Buffer>,
  what: string,
  { openSizeBytes = MOST_BYTES }: PrimaryFile,
): AsyncGenerator<Buffer> {
  const { value: head, done } = await packed.next()
  if (done) return
  const program = unpackerFor(head)
  let length = 0
  const input = withHead(head, packed)
  for await (const chunk of program === undefined ? input : filtered(task, program, input)) {
    length += chunk.length
    if (length > openSizeBytes) throw repositoryError(`${what} is longer unpacked than the repository says`)
    yield chunk
  }
}

async function* withHead(head: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield head
  yield* rest
}

const BZIP2: FilterProgram = { argv: ['bzip2', '--decompress', '--stdout', '--quiet'], package: 'bzip2' }

function unpackerFor(head: Buffer): FilterProgram | undefined {
  const compression = sniffCompression(head)
  if (compression !== undefined) return decompressor(compression)
  return head.toString('latin1', 0, 3) === 'BZh' ? BZIP2 : undefined
}
