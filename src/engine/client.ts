/** A session with an engine: its format, its token, and what it refuses, in its own words. */
import { isLagoError, LagoError } from '../base/errors.js'
import { plainLine } from '../base/plain-text.js'
import { keepSecret } from '../base/secrets.js'
import type { Task } from '../base/task.js'
import { unlessAborted } from '../base/unless-aborted.js'
import { waitUntil, type Probe } from '../base/wait.js'
import { element, renderXml, type XmlElement } from '../base/xml.js'
import { optionalTextAt, parseAnswer, partOf, type Entity } from './answer.js'
import { exchange, unreachable, type Endpoint, type EngineRequest, type EngineResponse } from './exchange.js'
import { explainTrust, trusted } from './trust.js'
import type { Engine, EngineOptions } from './types.js'

const DEFAULT_EVERY_MS = 1000
const DEFAULT_REQUEST_MS = 30_000
/** To end a session that nobody needs any more. */
const REVOKE_MS = 5000

/** Of the REST API that is spoken here. */
const API_VERSION = 4

/**
 * Tries until the engine answers and lets us in, which an engine that starts does after a while.
 *
 * Throws `LAGO_ENGINE_UNREACHABLE` after `timeoutMs` with what was last seen; at once `LAGO_ENGINE_AUTH` for a wrong
 * password, `LAGO_ENGINE_CERTIFICATE`, and `LAGO_ENGINE_VERSION` for an engine older than 4.0.
 */
export async function connectEngine(task: Task, options: EngineOptions, timeoutMs: number): Promise<Engine> {
  const { url, everyMs = DEFAULT_EVERY_MS } = options
  keepSecret(options.password)
  const session = new Session(options)
  const what = `an answer of the engine at ${url}`
  let lastSeen = 'no answer'
  const probe = async (task: Task): Promise<Probe<Engine>> => {
    try {
      await session.begin(task)
      return { value: session }
    } catch (error) {
      if (!isOutage(error)) throw error
      lastSeen = outageReason(error)
      return { notYet: lastSeen }
    }
  }
  try {
    return await task.within(timeoutMs + everyMs, what, async (task) =>
      waitUntil(task, what, probe, { timeoutMs, everyMs }),
    )
  } catch (error) {
    if (!isLagoError(error, 'LAGO_TIMEOUT') || task.signal.aborted) throw explainTrust(error, options.trust)
    throw unreachable(
      url,
      `Failed to connect to the engine within ${timeoutMs / 1000} s; last seen: ${lastSeen}`,
      error,
    )
  }
}

/** An engine that is away, or not yet there; it may come back. */
export function isOutage(error: unknown): error is LagoError {
  return isLagoError(error, 'LAGO_ENGINE_UNREACHABLE')
}

export function outageReason(error: LagoError): string {
  return optionalTextAt(error.data, 'reason') ?? error.message
}

/** What a proxy in front of an engine says while that is away. */
const AWAY = [502, 503, 504]

class Session implements Engine {
  readonly url: string
  readonly everyMs: number
  readonly #options: EngineOptions
  #endpoint: Endpoint
  #isTrusted = false
  #format: 'json' | 'xml' = 'json'
  /** Undefined with basic authentication. */
  #token: string | undefined
  #renewing: Promise<void> | undefined

  constructor(options: EngineOptions) {
    this.url = options.url
    this.everyMs = options.everyMs ?? DEFAULT_EVERY_MS
    this.#options = options
    const requestTimeoutMs = options.requestTimeoutMs ?? DEFAULT_REQUEST_MS
    this.#endpoint = { url: options.url, ca: undefined, requestTimeoutMs }
  }

  /** May be called again after it failed. */
  async begin(task: Task): Promise<void> {
    if (!this.#isTrusted) {
      this.#endpoint = await trusted(task, this.#endpoint, this.#options.trust)
      this.#isTrusted = true
    }
    await this.#authenticate(task)
    const response = await this.#send(task, { method: 'GET', path: '/api' })
    // a web server that is up before its engine knows none of the engine's pages
    if (response.status === 404) throw unreachable(this.url, 'there is no API yet: HTTP status 404')
    const answer = await accepted(this.url, response, 'GET /api')
    if (response.contentType.endsWith('xml')) this.#format = 'xml'
    requireVersion(this.url, answer)
  }

  async get(task: Task, path: string): Promise<Entity> {
    return this.#exchange(task, { method: 'GET', path: path === '' ? '/api' : `/api/${path}` })
  }

  async ask(task: Task, path: string): Promise<void> {
    await this.#exchange(task, { method: 'POST', path: `/api/${path}`, ...this.#body('action', {}) })
  }

  async change(task: Task, path: string, root: string, values: Entity): Promise<void> {
    await this.#exchange(task, { method: 'PUT', path: `/api/${path}`, ...this.#body(root, values) })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const token = this.#token
    this.#token = undefined
    if (token === undefined) return
    const { requestTimeoutMs } = this.#endpoint
    const endpoint = { ...this.#endpoint, requestTimeoutMs: Math.min(requestTimeoutMs, REVOKE_MS) }
    await post(NEVER_ABORTED, endpoint, '/services/sso-logout', { scope: '', token }).catch(() => undefined) // it ends by itself
  }

  async #exchange(task: Task, request: EngineRequest): Promise<Entity> {
    const token = this.#token
    let response = await this.#send(task, request)
    if (response.status === 401 && token !== undefined) {
      await this.#renew(task, token)
      response = await this.#send(task, request)
    }
    return accepted(this.url, response, `${request.method} ${request.path}`)
  }

