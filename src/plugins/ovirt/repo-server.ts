/** The server from which guests install: `<prefix>/internal_repo` on the gateway of the management net (spec 7.3). */
import { lstat } from 'node:fs/promises'
import { get } from 'node:http'
import path from 'node:path'
import { isSystemError, LagoError } from '../../base/errors.js'
import type { Task } from '../../base/task.js'
import type { Env, Net } from '../../index.js'
import { ENVIRONMENT_HEADER, serveDirectory, type FileServer } from './file-server.js'
import { findPortOwner } from './port-owner.js'

/** Guests know it (spec 7.1). */
const REPO_PORT = 8585
/** Who holds the port may be anybody, and need not answer. */
const ASK_LIMIT_MS = 2000

/**
 * Runs `work` while the internal repository of `env` is served on the gateway of each management net that is up; `work`
 * is given the URLs. Without a repository an empty directory is served, with a warning. Another lago that serves the
 * environment already will do, unless `mayShare` is false.
 *
 * Throws `LAGO_REPO_NO_GATEWAY` where guests could not find the server, `LAGO_REPO_NET_DOWN`, and `LAGO_REPO_PORT`, which
 * names who has the port.
 */
export async function withRepoServer<T>(
  task: Task,
  env: Env,
  work: (urls: readonly string[]) => Promise<T>,
  { mayShare = true }: { readonly mayShare?: boolean } = {},
): Promise<T> {
  const rootDir = path.join(env.prefixDir, 'internal_repo')
  const nets = await netsToServe(env)
  if ((await lstat(rootDir).catch(() => undefined)) === undefined)
    task.log('warning', `there is no ${rootDir}: guests find an empty repository ("lago ovirt reposetup" makes it)`)
  const servers: FileServer[] = []
  try {
    for (const net of nets) servers.push(await serveOn(task, env, net, { rootDir, mayShare }))
    const urls = servers.map(({ url }) => url)
    task.log('debug', `${rootDir} is served at ${urls.join(' and ')}`)
    return await work(urls)
  } finally {
    await Promise.all(servers.map(async (server) => server[Symbol.asyncDispose]()))
  }
}

type NetWithGateway = Net & { readonly gateway: string }

async function netsToServe(env: Env): Promise<readonly NetWithGateway[]> {
  const management = [...env.nets.values()].filter((net) => net.isManagement)
  const nets = management.filter((net): net is NetWithGateway => net.gateway !== undefined)
  const names = (nets.length > 0 ? nets : management).map(({ name }) => name)
  if (nets.length === 0)
    throw new LagoError('LAGO_REPO_NO_GATEWAY', `management net ${names.join(', ')} has no gateway to serve on`, {
      hint: 'use a net of type nat, not a bridge; lago deploy runs the scripts without a repository',
      data: { nets: names },
    })
  const up = await Promise.all(nets.map(async (net) => ((await net.isUp()) ? [net] : [])))
  if (up.flat().length === 0)
    throw new LagoError(
      'LAGO_REPO_NET_DOWN',
      `management net ${names.join(', ')} is down: nothing can be served on it`,
      {
        hint: 'lago start',
        data: { nets: names },
      },
    )
  return up.flat()
}

interface Serving {
  readonly rootDir: string
  readonly mayShare: boolean
}

async function serveOn(
  task: Task,
  env: Env,
  { name, gateway }: NetWithGateway,
  { rootDir, mayShare }: Serving,
): Promise<FileServer> {
  const options = { host: gateway, port: REPO_PORT, environment: env.uuid }
  return serveDirectory(rootDir, options).catch(async (cause: unknown) => {
    if (isSystemError(cause, 'EADDRNOTAVAIL'))
      throw new LagoError('LAGO_REPO_NO_GATEWAY', `net ${name} is up, and this host does not have its ${gateway}`, {
        hint: 'run this on the host of the libvirt that has the net',
        data: { net: name, gateway },
        cause,
      })
    if (!isSystemError(cause, 'EADDRINUSE')) throw cause
    const isOurs = (await environmentAt(gateway)) === env.uuid
    if (!isOurs || !mayShare) throw await portTaken(gateway, { isOurs, cause })
    task.log('info', `another lago serves this environment on net ${name}: guests go on with that`)
    return { url: `http://${gateway}:${REPO_PORT}/`, [Symbol.asyncDispose]: async () => undefined }
  })
}

async function portTaken(
  gateway: string,
  { isOurs, cause }: { readonly isOurs: boolean; readonly cause: unknown },
): Promise<LagoError> {
  const owner = await findPortOwner(gateway, REPO_PORT)
  const who = owner === undefined ? 'a process that this user cannot see' : `process ${owner.pid} (${owner.program})`
  const what = isOurs ? ', another lago that serves this environment' : ''
  return new LagoError('LAGO_REPO_PORT', `port ${REPO_PORT} of ${gateway} is taken by ${who}${what}`, {
    hint: isOurs ? 'wait for it, or end it' : 'end it, or have it listen on another address',
    data: { address: gateway, port: REPO_PORT, owner, servesThisEnvironment: isOurs },
    cause,
  })
}

/** Which environment is served at `address`, when it is one. */
async function environmentAt(address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { host: address, port: REPO_PORT, method: 'HEAD', timeout: ASK_LIMIT_MS, agent: false } as const
    const request = get(options, ({ headers }) => {
      const named = headers[ENVIRONMENT_HEADER]
      request.destroy()
      resolve(typeof named === 'string' ? named : undefined)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(undefined))
    request.on('close', () => resolve(undefined))
  })
}
