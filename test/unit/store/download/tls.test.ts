import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test } from '@jest/globals'
import { useHttpServers, type TlsIdentity } from '../../../helpers/http-server.js'
import { recordedTask } from '../../../helpers/recorded-task.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'
import { answer, downloaderWith } from './setup.js'

const servers = useHttpServers()
const tempDir = useTempDirs()
const { task } = recordedTask()
const run = promisify(execFile)

interface Certificate extends TlsIdentity {
  readonly certPath: string
}

/** Signed by itself, for `name` as openssl writes alternative names. */
async function certificateFor(name: string): Promise<Certificate> {
  const dir = await tempDir()
  const [keyPath, certPath] = [path.join(dir, 'key'), path.join(dir, 'cert')]
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=test', '-addext', `subjectAltName=${name}`, '-keyout', keyPath, '-out', certPath],
  ])
  return { certPath, key: await readFile(keyPath, 'utf8'), cert: await readFile(certPath, 'utf8') }
}

/** What a process says that trusts `certificate`; no password of these tests is in its messages. */
async function downloadedBy(url: string, { certPath }: Certificate, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const child = fileURLToPath(new URL('./download-child.js', import.meta.url))
  const inherited = { PATH: process.env['PATH'], NODE_EXTRA_CA_CERTS: certPath }
  const { stdout, stderr } = await run(process.execPath, [child, url], { env: { ...inherited, ...env } })
  expect(stderr).not.toMatch(/w%3Ard|w:rd|anns/)
  return stdout.trimEnd()
}

const HINT = 'if its certificate is of an authority of your own, name its file in NODE_EXTRA_CA_CERTS'

describe('https', () => {
  test('of a certificate that is trusted gives the file', async () => {
    const certificate = await certificateFor('IP:127.0.0.1')
    const { url } = await servers.http(answer(200, {}, 'hello'), { tls: certificate })
    expect(await downloadedBy(url, certificate)).toBe('hello')
  })

  test('of a certificate that nobody knows is refused at once', async () => {
    const { url, port, requests, connections } = await servers.http(answer(200), {
      tls: await certificateFor('IP:127.0.0.1'),
    })
    await expect(downloaderWith().open(task, [`${url}/a`])).rejects.toMatchObject({
      code: 'LAGO_DOWNLOAD',
      message: `cannot download ${url}/a: TLS with 127.0.0.1:${port} failed: self-signed certificate`,
      hint: HINT,
      data: { failures: [{ kind: 'tls' }] },
    })
    expect([requests.length, connections()]).toEqual([0, 1])
  })

  test('of a certificate for another host is refused', async () => {
    const certificate = await certificateFor('DNS:other.example')
    const { url, port, requests } = await servers.http(answer(200), { tls: certificate })
    expect(await downloadedBy(url, certificate)).toMatch(
      `TLS with 127.0.0.1:${port} failed: Hostname/IP does not match certificate's altnames`,
    )
    expect(requests).toEqual([])
  })

  test('of a server that speaks http is told as such', async () => {
    const { url, port } = await servers.http(answer(200))
    await expect(downloaderWith().open(task, [url.replace('http', 'https')])).rejects.toMatchObject({
      message: `cannot download https://127.0.0.1:${port}/: TLS with 127.0.0.1:${port} failed: wrong version number`,
      hint: HINT,
    })
  })

  test('never leads to http', async () => {
    const certificate = await certificateFor('IP:127.0.0.1')
    const open = await servers.http(answer(200, {}, 'hello'))
    const { url } = await servers.http(answer(302, { location: `${open.url}/b?token=secret` }), { tls: certificate })
    expect(await downloadedBy(url, certificate)).toBe(
      `cannot download ${url}/: the server redirects out of https to ${open.url}/b?token=***, ` +
        'which anybody on the way could change',
    )
    expect(open.requests).toEqual([])
  })

  test('may be where http leads to', async () => {
    const certificate = await certificateFor('IP:127.0.0.1')
    const secure = await servers.http(answer(200, {}, 'hello'), { tls: certificate })
    const { url } = await servers.http(answer(301, { location: secure.url }))
    expect(await downloadedBy(url, certificate)).toBe('hello')
  })
})

describe('a tunnel', () => {
  const proxies: Server[] = []
  afterEach(() => {
    for (const proxy of proxies.splice(0)) proxy.close()
  })

  /** A proxy that connects to 127.0.0.1 whatever host it is asked for. */
  async function tunnelProxy(): Promise<{ readonly host: string; readonly asked: string[] }> {
    const asked: string[] = []
    const proxy = createServer()
    proxies.push(proxy)
    proxy.on('connect', (request, client) => {
      asked.push(`${request.url} ${request.headers['proxy-authorization']}`)
      const server = connect(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connected\r\n\r\n')
        server.pipe(client).pipe(server)
      })
      for (const socket of [client, server]) socket.on('error', () => undefined).on('close', () => server.destroy())
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    return { host: `127.0.0.1:${(proxy.address() as AddressInfo).port}`, asked } // it listens on TCP
  }

  test('goes to the server, whose certificate is checked', async () => {
    const certificate = await certificateFor('DNS:inner.example')
    const { port, requests } = await servers.http(answer(200, {}, 'hello'), { tls: certificate })
    const { host, asked } = await tunnelProxy()
    const https_proxy = `http://user:w%3Ard@${host}`
    const env = { https_proxy, DEBUG: '*' } // has packages say what they do
    expect(await downloadedBy(`https://ann:anns@inner.example:${port}/a`, certificate, env)).toBe('hello')
    expect(await downloadedBy(`https://other.example:${port}/a`, certificate, { https_proxy })).toMatch(
      `TLS with other.example:${port} through the proxy http://${host}/ failed: Hostname/IP does not match`,
    )
    const authorization = `Basic ${Buffer.from('user:w:rd').toString('base64')}`
    expect(asked).toEqual([`inner.example:${port} ${authorization}`, `other.example:${port} ${authorization}`])
    expect(requests).toHaveLength(1)
    expect(requests[0]?.headers).not.toHaveProperty('proxy-authorization')
  })

  test('that breaks is told with the proxy', async () => {
    const { host } = await tunnelProxy()
    const server = await servers.tcp((socket) => void socket.destroy())
    const url = `https://inner.example:${server.port}/`
    await expect(downloaderWith({}, { https_proxy: host }).open(task, [url])).rejects.toMatchObject({
      message: `cannot download ${url}: the connection to the proxy http://${host}/ broke (3 tries)`,
    })
  })
})
