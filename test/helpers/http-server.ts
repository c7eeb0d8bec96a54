/** Real servers, on loopback unless told otherwise, for one test each: of programmed answers, of a directory, or of raw bytes. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { afterEach } from '@jest/globals'

export interface HttpServer {
  /** `http://127.0.0.1:PORT`, no slash at the end, or with the address that was given. */
  readonly url: string
  readonly port: number
  /** What was asked for so far. */
  readonly requests: readonly ReceivedRequest[]
  /** How many connections there have been. */
  connections(): number
  /** Resolves when none is open. */
  idle(): Promise<void>
  /** Ends at once, with all connections; later ones are refused. */
  close(): Promise<void>
}

export interface ReceivedRequest {
  readonly method: string
  /** As in the request line. */
  readonly target: string
  readonly headers: IncomingHttpHeaders
}

export interface TlsIdentity {
  readonly key: string
  readonly cert: string
}

export interface HttpServers {
  /** Gives each request to `answer`. */
  http(answer: RequestListener, options?: { readonly tls?: TlsIdentity; readonly host?: string }): Promise<HttpServer>
  /** Gives each connection, with the first bytes that came, to `answer`: for what is no HTTP. */
  tcp(answer: (socket: Socket, head: string) => void): Promise<HttpServer>
}

/** Call at the top of a test file; the servers of a test end with it. */
export function useHttpServers(): HttpServers {
  const open: HttpServer[] = []
  afterEach(async () => {
    for (const server of open.splice(0)) await server.close()
  })
  const opened = (server: HttpServer): HttpServer => {
    open.push(server)
    return server
  }
  return {
    async http(answer, { tls, host } = {}) {
      const requests: ReceivedRequest[] = []
      const listener: RequestListener = (request, response) => {
        const { method = '', url: target = '', headers } = request
        requests.push({ method, target, headers })
        answer(request, response)
      }
      const server = tls === undefined ? createServer(listener) : createTlsServer({ ...tls }, listener)
      return opened(await listen(server, { scheme: tls === undefined ? 'http' : 'https', host }, requests))
    },
    async tcp(answer) {
      const server = createTcpServer((socket) => {
        socket.once('data', (head: Buffer) => answer(socket, head.toString('latin1')))
      })
      return opened(await listen(server, {}, []))
    },
  }
}

async function listen(
  server: Server,
  { scheme = 'http', host = '127.0.0.1' }: { readonly scheme?: string; readonly host?: string | undefined },
  requests: readonly ReceivedRequest[],
): Promise<HttpServer> {
  const sockets = new Set<Socket>()
  let connections = 0
  let onIdle = (): void => undefined
  server.on('connection', (socket: Socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => undefined) // clients go away in the middle
    socket.on('close', () => {
      sockets.delete(socket)
      if (sockets.size === 0) onIdle()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const { port } = server.address() as AddressInfo // it listens on TCP
  return {
    url: `${scheme}://${host}:${port}`,
    port,
    requests,
    connections: () => connections,
    async idle() {
      if (sockets.size > 0) await new Promise<void>((resolve) => (onIdle = resolve))
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** The first request gets the first answer, and so on; the last answer stands for all that follow. */
export function inTurn(...answers: readonly RequestListener[]): RequestListener {
  let next = 0
  return (request, response) => {
    answers[Math.min(next++, answers.length - 1)]?.(request, response)
  }
}

/**
 * The files of a directory, as web servers serve them: ETag and Last-Modified, `If-None-Match`, `If-Range` and single
 * ranges with an open end; 404 for what is not there.
 */
export function serveDir(dir: string): RequestListener {
  return (request, response) => {
    const filePath = path.join(dir, decodeURIComponent(new URL(request.url ?? '/', 'http://host').pathname))
    stat(filePath).then(
      async ({ size, mtime }) => {
        const validators = { etag: `"${mtime.getTime()}-${size}"`, 'last-modified': mtime.toUTCString() }
        if (request.headers['if-none-match'] === validators.etag) return response.writeHead(304, validators).end()
        const from = firstByteOf(request.headers, Object.values(validators))
        const range = from === undefined ? {} : { 'content-range': `bytes ${from}-${size - 1}/${size}` }
        response.writeHead(from === undefined ? 200 : 206, {
          ...validators,
          ...range,
          'content-length': size - (from ?? 0),
        })
        return pipeline(createReadStream(filePath, { start: from ?? 0 }), response).catch(() => undefined) // it has gone
      },
      () => response.writeHead(404).end(),
    )
  }
}

function firstByteOf(headers: IncomingHttpHeaders, validators: readonly string[]): number | undefined {
  const [, from] = /^bytes=(\d+)-$/.exec(headers.range ?? '') ?? []
  const ifRange = headers['if-range']
  const isCurrent = ifRange === undefined || validators.includes(String(ifRange))
  return from === undefined || !isCurrent ? undefined : Number(from)
}
