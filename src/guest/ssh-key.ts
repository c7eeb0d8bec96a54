/** The key pair of an environment: RSA in PEM, which every ssh library and old guest reads (spec 2.2). */
import { createPublicKey, generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'

export interface SshKeyPair {
  /** PKCS#1 PEM, as `ssh-keygen -m PEM` writes it. */
  readonly privateKey: string
  /** One line: `ssh-rsa AAAA... comment`. */
  readonly publicKey: string
}

/** ssh-keygen(1): the default size of an RSA key. */
const RSA_BITS = 3072

export async function createSshKeyPair(comment: string): Promise<SshKeyPair> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: RSA_BITS })
  return {
    privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    publicKey: `${opensshPublicKey(privateKey.export({ type: 'pkcs1', format: 'pem' }).toString())} ${comment}\n`,
  }
}

/** RFC 4253, section 6.6: the name, the exponent and the modulus, each with its length in front. */
function opensshPublicKey(privateKeyPem: string): string {
  const { e = '', n = '' } = createPublicKey(privateKeyPem).export({ format: 'jwk' })
  const parts = [Buffer.from('ssh-rsa'), mpint(e), mpint(n)]
  const blob = Buffer.concat(parts.flatMap((part) => [lengthOf(part), part]))
  return `ssh-rsa ${blob.toString('base64')}`
}

/** RFC 4251, section 5: a leading zero byte keeps the number positive. */
function mpint(base64url: string): Buffer {
  const bytes = Buffer.from(base64url, 'base64url')
  return (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes
}

function lengthOf(part: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(part.length)
  return length
}
