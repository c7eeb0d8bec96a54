/** Checksums as repodata gives them. */
import { createHash } from 'node:crypto'
import { repositoryError } from './errors.js'

export interface Checksum {
  /** As Node names it. */
  readonly algorithm: string
  /** Lower case. */
  readonly hex: string
}

/** createrepo_c's names; `sha` is an old one of sha1. md5 proves nothing any more. */
const ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ['sha', 'sha1'],
  ...['sha1', 'sha224', 'sha256', 'sha384', 'sha512'].map((name) => [name, name] as const),
])

/** Throws `LAGO_RPM_REPOSITORY`; `what` it is of is named. */
export function parseChecksum(what: string, type: string | undefined, hex: string): Checksum {
  const algorithm = ALGORITHMS.get((type ?? '').toLowerCase())
  if (algorithm !== undefined && /^[0-9a-f]{40,128}$/i.test(hex)) return { algorithm, hex: hex.toLowerCase() }
  throw repositoryError(`${what} has no checksum that can be used: it is of the type "${type ?? ''}"`, {
    hint: `known are ${[...ALGORITHMS.keys()].join(', ')}; make its repodata anew with createrepo_c`,
  })
}

/**
 * The chunks as they are; fails at their end unless they have the checksum, and the size where one is given.
 * Throws `LAGO_RPM_REPOSITORY`.
 */
export async function* verified(
  chunks: AsyncIterable<Buffer>,
  what: string,
  { checksum, sizeBytes }: { readonly checksum: Checksum; readonly sizeBytes?: number | undefined },
): AsyncGenerator<Buffer> {
  const hash = createHash(checksum.algorithm)
  let length = 0
  for await (const chunk of chunks) {
    hash.update(chunk)
    length += chunk.length
    if (sizeBytes !== undefined && length > sizeBytes)
      throw differs(what, `it is longer than the ${sizeBytes} bytes that it should have`)
    yield chunk
  }
  if (sizeBytes !== undefined && length < sizeBytes)
    throw differs(what, `it has ${length} bytes and should have ${sizeBytes}`)
  const found = hash.digest('hex')
  if (found !== checksum.hex) throw differs(what, `its ${checksum.algorithm} is ${found} and should be ${checksum.hex}`)
}

function differs(what: string, how: string): Error {
  return repositoryError(`${what} is not what the repository says of it: ${how}`, {
    hint: 'the repository was changed meanwhile, or what it has is damaged; try again later',
  })
}
