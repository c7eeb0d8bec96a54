/** An Ed25519 key from OpenSSH's own format (PROTOCOL.key) to dropbear's. */

const ARMOUR = /^-----BEGIN OPENSSH PRIVATE KEY-----\n([A-Za-z0-9+/=\n]+)-----END OPENSSH PRIVATE KEY-----\n?$/
const MAGIC = 'openssh-key-v1\0'
const TYPE = 'ssh-ed25519'
const SEED_AND_POINT = 64

/**
 * The type and, as one string, seed and public point: dropbear has them in the order in which OpenSSH has them.
 * Throws a plain `Error`, without the key, for another type or one under a passphrase: we make no such key.
 */
export function dropbearKey(openssh: string): Buffer {
  const blob = Buffer.from(ARMOUR.exec(openssh)?.[1] ?? '', 'base64')
  if (blob.toString('latin1', 0, MAGIC.length) !== MAGIC) throw new Error('not a private key of OpenSSH')
  const { cipher, secret } = envelopeOf(blob.subarray(MAGIC.length))
  if (cipher !== 'none') throw new Error('the private key is under a passphrase')
  const strings = stringsOf(secret.subarray(8)) // behind two equal numbers
  const type = strings.next()
  strings.next() // the public point, which comes again
  const pair = strings.next()
  if (type.toString() !== TYPE || pair.length !== SEED_AND_POINT) throw new Error('not an Ed25519 key')
  return Buffer.concat([sshString(type), sshString(pair)])
}

function envelopeOf(blob: Buffer): { readonly cipher: string; readonly secret: Buffer } {
  const strings = stringsOf(blob)
  const cipher = strings.next().toString()
  strings.next() // how the passphrase becomes a key
  strings.next() // and with what
  strings.skip(4) // the number of keys: one
  strings.next() // the public key
  return { cipher, secret: strings.next() }
}

interface Strings {
  /** RFC 4251, section 5. */
  next(): Buffer
  skip(bytes: number): void
}

function stringsOf(blob: Buffer): Strings {
  let at = 0
  return {
    next() {
      const end = at + 4 + (at + 4 <= blob.length ? blob.readUInt32BE(at) : Infinity)
      if (end > blob.length) throw new Error('the private key ends early')
      const found = blob.subarray(at + 4, end)
      at = end
      return found
    },
    skip: (bytes) => void (at += bytes),
  }
}

function sshString(content: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  return Buffer.concat([length, content])
}
