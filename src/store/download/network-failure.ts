/** What went wrong below HTTP, in words: names, connections, TLS, and answers that are no HTTP. */
import type { IncomingMessage } from 'node:http'
import { types } from 'node:util'
import { messageOf } from '../../base/errors.js'
import { plainLine } from '../../base/plain-text.js'
import { DownloadFailure } from './failure.js'
import { hostOf, plainUrl } from './plain-url.js'

export interface Peer {
  readonly url: URL
  readonly proxy: URL | undefined
}

/** Of anything that a stream of got throws; `response` is its answer, if there was one. */
export function networkFailure(error: unknown, peer: Peer, response: IncomingMessage | undefined): DownloadFailure {
  const cause = causeOf(error)
  if (cause instanceof DownloadFailure) return cause // what the stream was destroyed with
  const code = codeOf(cause)
  if (code.startsWith('HPE_') && response?.complete === true) return sentTooMuch(peer, response)
  return (
    NETWORK_FAILURES.find(({ codes }) => codes.test(code))?.failure(peer, cause) ??
    connectionFailure(`the connection to ${placeOf(peer)} failed: ${plainLine(messageOf(cause))}`, cause)
  )
}

/** What the connection is made to: the server, or the proxy on the way. */
export function placeOf({ url, proxy }: Peer): string {
  return proxy === undefined ? url.host : `the proxy ${plainUrl(proxy)}`
}

const CONNECTION_HINT = 'check that the server is up, and host and port of the URL'
export const TIMEOUT_HINT = 'try again later; check the network, and the proxy if there is one'
const HOST_HINT = 'check the name, and the network and the name server of this host'

interface NetworkFailure {
  readonly codes: RegExp
  failure(peer: Peer, cause: unknown): DownloadFailure
}

const NETWORK_FAILURES: readonly NetworkFailure[] = [
  {
    codes: /^ENOTFOUND$/, // the name server has answered: there is none
    failure: (peer, cause) =>
      new DownloadFailure('host', `the host ${nameOf(peer)} is not known`, { hint: HOST_HINT, isFinal: true, cause }),
  },
  {
    codes: /^EAI_/,
    failure: (peer, cause) =>
      new DownloadFailure('host', `the name ${nameOf(peer)} could not be looked up`, { hint: HOST_HINT, cause }),
  },
  {
    codes: /^ECONNREFUSED$/,
    failure: (peer, cause) => connectionFailure(`${placeOf(peer)} refused the connection`, cause),
  },
  {
    codes: /^E(HOSTUNREACH|NETUNREACH|HOSTDOWN|NETDOWN|ADDRNOTAVAIL|TIMEDOUT)$/,
    failure: (peer, cause) => connectionFailure(`${placeOf(peer)} cannot be reached`, cause),
  },
  {
    codes: /^(ECONNRESET|ECONNABORTED|EPIPE|ERR_STREAM_PREMATURE_CLOSE)$/,
    failure: (peer, cause) => connectionFailure(`the connection to ${placeOf(peer)} broke`, cause),
  },
  {
    codes: /^(EPROTO$|ERR_TLS_|ERR_SSL_|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH$|INVALID_)/,
    failure: (peer, cause) =>
      new DownloadFailure('tls', `TLS with ${peer.url.host}${wayTo(peer)} failed: ${tlsReason(cause)}`, {
        hint: 'if its certificate is of an authority of your own, name its file in NODE_EXTRA_CA_CERTS',
        isFinal: true,
        cause,
      }),
  },
  {
    codes: /^HPE_/,
    failure: (peer, cause) =>
      connectionFailure(`the answer of ${placeOf(peer)} is not HTTP: ${plainLine(messageOf(cause))}`, cause),
  },
]

function connectionFailure(message: string, cause: unknown): DownloadFailure {
  return new DownloadFailure('connection', message, { hint: CONNECTION_HINT, cause })
}

/** Node's parser reads on behind the end of an answer, and finds no head of a next one there. */
function sentTooMuch(peer: Peer, { headers }: IncomingMessage): DownloadFailure {
  const said = headers['content-length'] === undefined ? 'what' : `the ${headers['content-length']} bytes that`
  return new DownloadFailure('size', `${placeOf(peer)} sent more than ${said} it had said`, {
    hint: 'the server is at fault; ask whoever runs it',
    isFinal: true,
  })
}

function nameOf({ url, proxy }: Peer): string {
  return proxy === undefined ? hostOf(url) : `${hostOf(proxy)} of the proxy`
}

/** An https proxy has a certificate of its own. */
function wayTo({ proxy }: Peer): string {
  return proxy === undefined ? '' : ` through the proxy ${plainUrl(proxy)}`
}

/** OpenSSL's messages have the reason in the midst of places in its source; Node >= 24 adds advice for its command line. */
function tlsReason(cause: unknown): string {
  const message = plainLine(messageOf(cause)).replace(/; if the root CA .*$/, '')
  return /:SSL routines:[^:]*:([^:]+)/.exec(message)?.[1] ?? message
}

/** got wraps what it met, with all options of the request, secret ones too; those go no further. */
function causeOf(error: unknown): unknown {
  return types.isNativeError(error) && error.cause !== undefined ? error.cause : error
}

/** Empty when it has none. */
function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
}
