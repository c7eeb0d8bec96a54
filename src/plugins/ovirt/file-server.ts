/**
 * The files of one directory over HTTP, to be read only. Reading a file (ranges, conditions, types) is `send`'s work;
 * here is what may be read: what lies in the directory, links within it included, and nothing else.
 */
import { readdir, realpath, stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import send from 'send'
import { isSystemError } from '../../base/errors.js'
import { escapeXml } from '../../base/xml.js'

export interface FileServer extends AsyncDisposable {
  /** `http://192.168.200.1:8585/` */
  readonly url: string
}

export interface FileServerOptions {
  /** The address to listen on, of IPv4. */
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  /** Whose files these are, for who finds the port taken. */
  readonly environment: string
}

/** The header by which one server knows that another serves the same environment. */
export const ENVIRONMENT_HEADER = 'x-lago-environment'

/**
 * Listens when it resolves; disposal ends it with all connections. `rootDir` is absolute and need not be there yet:
 * until then it is an empty directory. Throws what the system says of the address, as `EADDRINUSE`.
 */
export async function serveDirectory(rootDir: string, options: FileServerOptions): Promise<FileServer> {
  const server = createServer((request, response) => {
    response.setHeader(ENVIRONMENT_HEADER, options.environment)
    answer(rootDir, request, response).catch(() => refuse(response, 500))
  })
  await listen(server, options)
  const { port } = server.address() as AddressInfo // of a server that listens on TCP
  return {
    url: `http://${options.host}:${port}/`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

async function listen(server: Server, { host, port }: FileServerOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function answer(rootDir: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    return refuse(response, 405)
  }
  const wanted = pathOf(request.url ?? '')
  if (typeof wanted === 'number') return refuse(response, wanted)
  const found = await find(rootDir, wanted)
  switch (found.kind) {
    case 'refused':
      return refuse(response, found.status)
    case 'file':
      send(request, encodePath(found.relativePath), { root: found.root, dotfiles: 'allow', index: false }).pipe(
        response,
      )
      return
    case 'directory':
      if (wanted.endsWith('/')) return reply(response, 200, listing(wanted, found.names))
      response.setHeader('location', encodePath(`${wanted}/`))
      return refuse(response, 301)
  }
}

/** Decoded, with single slashes; or the status that refuses what names no file of ours. */
function pathOf(target: string): string | number {
  const [encoded = ''] = target.split('?', 1)
  if (!encoded.startsWith('/')) return 400
  let decoded
  try {
    decoded = decodeURIComponent(encoded)
  } catch {
    return 400
  }
  if (decoded.includes('\0')) return 400
  return decoded.split('/').includes('..') ? 403 : path.posix.normalize(decoded)
}

type Found =
  /** `relativePath` has no links in it. */
  | { readonly kind: 'file'; readonly root: string; readonly relativePath: string }
  /** Directories have a slash at the end. */
  | { readonly kind: 'directory'; readonly names: readonly string[] }
  | { readonly kind: 'refused'; readonly status: number }

/** What the path leads to once all links are followed. */
async function find(rootDir: string, wanted: string): Promise<Found> {
  try {
    const root = await realpath(rootDir)
    const real = await realpath(path.join(root, wanted))
    const relativePath = path.relative(root, real)
    if (relativePath === '..' || relativePath.startsWith('../')) return { kind: 'refused', status: 403 }
    const entry = await stat(real)
    if (entry.isDirectory()) return { kind: 'directory', names: await namesIn(real) }
    return entry.isFile() && !wanted.endsWith('/')
      ? { kind: 'file', root, relativePath }
      : { kind: 'refused', status: entry.isFile() ? 404 : 403 }
  } catch (error) {
    if (wanted === '/' && isSystemError(error, 'ENOENT')) return { kind: 'directory', names: [] }
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP')) return { kind: 'refused', status: 404 }
    if (isSystemError(error, 'EACCES', 'EPERM')) return { kind: 'refused', status: 403 }
    throw error
  }
}

async function namesIn(dir: string): Promise<string[]> {
  const names: string[] = []
  for (const name of (await readdir(dir)).sort()) {
    const entry = await stat(path.join(dir, name)).catch(() => undefined) // a broken link
    names.push(entry?.isDirectory() === true ? `${name}/` : name)
  }
  return names
}

function listing(dir: string, names: readonly string[]): string {
  const title = `Directory listing for ${escapeXml(dir)}`
  const links = names.map((name) => `<li><a href="./${encodePath(name)}">${escapeXml(name)}</a></li>\n`)
  return (
    `<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>${title}</title></head>\n` +
    `<body><h1>${title}</h1>\n<ul>\n${links.join('')}</ul></body></html>\n`
  )
}

function encodePath(decoded: string): string {
  return decoded.split('/').map(encodeURIComponent).join('/')
}

function refuse(response: ServerResponse, status: number): void {
  if (response.headersSent) response.destroy()
  else reply(response, status, `<!DOCTYPE html>\n<title>${status}</title>\n`)
}

function reply(response: ServerResponse, status: number, html: string): void {
  const body = Buffer.from(html)
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'content-length': body.length })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
