/** Hashes as they are published, and whether what came has them. */
import { LagoError } from '../base/errors.js'
import { DIGEST_NAMES, type DigestName } from '../disk/checksum.js'
import type { Received as ReceivedImage } from '../disk/receive.js'
import type { PublishedDigest } from './types.js'

type Received = Omit<ReceivedImage<DigestName>, 'content'>

const HEX_LENGTHS: Readonly<Record<DigestName, number>> = { sha1: 40, sha256: 64, sha512: 128 }

/** The name of the digest that has so many hex digits; undefined: it is none that is known. */
export function digestNameOf(hex: string): DigestName | undefined {
  if (!/^[0-9a-f]+$/i.test(hex)) return undefined
  return DIGEST_NAMES.find((name) => HEX_LENGTHS[name] === hex.length)
}

/**
 * The first word of a file like `.hash`, which holds one digest and perhaps a name; undefined: it holds none of this name.
 */
export function digestIn(text: string, name: DigestName): string | undefined {
  const [word = ''] = text.trim().split(/\s/)
  return digestNameOf(word) === name ? word.toLowerCase() : undefined
}

/** The digests to compute of what comes: those that are published, and the SHA-1 that the store keeps. */
export function wantedNames(published: readonly PublishedDigest[]): readonly DigestName[] {
  return DIGEST_NAMES.filter((name) => name === 'sha1' || published.some((digest) => digest.name === name))
}

/** Throws `LAGO_TEMPLATE_CHECKSUM`, with both values, unless every published digest fits. */
export function requireDigests(what: string, published: readonly PublishedDigest[], received: Received): void {
  for (const digest of published) if (!fits(digest, received)) throw mismatch(what, digest, received)
}

function fits({ name, hex, of }: PublishedDigest, { served, image }: Received): boolean {
  return image[name] === hex || (of === 'either' && served[name] === hex)
}

function mismatch(what: string, digest: PublishedDigest, received: Received): LagoError {
  const { name, hex, of, from } = digest
  const found = of === 'either' ? received.served[name] : received.image[name]
  return new LagoError(
    'LAGO_TEMPLATE_CHECKSUM',
    `${what} does not match the expected hash: it has ${name} ${found}, published is ${hex}`,
    {
      hint: `the image or what ${from} says of it is damaged or out of date; nothing was kept`,
      data: { template: what, digest: name, found, published: hex, publishedBy: from },
    },
  )
}
