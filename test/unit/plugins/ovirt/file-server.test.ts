import { once } from 'node:events'
import { execFile } from 'node:child_process'
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { serveDirectory, type FileServer } from '../../../../src/plugins/ovirt/file-server.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
let dir: string
let root: string
let server: FileServer

beforeEach(async () => {
  dir = await makeTempDir()
  root = path.join(dir, 'repo')
  await mkdir(path.join(root, 'default/el7'), { recursive: true })
  await writeFile(path.join(root, 'default/el7/a.rpm'), '0123456789')
  await writeFile(path.join(dir, 'secret'), 'not for guests')
  server = await serveDirectory(root, { host: '127.0.0.1', port: 0, environment: 'e1' })
})

afterEach(async () => server[Symbol.asyncDispose]())

const ask = async (below: string, init?: RequestInit): Promise<Response> => fetch(`${server.url}${below}`, init)

/** The answer to a request line that no client would write. */
async function raw(target: string, method = 'GET'): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
  socket.write(`${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
  await once(socket, 'close')
  return text
}

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])

describe('what is there', () => {
  test('is given whole, in parts, or as its facts alone', async () => {
    expect(await (await ask('default/el7/a.rpm')).text()).toBe('0123456789')
    const part = await ask('default/el7/a.rpm', { headers: { range: 'bytes=7-' } })
    expect([part.status, await part.text(), part.headers.get('content-range')]).toEqual([206, '789', 'bytes 7-9/10'])
    const beyond = await ask('default/el7/a.rpm', { headers: { range: 'bytes=10-' } })
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */10'])
    const head = await ask('default/el7/a.rpm', { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10', ''])
    const again = await ask('default/el7/a.rpm', {
      headers: { 'if-none-match': head.headers.get('etag') ?? '', 'cache-control': 'max-age=0' },
    })
    expect(again.status).toBe(304)
  })

  test('is listed, whatever its name', async () => {
    const name = `a b&<i>"'#?%.rpm`
    await writeFile(path.join(root, 'default/el7', name), 'odd')
    await mkdir(path.join(root, 'default/el7/repodata'))
    await symlink('nowhere', path.join(root, 'default/el7/broken'))
    const page = await (await ask('default/el7/')).text()
    const hrefs = [...page.matchAll(/href="([^"]*)"/g)].map(([, href = '']) => href)
    expect(hrefs).toHaveLength(4)
    expect(hrefs.slice(1)).toEqual(['./a.rpm', './broken', './repodata/'])
    expect(page).not.toContain('<i>')
    expect(await (await fetch(new URL(hrefs[0] ?? '', `${server.url}default/el7/`))).text()).toBe('odd')
    expect((await ask('default/el7/', { method: 'HEAD' })).headers.get('content-length')).toBe(String(page.length))
  })

  test('a directory without its slash leads to the one with it, on this server', async () => {
    const answer = await ask('default', { redirect: 'manual' })
    expect([answer.status, answer.headers.get('location')]).toEqual([301, '/default/'])
    expect(await raw('//default')).toContain('location: /default/\r\n')
  })

  test('names the environment in every answer', async () => {
    for (const below of ['', 'default', 'nothing'])
      expect((await ask(below, { redirect: 'manual' })).headers.get('x-lago-environment')).toBe('e1')
  })

  test('a directory that is replaced by a rename is served as it is now', async () => {
    await mkdir(path.join(root, 'default/new'))
    await writeFile(path.join(root, 'default/new/b.rpm'), 'b')
    await rename(path.join(root, 'default/el7'), path.join(root, 'default/old'))
    await rename(path.join(root, 'default/new'), path.join(root, 'default/el7'))
    expect((await ask('default/el7/a.rpm')).status).toBe(404)
    expect(await (await ask('default/el7/b.rpm')).text()).toBe('b')
  })
})

test('without the directory there is an empty one, and it is served once it comes', async () => {
  await rename(root, path.join(dir, 'away'))
  const empty = await ask('')
  expect([empty.status, (await empty.text()).includes('href')]).toEqual([200, false])
  expect((await ask('default/el7/a.rpm')).status).toBe(404)
  await rename(path.join(dir, 'away'), root)
  expect((await ask('default/el7/a.rpm')).status).toBe(200)
})

