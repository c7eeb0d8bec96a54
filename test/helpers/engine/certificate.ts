/** An authority and a server's certificate of it, as engine-setup makes them: for a name, not for an address. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface EngineCertificate {
  readonly ca: string
  readonly key: string
  readonly cert: string
}

const EC_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

export async function makeCertificate(): Promise<EngineCertificate> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lago-engine-ca-'))
  try {
    const at = (name: string): string => path.join(dir, name)
    await run('openssl', [
      ...['req', '-x509', ...EC_KEY, '-days', '2', '-subj', '/O=Test/CN=engine authority'],
      ...['-keyout', at('ca.key'), '-out', at('ca.pem')],
    ])
    await run('openssl', ['req', '-new', ...EC_KEY, '-subj', '/CN=engine', '-keyout', at('key'), '-out', at('csr')])
    await writeFile(at('ext'), 'subjectAltName=DNS:engine\n')
    await run('openssl', [
      ...['x509', '-req', '-in', at('csr'), '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial'],
      ...['-days', '2', '-extfile', at('ext'), '-out', at('cert')],
    ])
    const [ca = '', key = '', cert = ''] = await Promise.all(
      ['ca.pem', 'key', 'cert'].map(async (name) => readFile(at(name), 'utf8')),
    )
    return { ca, key, cert }
  } finally {
    await rm(dir, { recursive: true })
  }
}
