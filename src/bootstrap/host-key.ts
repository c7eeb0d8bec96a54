/** The host key of a guest, made before its first start so that it is known at the first contact. */
import { generateKeyPair, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { HostKey } from './types.js'

/** `comment` has no line end. The private key has no passphrase, as ssh servers want it. */
export async function createHostKey(comment: string): Promise<HostKey> {
  const { privateKey } = await promisify(generateKeyPair)('ed25519')
  const { x = '', d = '' } = privateKey.export({ format: 'jwk' })
  const point = Buffer.from(x, 'base64url')
  const seed = Buffer.from(d, 'base64url')
  const publicBlob = Buffer.concat([field(KEY_TYPE), field(point)])
  return {
    privateKey: opensshPrivateKey(
      publicBlob,
      Buffer.concat([field(point), field(Buffer.concat([seed, point]))]),
      comment,
    ),
    publicKey: `${KEY_TYPE} ${publicBlob.toString('base64')} ${comment}`,
  }
}

const KEY_TYPE = 'ssh-ed25519'

/** OpenSSH's PROTOCOL.key, without encryption. `keyFields`: what comes after the key's type in its private part. */
function opensshPrivateKey(publicBlob: Buffer, keyFields: Buffer, comment: string): string {
  const check = randomBytes(4) // twice: a wrong passphrase would make two numbers of it
  const secret = padded(Buffer.concat([check, check, field(KEY_TYPE), keyFields, field(comment)]))
  const [cipher, kdf, kdfOptions] = [field('none'), field('none'), field('')]
  const whole = [Buffer.from('openssh-key-v1\0'), cipher, kdf, kdfOptions, uint32(1), field(publicBlob), field(secret)]
  const lines =
    Buffer.concat(whole)
      .toString('base64')
      .match(/.{1,70}/g) ?? []
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n')
}

/** To whole blocks of the cipher "none", 8 bytes, by the bytes 1, 2, 3... */
function padded(bytes: Buffer): Buffer {
  const missing = (8 - (bytes.length % 8)) % 8
  return Buffer.concat([bytes, Buffer.from(Array.from({ length: missing }, (_, index) => index + 1))])
}

/** RFC 4251, section 5: `string`. */
function field(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content)
  return Buffer.concat([uint32(bytes.length), bytes])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