describe('links', () => {
  test('within the directory are followed, also where the directory itself is one', async () => {
    await symlink('default/el7', path.join(root, 'el7'))
    await symlink('el7/a.rpm', path.join(root, 'default/absolute-or-not'))
    expect(await (await ask('el7/a.rpm')).text()).toBe('0123456789')
    expect(await (await ask('default/absolute-or-not')).text()).toBe('0123456789')
    await symlink(root, path.join(dir, 'link'))
    const linked = await serveDirectory(path.join(dir, 'link'), { host: '127.0.0.1', port: 0, environment: '' })
    expect(await (await fetch(`${linked.url}el7/a.rpm`)).text()).toBe('0123456789')
    await linked[Symbol.asyncDispose]()
  })

  test('to outside are refused, also to a neighbour whose name begins alike', async () => {
    await mkdir(path.join(dir, 'repo-of-others'))
    await writeFile(path.join(dir, 'repo-of-others/f'), 'x')
    for (const [name, target] of [
      ['file', '../secret'],
      ['dir', '..'],
      ['neighbour', path.join(dir, 'repo-of-others')],
      ['chain', 'file'],
    ] as const)
      await symlink(target, path.join(root, name))
    for (const below of ['file', 'dir/', 'dir/secret', 'neighbour/f', 'chain'])
      expect([below, (await ask(below)).status]).toEqual([below, 403])
  })

  test('in circles, and what is no file, are refused', async () => {
    await symlink('circle', path.join(root, 'circle'))
    await promisify(execFile)('mkfifo', [path.join(root, 'pipe')])
    expect((await ask('circle')).status).toBe(404)
    expect((await ask('pipe')).status).toBe(403)
  })
})

describe('hostile requests', () => {
  test.each([
    ['/../secret', 403],
    ['/default/../../secret', 403],
    ['/%2e%2e/secret', 403],
    ['/%2e%2e%2fsecret', 403],
    ['/..%2f..%2fetc%2fpasswd', 403],
    ['/default/%00', 400],
    ['/%', 400],
    ['/%ff', 400],
    ['secret', 400],
    ['http://elsewhere/default/', 400],
    [`/${'a'.repeat(5000)}`, 404],
    [`/${'a/'.repeat(5000)}`, 404],
    // more than the 16 KiB of a head, and no more than is read at once: what is left unread would reset the connection
    [`/${'a'.repeat(20_000)}`, 431],
    ['/default/el7/a.rpm/', 404],
    ['/..\\secret', 404],
  ])('%.40s gives %d', async (target, status) => {
    const answer = await raw(target)
    expect(statusOf(answer)).toBe(status)
    expect(answer).not.toContain('not for guests')
  })

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('%s is refused, and the file stays', async (method) => {
    const answer = await raw('/default/el7/a.rpm', method)
    expect(statusOf(answer)).toBe(405)
    expect(answer).toContain('allow: GET, HEAD\r\n')
    expect((await ask('default/el7/a.rpm')).status).toBe(200)
  })

  test('no path gives what lies beside the directory', async () => {
    const piece = fc.constantFrom(
      '..',
      '.',
      '',
      '%2e',
      '%2e%2e',
      '%2f',
      'default',
      'el7',
      'secret',
      'repo',
      '%5c',
      '%00',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const answer = await raw(`/${pieces.join('/')}`)
        expect(answer).not.toContain('not for guests')
        expect(statusOf(answer)).toBeLessThan(500)
      }),
      { numRuns: 200 },
    )
  })
})

test('its end ends connections that are open, and frees the port', async () => {
  const options = { host: '127.0.0.1', port: Number(new URL(server.url).port), environment: '' }
  const socket = connect(options.port, options.host)
  await once(socket, 'connect')
  const closed = once(socket, 'close')
  socket.on('error', () => undefined)
  await server[Symbol.asyncDispose]()
  await closed
  const next = await serveDirectory(root, options)
  await expect(serveDirectory(root, options)).rejects.toMatchObject({ code: 'EADDRINUSE' })
  await next[Symbol.asyncDispose]()
  await rm(root, { recursive: true })
})
