/** Which proxy a URL goes through, by the variables that curl knows (curl(1), "ENVIRONMENT"; libcurl's noproxy rules). */
import { BlockList, isIP } from 'node:net'
import { DownloadFailure } from './failure.js'
import { hostOf, parseUrl } from './plain-url.js'

export type Variables = Readonly<Record<string, string | undefined>>

/**
 * `http_proxy` only in lower case: a CGI program's `HTTP_PROXY` is what its client sent. Then `all_proxy`. Empty is as
 * unset, a value without a scheme is an http proxy.
 * Throws a failure of kind `proxy` that names the variable when it holds no URL, or one of another kind of proxy.
 */
export function proxyFor(url: URL, env: Variables): URL | undefined {
  const names = url.protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy']
  const name = [...names, 'all_proxy', 'ALL_PROXY'].find((name) => env[name])
  if (name === undefined || isExcepted(hostOf(url), env['no_proxy'] || env['NO_PROXY'] || '')) return undefined
  const value = env[name] ?? ''
  const proxy = parseUrl(value.includes('://') ? value : `http://${value}`)
  if (proxy === undefined) throw proxyFailure(name, 'is no URL')
  if (!['http:', 'https:'].includes(proxy.protocol)) throw proxyFailure(name, `names a ${proxy.protocol} proxy`)
  return proxy
}

function proxyFailure(variable: string, found: string): DownloadFailure {
  return new DownloadFailure('proxy', `the variable ${variable} ${found}`, {
    hint: `set ${variable} to http://HOST:PORT or https://HOST:PORT, or except the host with no_proxy`,
    isFinal: true,
  })
}

/** `list`: `*`, or names, addresses and networks, separated by commas or blanks. A name stands for all below it, too. */
function isExcepted(host: string, list: string): boolean {
  const family = isIP(host)
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true
      if (family !== 0) return isInNetwork(host, entry.replace(/^\[|\]$/g, ''))
      const name = entry.replace(/^\.|\.$/g, '')
      return host === name || host.endsWith(`.${name}`)
    })
}

/** `network`: an address, or one with the length of its prefix. */
function isInNetwork(address: string, network: string): boolean {
  const [start = '', bits] = network.split('/')
  const family = isIP(start)
  if (family === 0 || family !== isIP(address)) return false
  const type = family === 4 ? 'ipv4' : 'ipv6'
  const length = bits === undefined ? LENGTHS[type] : Number(bits)
  if (!Number.isInteger(length) || length < 0 || length > LENGTHS[type]) return false
  const list = new BlockList()
  list.addSubnet(start, length, type)
  return list.check(address, type)
}

const LENGTHS = { ipv4: 32, ipv6: 128 } as const
