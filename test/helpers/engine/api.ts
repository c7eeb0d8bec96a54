/**
 * The REST API of a stand-in engine: the resources that the public API of oVirt documents, as far as Lago needs them, and
 * not a word more. What is not documented, a path, a field, a header's value, is a violation: it is noted, answered
 * with HTTP status 400, and fails the test.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { XMLParser } from 'fast-xml-parser'
import { element, renderXml, type XmlElement } from '../../../src/base/xml.js'
import { Conflict, type EngineModel, type Stateful } from './model.js'

export interface ApiRequest {
  readonly method: string
  /** As in the request line. */
  readonly target: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface ApiResponse {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

export interface ApiOptions {
  /** Of the authority that signed the server's certificate; undefined: it is not given. */
  readonly ca: string | undefined
  /** Default: both. */
  readonly formats?: 'xml'
  /** Default true; false: passwords only. */
  readonly sso?: boolean
}

const BASE = '/ovirt-engine'

type Entity = Readonly<Record<string, unknown>>

class Violation extends Error {}

/** Not let in. */
class Stranger extends Error {}

class NotFound extends Error {}

export class EngineApi {
  readonly violations: string[] = []
  readonly #model: EngineModel
  readonly #options: ApiOptions
  readonly #tokens = new Set<string>()
  #tokensGiven = 0

  constructor(model: EngineModel, options: ApiOptions) {
    this.#model = model
    this.#options = options
  }

  /** Sessions that have not been ended. */
  get openSessions(): number {
    return this.#tokens.size
  }

  get tokensGiven(): number {
    return this.#tokensGiven
  }

  /** As an engine does it that was restarted. */
  endSessions(): void {
    this.#tokens.clear()
  }

  answer(request: ApiRequest): ApiResponse {
    try {
      return this.#route(request)
    } catch (error) {
      if (error instanceof Violation) {
        this.violations.push(`${request.method} ${request.target}: ${error.message}`)
        return this.#fault(request, 400, 'Bad Request', error.message)
      }
      if (error instanceof Conflict) return this.#fault(request, 409, 'Operation Failed', error.message)
      if (error instanceof NotFound) return this.#fault(request, 404, 'Not Found', error.message)
      if (error instanceof Stranger) return { status: 401, contentType: 'text/html', body: '<html>Unauthorized</html>' }
      throw error
    }
  }

  #route(request: ApiRequest): ApiResponse {
    const url = new URL(request.target, 'https://engine')
    const { pathname } = url
    if (pathname === `${BASE}/services/pki-resource`) return this.#authority(request, url)
    if (pathname === `${BASE}/sso/oauth/token`) return this.#signOn(request)
    if (pathname === `${BASE}/services/sso-logout`) return this.#signOff(request)
    if (pathname !== `${BASE}/api` && !pathname.startsWith(`${BASE}/api/`)) throw new Violation('no such path')
    if (url.search !== '') throw new Violation(`no query is documented here: ${url.search}`)
    if (request.headers.version !== '4') throw new Violation('the header Version has to be 4')
    this.#requireLetIn(request)
    const path = pathname
      .slice(`${BASE}/api`.length)
      .split('/')
      .filter((part) => part !== '')
    if (request.method === 'GET') return this.#respond(request, ...this.#resource(path))
    if (request.method === 'POST')
      return this.#respond(request, 'action', this.#act(path, this.#bodyOf(request, 'action')))
    if (request.method === 'PUT')
      return this.#respond(request, 'cluster', this.#put(path, this.#bodyOf(request, 'cluster')))
    throw new Violation('no such method')
  }

  #authority({ method }: ApiRequest, url: URL): ApiResponse {
    if (method !== 'GET') throw new Violation('no such method')
    const { resource, format, ...others } = Object.fromEntries(url.searchParams)
    if (resource !== 'ca-certificate' || format !== 'X509-PEM-CA' || Object.keys(others).length > 0)
      throw new Violation(`no such resource: ${url.search}`)
    const { ca } = this.#options
    if (ca === undefined) return { status: 404, contentType: 'text/html', body: '' }
    return { status: 200, contentType: 'application/x-x509-ca-cert', body: ca }
  }

  #signOn(request: ApiRequest): ApiResponse {
    if (this.#options.sso === false) return { status: 404, contentType: 'text/html', body: '' }
    const values = formOf(request, ['grant_type', 'scope', 'username', 'password'])
    if (values['grant_type'] !== 'password' || values['scope'] !== 'ovirt-app-api')
      throw new Violation('the grant has to be a password, the scope ovirt-app-api')
    const { user, password } = this.#model.data
    if (values['username'] !== user || values['password'] !== password)
      return json(400, { error: 'access_denied', error_code: 'access_denied' })
    const token = `token-${++this.#tokensGiven}-of-the-stand-in`
    this.#tokens.add(token)
    return json(200, { access_token: token, scope: 'ovirt-app-api', token_type: 'bearer', exp: '9223372036854775807' })
  }

  #signOff(request: ApiRequest): ApiResponse {
    const { token = '' } = formOf(request, ['scope', 'token'])
    if (!this.#tokens.delete(token)) return json(400, { error: 'invalid_grant' })
    return json(200, {})
  }

  #requireLetIn({ headers }: ApiRequest): void {
    const [kind, secret = ''] = (headers.authorization ?? '').split(' ')
    if (kind === 'Bearer' && this.#tokens.has(secret)) return
    const { user, password } = this.#model.data
    if (kind === 'Basic' && Buffer.from(secret, 'base64').toString() === `${user}:${password}`) return
    throw new Stranger()
  }

  #resource(path: readonly string[]): [string, Entity] {
    const { data } = this.#model
    const [list, id, below, domainId, ...rest] = path
    if (rest.length > 0) throw new Violation('no such path')
    if (list === undefined) return ['api', this.#root()]
    if (list === 'datacenters' && below === 'storagedomains') {
      const attached = data.storageDomains.filter(({ dataCenter }) => dataCenter === found(data.dataCenters, id).id)
      if (domainId !== undefined) return ['storage_domain', this.#domain(looked(this.#model, attached, domainId))]
      return ['storage_domains', listed('storage_domain', seen(this.#model, attached).map(this.#domain))]
    }
    if (below !== undefined) throw new Violation('no such path')
    switch (list) {
      case 'hosts':
        if (id !== undefined) return ['host', this.#host(looked(this.#model, data.hosts, id))]
        return ['hosts', listed('host', seen(this.#model, data.hosts).map(this.#host))]
      case 'vms':
        if (id !== undefined) return ['vm', this.#vm(looked(this.#model, data.vms, id))]
        return ['vms', listed('vm', seen(this.#model, data.vms).map(this.#vm))]
      case 'clusters':
        if (id !== undefined) return ['cluster', this.#cluster(found(data.clusters, id))]
        return ['clusters', listed('cluster', data.clusters.map(this.#cluster))]
      case 'datacenters':
        if (id !== undefined) return ['data_center', named('datacenters', found(data.dataCenters, id))]
        return [
          'data_centers',
          listed(
            'data_center',
            data.dataCenters.map((one) => named('datacenters', one)),
          ),
        ]
      case 'storagedomains': {
        const apart = (domain: (typeof data.storageDomains)[number]): Entity => ({
          ...named('storagedomains', domain),
          type: domain.type,
          master: String(domain.master),
          ...(domain.dataCenter === undefined ? { status: 'unattached' } : {}),
        })
        if (id !== undefined) return ['storage_domain', apart(found(data.storageDomains, id))]
        return ['storage_domains', listed('storage_domain', data.storageDomains.map(apart))]
      }
      case 'users':
        if (id !== undefined) return ['user', named('users', found(data.users, id))]
        return [
          'users',
          listed(
            'user',
            data.users.map((user) => named('users', user)),
          ),
        ]
      default:
        throw new Violation('no such path')
    }
  }

  #act(path: readonly string[], body: Entity): Entity {
    const { data } = this.#model
    const [list, id, third, domainId, fifth, ...rest] = path
    if (rest.length > 0) throw new Violation('no such path')
    if (list === 'datacenters' && third === 'storagedomains') {
      const attached = data.storageDomains.filter(({ dataCenter }) => dataCenter === found(data.dataCenters, id).id)
      this.#actOn(fifth, body, found(attached, domainId), {
        activate: { fields: ['async'], run: (domain) => this.#model.activateDomain(domain) },
        deactivate: { fields: ['async', 'force'], run: (domain) => this.#model.deactivateDomain(domain) },
      })
    } else if (domainId !== undefined) throw new Violation('no such path')
    else if (list === 'hosts')
      this.#actOn(third, body, found(data.hosts, id), {
        activate: { fields: ['async'], run: (host) => this.#model.activateHost(host) },
        deactivate: {
          fields: ['async', 'reason', 'stop_gluster_service'],
          run: (host) => this.#model.deactivateHost(host),
        },
      })
    else if (list === 'vms')
      this.#actOn(third, body, found(data.vms, id), {
        start: {
          fields: ['async', 'filter', 'pause', 'use_cloud_init', 'use_sysprep', 'vm', 'volatile'],
          run: (vm) => this.#model.startVm(vm),
        },
        stop: { fields: ['async', 'force', 'reason'], run: (vm) => this.#model.endVm(vm, 'stop') },
        shutdown: { fields: ['async', 'force', 'reason'], run: (vm) => this.#model.endVm(vm, 'shutdown') },
      })
    else throw new Violation('no such path')
    return { status: 'complete' }
  }

  #actOn<T>(
    name: string | undefined,
    body: Entity,
    resource: T,
    actions: Readonly<Record<string, { readonly fields: readonly string[]; run(resource: T): void }>>,
  ): void {
    const action = Object.entries(actions).find(([known]) => known === name)?.[1]
    if (action === undefined) throw new Violation(`no such action: ${name ?? ''}`)
    requireFields(body, action.fields)
    action.run(resource)
  }

  #put([list, id, ...rest]: readonly string[], body: Entity): Entity {
    if (list !== 'clusters' || id === undefined || rest.length > 0) throw new Violation('nothing can be changed there')
    const cluster = found(this.#model.data.clusters, id)
    requireFields(body, ['name', 'description', 'comment', 'cpu'])
    const { cpu } = body
    if (typeof cpu === 'object' && cpu !== null) {
      requireFields(cpu as Entity, ['type', 'architecture'])
      const { type } = cpu as Entity
      if (typeof type !== 'string' || !/^(Intel|AMD|IBM|Secure Intel) \S/.test(type))
        throw new Violation(`no type of CPU: ${JSON.stringify(type)}`)
      cluster.cpuType = type
    }
    return this.#cluster(cluster)
  }

  #root(): Entity {
    const { version, hosts, storageDomains, users, vms } = this.#model.data
    const [, major = '', minor = '', build = '', revision = ''] = /^(\d+)\.(\d+)\.(\d+)(?:\.(\d+))?/.exec(version) ?? []
    const count = (items: readonly unknown[], active: readonly unknown[]): Entity => ({
      active: String(active.length),
      total: String(items.length),
    })
    const inState = <T extends Stateful>(items: readonly T[], state: string): T[] =>
      items.filter(({ status }) => status === state)
    return {
      product_info: {
        name: 'oVirt Engine',
        vendor: 'ovirt.org',
        version: { major, minor, build, revision: revision || '0', full_version: version },
      },
      summary: {
        hosts: count(hosts, inState(hosts, 'up')),
        storage_domains: count(storageDomains, inState(storageDomains, 'active')),
        users: count(users, users),
        vms: count(vms, inState(vms, 'up')),
      },
    }
  }

  readonly #host = (host: EngineModel['data']['hosts'][number]): Entity => ({
    ...named('hosts', host),
    status: host.status,
    type: 'rhel',
    cluster: { id: host.cluster, href: `${BASE}/api/clusters/${host.cluster}` },
  })

  readonly #vm = (vm: Stateful): Entity => ({ ...named('vms', vm), status: vm.status, type: 'server' })

  readonly #domain = (domain: EngineModel['data']['storageDomains'][number]): Entity => ({
    ...named(`datacenters/${domain.dataCenter ?? ''}/storagedomains`, domain),
    status: domain.status,
    type: domain.type,
    master: String(domain.master),
  })

  readonly #cluster = (cluster: EngineModel['data']['clusters'][number]): Entity => ({
    ...named('clusters', cluster),
    ...(cluster.cpuType === undefined ? {} : { cpu: { architecture: 'x86_64', type: cluster.cpuType } }),
    data_center: { id: cluster.dataCenter, href: `${BASE}/api/datacenters/${cluster.dataCenter}` },
  })

  #bodyOf({ headers, body }: ApiRequest, root: string): Entity {
    const [type] = (headers['content-type'] ?? '').split(';')
    if (type === 'application/json' && this.#options.formats !== 'xml') return JSON.parse(body) as Entity
    if (type !== 'application/xml') throw new Violation(`a body of type ${type || 'unknown'}`)
    const parsed = new XMLParser({ parseTagValue: false }).parse(body) as Entity
    const [name, ...others] = Object.keys(parsed)
    if (name !== root || others.length > 0) throw new Violation(`a body of ${name ?? 'nothing'}, not ${root}`)
    const content = parsed[root]
    return content === '' ? {} : (content as Entity)
  }

  #respond(request: ApiRequest, root: string, value: Entity, status = 200): ApiResponse {
    const accepted = (request.headers.accept ?? '*/*').split(',').map((part) => part.split(';')[0]?.trim())
    const wantsJson = accepted.includes('application/json') && this.#options.formats !== 'xml'
    if (wantsJson) return json(status, value)
    if (!accepted.some((type) => ['application/xml', '*/*'].includes(type ?? '')))
      return { status: 406, contentType: 'text/html', body: '' }
    return { status, contentType: 'application/xml;charset=UTF-8', body: renderXml(toXml(root, value)) }
  }

  #fault(request: ApiRequest, status: number, reason: string, detail: string): ApiResponse {
    return this.#respond(request, 'fault', { reason, detail }, status)
  }
}

function json(status: number, value: Entity): ApiResponse {
  return { status, contentType: 'application/json', body: JSON.stringify(value) }
}

function toXml(name: string, value: unknown): XmlElement {
  if (typeof value !== 'object' || value === null) return element(name, {}, String(value))
  const entries = Object.entries(value)
  const attributes = Object.fromEntries(
    entries.filter(([key]) => ['id', 'href'].includes(key)).map(([k, v]) => [k, String(v)]),
  )
  const children = entries
    .filter(([key]) => !['id', 'href'].includes(key))
    .flatMap(([key, part]) => (Array.isArray(part) ? part.map((item) => toXml(key, item)) : [toXml(key, part)]))
  return element(name, attributes, children)
}

function formOf({ method, headers, body }: ApiRequest, known: readonly string[]): Record<string, string> {
  if (method !== 'POST') throw new Violation('no such method')
  if (headers['content-type'] !== 'application/x-www-form-urlencoded') throw new Violation('not a form')
  const values = Object.fromEntries(new URLSearchParams(body))
  requireFields(values, known)
  return values
}

function requireFields(body: Entity, known: readonly string[]): void {
  const unknown = Object.keys(body).filter((field) => !known.includes(field))
  if (unknown.length > 0) throw new Violation(`unknown fields: ${unknown.join(', ')}`)
}

function named(list: string, { id, name }: { readonly id: string; readonly name: string }): Entity {
  return { id, href: `${BASE}/api/${list}/${id}`, name }
}

/** An engine leaves out what is empty. */
function listed(name: string, items: readonly Entity[]): Entity {
  return items.length === 0 ? {} : { [name]: items }
}

function found<T extends { readonly id: string }>(items: readonly T[], id: string | undefined): T {
  const item = items.find((item) => item.id === id)
  if (item === undefined) throw new NotFound(`Entity not found: ${id ?? ''}`)
  return item
}

function looked<T extends Stateful>(model: EngineModel, items: readonly T[], id: string): T {
  const item = found(items, id)
  model.look(item)
  return item
}

function seen<T extends Stateful>(model: EngineModel, items: readonly T[]): readonly T[] {
  for (const item of items) model.look(item)
  return items
}