  /** One for all whose requests were refused because of `token`. */
  async #renew(task: Task, token: string): Promise<void> {
    while (this.#renewing !== undefined) await unlessAborted(task.signal, this.#renewing)
    if (this.#token !== token) return
    task.log('debug', `the session at ${this.url} has ended; another one is begun`)
    const renewing = this.#authenticate(task)
    this.#renewing = renewing
      .catch(() => undefined) // told to whoever began it; the next one tries again
      .finally(() => (this.#renewing = undefined))
    await renewing
  }

  async #send(task: Task, request: EngineRequest): Promise<EngineResponse> {
    const { user, password } = this.#options
    const basic = Buffer.from(`${user}:${password}`).toString('base64')
    const headers = {
      Accept: this.#format === 'xml' ? 'application/xml' : 'application/json, application/xml;q=0.5',
      Version: String(API_VERSION),
      Authorization: this.#token === undefined ? `Basic ${basic}` : `Bearer ${this.#token}`,
      ...request.headers,
    }
    const response = await exchange(task, this.#endpoint, { ...request, headers })
    task.log('debug', `${request.method} ${this.url}${request.path}: HTTP status ${response.status}`)
    if (AWAY.includes(response.status)) throw unreachable(this.url, `it answers with HTTP status ${response.status}`)
    return response
  }

  #body(root: string, values: Entity): Pick<EngineRequest, 'body' | 'headers'> {
    if (this.#format === 'json')
      return { body: JSON.stringify(values), headers: { 'Content-Type': 'application/json' } }
    return { body: renderXml(toElement(root, values)), headers: { 'Content-Type': 'application/xml' } }
  }

  /** By a token of the single sign-on where there is one; engines before 4.0, and some without it, know only passwords. */
  async #authenticate(task: Task): Promise<void> {
    const { user: username, password } = this.#options
    const response = await post(task, this.#endpoint, '/sso/oauth/token', {
      grant_type: 'password',
      scope: 'ovirt-app-api',
      username,
      password,
    })
    if (AWAY.includes(response.status)) throw unreachable(this.url, `it answers with HTTP status ${response.status}`)
    if (response.status === 404) {
      this.#token = undefined
      return
    }
    const answer = await parseAnswer(response).catch((): Entity => ({}))
    const token = optionalTextAt(answer, 'access_token')
    if (token === undefined) throw notLetIn(this.url, username, answer, response.status)
    keepSecret(token)
    this.#token = token
  }
}

/** Disposal has no task; the end of a session is told also when the verb was aborted. */
const NEVER_ABORTED = { signal: new AbortController().signal }

async function post(
  task: Pick<Task, 'signal'>,
  endpoint: Endpoint,
  path: string,
  values: Readonly<Record<string, string>>,
): Promise<EngineResponse> {
  const headers = { Accept: 'application/json', 'Content-Type': 'application/x-www-form-urlencoded' }
  const body = new URLSearchParams(values).toString()
  return exchange(task, endpoint, { method: 'POST', path, headers, body })
}

/** Throws `LAGO_ENGINE_AUTH`, `LAGO_ENGINE_REFUSED` with reason and detail of the engine. */
async function accepted(url: string, response: EngineResponse, what: string): Promise<Entity> {
  const { status } = response
  if (status >= 200 && status < 300) return parseAnswer(response)
  const answer = await parseAnswer(response).catch((): Entity => ({}))
  if (status === 401) throw notLetIn(url, undefined, answer, status)
  // the answer to an action has its fault inside
  const fault = 'fault' in answer ? partOf(answer, 'fault') : answer
  const [reason, detail] = ['reason', 'detail'].map((name) => optionalTextAt(fault, name))
  const told = [reason, detail].filter((text) => text !== undefined && text !== '').map((text) => plainLine(text ?? ''))
  throw new LagoError(
    'LAGO_ENGINE_REFUSED',
    `the engine at ${url} refused ${what}: ${told.join(': ') || `HTTP status ${status}`}`,
    { data: { url, status, reason, detail } },
  )
}

function notLetIn(url: string, user: string | undefined, answer: Entity, status: number): LagoError {
  const said = optionalTextAt(answer, 'error') ?? `HTTP status ${status}`
  return new LagoError('LAGO_ENGINE_AUTH', `the engine at ${url} does not let ${user ?? 'us'} in: ${plainLine(said)}`, {
    hint: 'the password is metadata.ovirt-engine-password of the engine in the init file, else 123',
    data: { url, status },
  })
}

function requireVersion(url: string, answer: Entity): void {
  const version = partOf(answer, 'product_info', 'version')
  const major = Number(optionalTextAt(version, 'major'))
  if (major >= API_VERSION) return
  throw new LagoError(
    'LAGO_ENGINE_VERSION',
    `the engine at ${url} is of version ${major || 'unknown'}, not 4 or later`,
    {
      hint: 'Lago speaks version 4 of the REST API',
      data: { url, major: Number.isNaN(major) ? undefined : major },
    },
  )
}

/** `{ cpu: { type } }` as `<cpu><type>...</type></cpu>`. */
function toElement(name: string, value: unknown): XmlElement {
  if (typeof value !== 'object' || value === null) return element(name, {}, String(value))
  return element(
    name,
    {},
    Object.entries(value).map(([key, part]) => toElement(key, part)),
  )
}
