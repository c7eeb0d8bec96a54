/** One HTTPS request to an engine and its answer, within a limit; what fails below HTTP is put into words. */
import { request as httpsRequest } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { LagoError, messageOf } from '../base/errors.js'
import { plainLine } from '../base/plain-text.js'
import type { Task } from '../base/task.js'

export interface Endpoint {
  /** `https://192.168.200.2/ovirt-engine`, no slash at the end. */
  readonly url: string
  /** Who must have signed the engine's certificate, as PEM; undefined: anybody. */
  readonly ca: string | undefined
  /** For one request, until its answer is complete. */
  readonly requestTimeoutMs: number
}

export interface EngineRequest {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** Below the endpoint's URL, with a slash in front. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface EngineResponse {
  readonly status: number
  /** Without parameters, in lower case: `application/json`. */
  readonly contentType: string
  readonly body: string
}

/** More than any list of a test environment has; the engine is a guest, and is not to be trusted. */
const MOST_BYTES = 16 * 1024 ** 2

/**
 * Any status is an answer. Throws `LAGO_ENGINE_UNREACHABLE` when there is none, `LAGO_ENGINE_CERTIFICATE` when it is not
 * the engine that answers. Each request has a connection of its own: an engine that is restarted leaves none behind that
 * only looks alive.
 */
export async function exchange(
  task: Pick<Task, 'signal'>,
  endpoint: Endpoint,
  request: EngineRequest,
): Promise<EngineResponse> {
  const { url, requestTimeoutMs } = endpoint
  const limit = AbortSignal.timeout(requestTimeoutMs)
  try {
    return await send(endpoint, request, AbortSignal.any([task.signal, limit]))
  } catch (error) {
    task.signal.throwIfAborted()
    if (limit.aborted) throw unreachable(url, `no answer within ${requestTimeoutMs / 1000} s`, error)
    throw asFailure(url, error)
  }
}

async function send(endpoint: Endpoint, request: EngineRequest, signal: AbortSignal): Promise<EngineResponse> {
  const { body = '' } = request
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(
      `${endpoint.url}${request.path}`,
      {
        method: request.method,
        headers: { ...request.headers, ...(body === '' ? {} : { 'content-length': Buffer.byteLength(body) }) },
        agent: false,
        signal,
        rejectUnauthorized: endpoint.ca !== undefined,
        ...(endpoint.ca === undefined ? {} : { ca: endpoint.ca }),
        // it is reached by its address, and its certificate is for its name; the authority is of this one engine
        checkServerIdentity: () => undefined,
      },
      (response) => void readBody(response).then(resolve, reject),
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

async function readBody(response: IncomingMessage): Promise<EngineResponse> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of response as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (bytes > MOST_BYTES)
      throw new LagoError('LAGO_ENGINE_ANSWER', `an answer of the engine is longer than ${MOST_BYTES} bytes`)
    pieces.push(piece)
  }
  const [contentType = ''] = (response.headers['content-type'] ?? '').split(';')
  return {
    status: response.statusCode ?? 0,
    contentType: contentType.trim().toLowerCase(),
    body: Buffer.concat(pieces).toString('utf8'),
  }
}

/** OpenSSL's reasons for not believing a certificate, as Node names them. */
const CERTIFICATE_CODES =
  /^(CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH)/

function asFailure(url: string, error: unknown): LagoError {
  if (error instanceof LagoError) return error
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
  const reason = plainLine(messageOf(error))
  if (!CERTIFICATE_CODES.test(code))
    return unreachable(url, code === 'ECONNRESET' ? 'the connection broke' : reason, error)
  return new LagoError('LAGO_ENGINE_CERTIFICATE', `what answers at ${url} is not the known engine: ${reason}`, {
    data: { url, reason },
    cause: error,
  })
}

export function unreachable(url: string, reason: string, cause?: unknown): LagoError {
  return new LagoError('LAGO_ENGINE_UNREACHABLE', `the engine at ${url} cannot be reached: ${reason}`, {
    hint: 'is its VM up (lago status), and the service ovirt-engine active in it?',
    data: { url, reason },
    cause,
  })
}
