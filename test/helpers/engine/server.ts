/**
 * A stand-in for an oVirt engine, which cannot run where tests run: an HTTPS server with the strict API of api.ts. It goes
 * away, hangs and refuses on demand.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { EngineApi, type ApiOptions, type ApiResponse } from './api.js'
import type { EngineCertificate } from './certificate.js'
import { EngineModel, type EngineData } from './model.js'

export interface Failure {
  /** Of `METHOD TARGET`; default: every request. */
  readonly on?: RegExp
  /** Requests that go well first; default 0. */
  readonly after?: number
  /** Requests that fail then; default: all. */
  readonly times?: number
  /** `drop`: the connection breaks before anything is done; `lost`: after it was done; a number: that HTTP status. */
  readonly how: 'drop' | 'lost' | 'hang' | number
}

export interface StandInOptions extends Omit<ApiOptions, 'ca'> {
  readonly certificate: EngineCertificate
  /** Default: that of `certificate`; undefined: none is given away. */
  readonly ca?: string | undefined
  /** How often a passing state is seen; default 2. */
  readonly looksPerState?: number
  /** Default 127.0.0.1. */
  readonly address?: string
  /** Default: a free one. */
  readonly port?: number
  /** Told after every request. */
  readonly onChange?: (data: EngineData, violations: readonly string[]) => void
}

export interface StandInEngine extends AsyncDisposable {
  /** `https://127.0.0.1:PORT/ovirt-engine`. */
  readonly url: string
  readonly data: EngineData
  readonly api: EngineApi
  /** `METHOD TARGET` of all so far. */
  readonly requests: readonly string[]
  /** From now on; failures of before hold as well. */
  fail(failure: Failure): void
  /** Nothing fails any more. */
  mend(): void
  /** Connections are refused, and sessions are lost, until it comes back at the same port. */
  goAway(): Promise<void>
  comeBack(): Promise<void>
}

export async function startEngine(data: EngineData, options: StandInOptions): Promise<StandInEngine> {
  const { certificate, address = '127.0.0.1', looksPerState } = options
  const ca = 'ca' in options ? options.ca : certificate.ca
  const api = new EngineApi(new EngineModel(data, looksPerState), { ...options, ca })
  const requests: string[] = []
  const failures: { readonly failure: Failure; met: number }[] = []
  const sockets = new Set<Socket>()
  let server: Server | undefined
  let port = options.port ?? 0

  const failureOf = (request: string): Failure['how'] | undefined => {
    for (const entry of failures) {
      const { on, after = 0, times = Infinity, how } = entry.failure
      if (on !== undefined && !on.test(request)) continue
      entry.met++
      if (entry.met > after && entry.met <= after + times) return how
    }
    return undefined
  }
  const onRequest = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url: target = '', headers } = request
    requests.push(`${method} ${target}`)
    let body = ''
    for await (const piece of request) body += String(piece)
    const how = failureOf(`${method} ${target}`)
    if (how === 'hang') return
    if (how === 'drop') return void request.socket.destroy()
    if (typeof how === 'number') return send(response, faultOf(how))
    const answer = api.answer({ method, target, headers, body })
    options.onChange?.(data, api.violations)
    if (how === 'lost') return void request.socket.destroy()
    send(response, answer)
  }
  const comeBack = async (): Promise<void> => {
    if (server !== undefined) return
    const { key, cert } = certificate
    const listening = createServer({ key, cert }, (request, response) => {
      onRequest(request, response).catch(() => request.socket.destroy()) // its client has gone
    })
    listening.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => sockets.delete(socket))
    })
    listening.on('tlsClientError', () => undefined) // clients that do not trust it go away
    await new Promise<void>((resolve, reject) => {
      listening.on('error', reject)
      listening.listen(port, address, resolve)
    })
    port = (listening.address() as AddressInfo).port // it listens on TCP
    server = listening
  }
  const goAway = async (): Promise<void> => {
    const closing = server
    server = undefined
    if (closing === undefined) return
    api.endSessions()
    const closed = new Promise<void>((resolve) => closing.close(() => resolve()))
    for (const socket of sockets) socket.destroy()
    await closed
  }

  await comeBack()
  return {
    url: `https://${address}:${port}/ovirt-engine`,
    data,
    api,
    requests,
    fail: (failure) => void failures.push({ failure, met: 0 }),
    mend: () => void failures.splice(0),
    goAway,
    comeBack,
    [Symbol.asyncDispose]: goAway,
  }
}

function faultOf(status: number): ApiResponse {
  const fault = { reason: 'Operation Failed', detail: `[The stand-in was told to answer with ${status}.]` }
  return { status, contentType: 'application/json', body: JSON.stringify(fault) }
}

function send(response: ServerResponse, { status, contentType, body }: ApiResponse): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }).end(body)
}
