/** One request and its answer, as they are: no redirects, no retries, no decoding. By got. */
import { once } from 'node:events'
import type { Agent, IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Got, Request } from 'got'
import type { Task } from '../../base/task.js'
import { lagoVersion } from '../../base/version.js'
import { readBody } from './body.js'
import { DownloadFailure } from './failure.js'
import type { DownloadLimits } from './limits.js'
import { networkFailure, placeOf, TIMEOUT_HINT, type Peer } from './network-failure.js'
import type { ProxyConnection } from './proxy-agent.js'

export interface Exchange {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** To be read once. Throws a `DownloadFailure` when it breaks off or falls silent. */
  readonly body: AsyncIterable<Buffer>
  /** Ends the connection when there is still something to come. May be called twice. */
  close(): void
}

export interface ExchangeOptions extends Peer {
  readonly headers: Readonly<Record<string, string>>
}

/** Gives the answer when its head is there. Throws a `DownloadFailure`; the task's abort ends it, its body too. */
export async function exchange(
  task: Task,
  got: Got,
  options: ExchangeOptions,
  limits: DownloadLimits,
): Promise<Exchange> {
  task.signal.throwIfAborted()
  const { url, proxy, headers } = options
  const connecting = new AbortController()
  const onRefusal = (status: number): void => void stream.destroy(refusedTunnel(options, status))
  const agent = proxy && (await loadProxyAgent({ url, proxy, signal: connecting.signal, onRefusal }))
  const stream = got.stream(url, {
    ...PLAIN,
    headers: { 'accept-encoding': 'identity', 'user-agent': `lago/${lagoVersion()}`, ...headers },
    ...(agent && { agent: { http: agent, https: agent as never } }), // got's types ask for Node's own
  })
  stream.on('error', () => undefined) // told to whoever waits for the answer or for the next bytes
  const close = (): void => {
    task.signal.removeEventListener('abort', close)
    connecting.abort()
    stream.destroy()
  }
  task.signal.addEventListener('abort', close)
  try {
    const response = await answerOf(task, stream, options, limits.answerMs)
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: readBody(task, stream, options, limits.silenceMs),
      close,
    }
  } catch (error) {
    close()
    task.signal.throwIfAborted()
    throw networkFailure(error, options, stream.response)
  }
}

/** Few need it, so that few pay for it. */
async function loadProxyAgent(connection: ProxyConnection): Promise<Agent> {
  const { createProxyAgent } = await import('./proxy-agent.js')
  return createProxyAgent(connection)
}

/** What got would do by itself is done elsewhere: a redirect must not take a password along, and bytes stay as they are. */
const PLAIN = {
  followRedirect: false,
  throwHttpErrors: false,
  decompress: false,
  retry: { limit: 0 },
} as const

async function answerOf(task: Task, stream: Request, peer: Peer, answerMs: number): Promise<IncomingMessage> {
  const giveUp = (): void => {
    const message = `${lastSeen(stream, peer)} within ${answerMs / 1000} s`
    stream.destroy(new DownloadFailure('timeout', message, { hint: TIMEOUT_HINT }))
  }
  const timer = setTimeout(giveUp, answerMs)
  try {
    const [response] = (await once(stream, 'response', { signal: task.signal })) as [IncomingMessage] // got's event
    return response
  } finally {
    clearTimeout(timer)
  }
}

/** How far a request had come when its time was up. */
function lastSeen({ timings }: Request, peer: Peer): string {
  const place = placeOf(peer)
  if (timings?.upload !== undefined && timings.connect !== undefined)
    return `${place} took the request, but gave no answer`
  if (timings?.connect !== undefined) return `${place} took the connection, but did not agree on TLS`
  if (peer.proxy !== undefined) return `${place} gave no connection`
  return `${place} did not take the connection`
}

function refusedTunnel(peer: Peer, status: number): DownloadFailure {
  const needsUser = status === 407
  return new DownloadFailure('proxy', `${placeOf(peer)} gave no tunnel to ${peer.url.host}: it answered ${status}`, {
    hint: needsUser ? 'put user and password into the URL of the proxy: http://USER:PASSWORD@HOST:PORT' : PROXY_HINT,
    isFinal: status < 500,
    status,
  })
}

const PROXY_HINT = 'check the variable https_proxy, or except the host with no_proxy'
