/** Connections through a proxy, as an agent of Node's http: a tunnel for https, the whole URL in the request for http. */
import type { Agent } from 'node:http'
import { HttpProxyAgent } from 'http-proxy-agent'
import { HttpsProxyAgent } from 'https-proxy-agent'
import { authorizationOf } from './credentials.js'

export interface ProxyConnection {
  readonly url: URL
  readonly proxy: URL
  /** Ends what is still being connected, too. */
  readonly signal: AbortSignal
  /**
   * The proxy has refused the tunnel. Its answer must not be taken for the server's: it comes from before TLS, and
   * anybody on the way may have written it.
   */
  readonly onRefusal: (status: number) => void
}

/** For one request. */
export function createProxyAgent({ url, proxy, signal, onRefusal }: ProxyConnection): Agent {
  const authorization = authorizationOf(proxy)
  const options = { signal, ...(authorization && { headers: { 'Proxy-Authorization': authorization } }) }
  const bare = new URL(proxy)
  bare.username = bare.password = '' // the agents may print the URL
  if (url.protocol === 'http:') return new HttpProxyAgent(bare, options)
  const agent = new HttpsProxyAgent(bare, options)
  agent.on('proxyConnect', ({ statusCode }: { readonly statusCode: number }) => {
    if (statusCode !== 200) onRefusal(statusCode)
  })
  return agent
}
