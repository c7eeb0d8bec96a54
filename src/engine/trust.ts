/** Whether it is the engine that answers: trust on first use, a file of the user's, or none at all. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isLagoError, isSystemError, LagoError, messageOf } from '../base/errors.js'
import { writeFileAtomic } from '../base/files.js'
import type { Task } from '../base/task.js'
import { exchange, unreachable, type Endpoint } from './exchange.js'
import type { Trust } from './types.js'

/** Where an engine gives the certificate of its own authority to everybody (oVirt, "PKI resources"). */
const CA_PATH = '/services/pki-resource?resource=ca-certificate&format=X509-PEM-CA'

/**
 * The endpoint with the authority that its certificate must be of.
 *
 * At the first meeting the engine is asked for its authority, which has to have signed the very certificate that it
 * shows, and is kept. Throws `LAGO_ENGINE_CERTIFICATE`, `LAGO_ENGINE_UNREACHABLE`, `LAGO_FILE` for a file that is not there.
 */
export async function trusted(task: Task, endpoint: Endpoint, trust: Trust): Promise<Endpoint> {
  switch (trust.kind) {
    case 'insecure':
      task.log('warning', `the certificate of ${endpoint.url} is not checked: anybody could answer there (--insecure)`)
      return { ...endpoint, ca: undefined }
    case 'ca-file':
      return { ...endpoint, ca: await readAuthority(trust.caPath) }
    case 'pinned': {
      const kept = await readKept(trust.caPath)
      return { ...endpoint, ca: kept ?? (await meet(task, endpoint, trust.caPath)) }
    }
  }
}

/** Says how to go on when the certificate is not what was expected. */
export function explainTrust(error: unknown, trust: Trust): unknown {
  if (!isLagoError(error, 'LAGO_ENGINE_CERTIFICATE') || error.hint !== undefined || trust.kind === 'insecure')
    return error
  const hint =
    trust.kind === 'ca-file'
      ? `is ${trust.caPath} the certificate of the authority of this engine?`
      : `if the engine was set up anew, remove ${trust.caPath}, and the next verb meets it anew`
  return new LagoError(error.code, error.message, { hint, data: { ...error.data, caPath: trust.caPath }, cause: error })
}

async function readKept(caPath: string): Promise<string | undefined> {
  return readAuthority(caPath).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  })
}

async function readAuthority(caPath: string): Promise<string> {
  const pem = await readFile(caPath, 'utf8')
  fingerprintOf(pem, caPath)
  return pem
}

async function meet(task: Task, endpoint: Endpoint, caPath: string): Promise<string> {
  const { status, body } = await exchange(task, { ...endpoint, ca: undefined }, { method: 'GET', path: CA_PATH })
  if (status >= 500 || (status === 404 && !(await knowsApi(task, endpoint))))
    throw unreachable(endpoint.url, `it answers with HTTP status ${status}`)
  if (status !== 200)
    throw new LagoError(
      'LAGO_ENGINE_CERTIFICATE',
      `${endpoint.url} does not give the certificate of its authority: HTTP status ${status}`,
      { hint: 'give it with --ca-file, or go without it with --insecure', data: { url: endpoint.url, status } },
    )
  const fingerprint = fingerprintOf(body, endpoint.url)
  // by a second connection: who answers must have a certificate of this authority
  await exchange(task, { ...endpoint, ca: body }, { method: 'GET', path: CA_PATH })
  await writeFileAtomic(caPath, body, { mode: 0o600 })
  task.log('info', `met ${endpoint.url} for the first time; its authority has the SHA-256 fingerprint ${fingerprint}`, {
    caPath,
    fingerprint,
  })
  return body
}

/** A web server that is up before its engine knows none of the engine's pages. */
async function knowsApi(task: Task, endpoint: Endpoint): Promise<boolean> {
  const { status } = await exchange(
    task,
    { ...endpoint, ca: undefined },
    {
      method: 'GET',
      path: '/api',
      headers: { Version: '4', Accept: 'application/json' },
    },
  )
  return status !== 404 && status < 500
}

/** Throws `LAGO_ENGINE_CERTIFICATE` for what is no certificate. */
function fingerprintOf(pem: string, where: string): string {
  try {
    return new X509Certificate(pem).fingerprint256
  } catch (error) {
    throw new LagoError('LAGO_ENGINE_CERTIFICATE', `no certificate in PEM form is in ${where}: ${messageOf(error)}`, {
      hint: 'give the one of its authority with --ca-file, or go without it with --insecure',
      cause: error,
    })
  }
}
