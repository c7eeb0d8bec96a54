import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import { isNotServed } from '../../../../src/store/download/failure.js'
import { startScript } from '../../../helpers/child-script.js'
import { inTurn, useHttpServers } from '../../../helpers/http-server.js'
import { recordedTask } from '../../../helpers/recorded-task.js'
import { answer, downloaderWith, firstRequest, held, readAll, readAndBreak, rest } from './setup.js'

const servers = useHttpServers()
const { task } = recordedTask()
const CONTENT = randomBytes(100)
const FILE = { 'content-length': CONTENT.length, etag: '"v1"' }

async function failureOf(url: string): Promise<unknown> {
  return downloaderWith()
    .open(task, [url])
    .catch((error: unknown) => error)
}

describe('an answer that is not the file', () => {
  test.each([
    [401, 'Unauthorized', /^it may want a user: put "machine 127\.0\.0\.1" with login and password into ~\/\.netrc$/],
    [403, 'Forbidden', /^it may want a user: /],
    [404, 'Not Found', /^check the URL$/],
    [410, 'Gone', /^check the URL$/],
    [204, 'No Content', /^check the URL$/],
    [206, 'Partial Content', /^check the URL$/],
    [407, 'Proxy Authentication Required', /URL of the proxy/],
  ])('%i is final', async (status, words, hint) => {
    const { url, requests } = await servers.http(answer(status))
    expect(await failureOf(`${url}/a/b`)).toMatchObject({
      code: 'LAGO_DOWNLOAD',
      message: `cannot download ${url}/a/b: the server answered ${status} ${words}`,
      hint: expect.stringMatching(hint),
      data: { url: `${url}/a/b`, failures: [{ url: `${url}/a/b`, kind: 'status', status }] },
    })
    expect(requests).toHaveLength(1)
  })

  test.each([
    [500, 'Internal Server Error'],
    [503, 'Service Unavailable'],
    [408, 'Request Timeout'],
    [429, 'Too Many Requests'],
    [599, 'a status without a name'],
  ])('%i is asked for again, up to a limit', async (status, words) => {
    const { url, requests } = await servers.http(answer(status))
    expect(await failureOf(url)).toMatchObject({
      message: `cannot download ${url}/: the server answered ${status} ${words} (3 tries)`,
      hint: 'the server is busy or broken; try again later',
    })
    expect(requests).toHaveLength(3)
  })

  test('that gets better is forgotten', async () => {
    const { url } = await servers.http(inTurn(answer(500), answer(502), answer(200, FILE, CONTENT)))
    expect(await readAll(await downloaderWith().open(task, [url]))).toEqual(CONTENT)
  })

  test('is left at once, whatever it still has to say', async () => {
    const { url, idle } = await servers.http((_, response) => {
      response.writeHead(404).write('more to come')
    })
    expect(await failureOf(url)).toMatchObject({ code: 'LAGO_DOWNLOAD' })
    await idle()
  })

  test('has no words of the server in it', async () => {
    const { url } = await servers.tcp((socket) => socket.end('HTTP/1.1 404 Come in\r\n\r\n'))
    expect(await failureOf(url)).toMatchObject({ message: expect.stringMatching(/answered 404 Not Found$/) })
  })
})

describe('Retry-After', () => {
  test.each([
    ['in seconds', () => '0'],
    ['as a date that has passed', () => new Date(0).toUTCString()],
    ['that cannot be read', () => 'soon'],
  ])('%s is no reason to wait', async (_, value) => {
    const later = answer(503, { 'retry-after': value() })
    const { url } = await servers.http(inTurn(later, answer(200, FILE, CONTENT)))
    expect(await readAll(await downloaderWith().open(task, [url]))).toEqual(CONTENT)
  })

  test('is kept to', async () => {
    const { url } = await servers.http(inTurn(answer(429, { 'retry-after': '1' }), answer(200, FILE, CONTENT)))
    const { task, messages } = recordedTask()
    expect(await readAll(await downloaderWith().open(task, [url]))).toEqual(CONTENT)
    expect(messages()).toContainEqual(expect.stringMatching(/^try 2 of 3 in (1|0\.\d+) s$/))
  })

  test('beyond the limit is final, and told', async () => {
    const { url, requests } = await servers.http(answer(503, { 'retry-after': '3600' }))
    expect(await failureOf(url)).toMatchObject({
      message: `cannot download ${url}/: the server answered 503 Service Unavailable and wants to be left alone for 3600 s`,
    })
    expect(requests).toHaveLength(1)
  })
})

test('no round begins when the time for all of them would be over', async () => {
  const { url, requests } = await servers.http(answer(500))
  const downloader = downloaderWith({ backOffMs: 1000, retryMs: 999 })
  await expect(downloader.open(task, [url])).rejects.toMatchObject({ code: 'LAGO_DOWNLOAD' })
  expect(requests).toHaveLength(1)
})

describe('what went wrong below HTTP is told in words', () => {
  test('a connection that is refused', async () => {
    expect(await failureOf('http://127.0.0.1:1')).toMatchObject({
      message: 'cannot download http://127.0.0.1:1/: 127.0.0.1:1 refused the connection (3 tries)',
      hint: 'check that the server is up, and host and port of the URL',
      data: { failures: [{ kind: 'connection' }] },
    })
  })

  test('a host that is not known, which is final', async () => {
    expect(await failureOf('http://no-such-host.invalid/x')).toMatchObject({
      message: expect.stringMatching(
        /^cannot download http:\/\/no-such-host\.invalid\/x: (the host no-such-host\.invalid is not known$|the name no-such-host\.invalid could not be looked up \(3 tries\)$)/,
      ),
      hint: 'check the name, and the network and the name server of this host',
    })
  })

  test('a server that takes the request and does not answer', async () => {
    const { url, port, idle } = await servers.http(firstRequest().listener)
    await expect(downloaderWith({ answerMs: 2000, tries: 1 }).open(task, [url])).rejects.toMatchObject({
      message: `cannot download ${url}/: 127.0.0.1:${port} took the request, but gave no answer within 2 s`,
      hint: 'try again later; check the network, and the proxy if there is one',
      data: { failures: [{ kind: 'timeout' }] },
    })
    await idle()
  })

  test('a server that drips the head of its answer', async () => {
    const { url } = await servers.tcp((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n')
      const drip = setInterval(() => socket.write('A: b\r\n'), 5)
      socket.on('close', () => clearInterval(drip))
    })
    await expect(downloaderWith({ answerMs: 2000, tries: 1 }).open(task, [url])).rejects.toMatchObject({
      message: expect.stringMatching(/took the request, but gave no answer within 2 s$/),
    })
  })

  test('a server that takes the connection only', async () => {
    const { url, port } = await servers.tcp(() => undefined)
    const { open } = downloaderWith({ answerMs: 2000, tries: 1 })
    await expect(open(task, [url.replace('http:', 'https:')])).rejects.toMatchObject({
      message: expect.stringMatching(`127.0.0.1:${port} took the connection, but did not agree on TLS within 2 s$`),
    })
  })

  test('a server that does not take the connection', async () => {
    const child = startScript(new URL('./listen-child.js', import.meta.url))
    const port = Number(await child.nextLine())
    process.kill(child.pid, 'SIGSTOP')
    const queue = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => undefined))
    try {
      const { open } = downloaderWith({ answerMs: 500, tries: 1 })
      await expect(open(task, [`http://127.0.0.1:${port}`])).rejects.toMatchObject({
        message: expect.stringMatching(`127.0.0.1:${port} did not take the connection within 0.5 s$`),
      })
    } finally {
      for (const socket of queue) socket.destroy()
      await child.kill('SIGKILL')
    }
  })

  test('a server that hangs up', async () => {
    const { url, port } = await servers.tcp((socket) => socket.end())
    expect(await failureOf(url)).toMatchObject({
      message: `cannot download ${url}/: the connection to 127.0.0.1:${port} broke (3 tries)`,
    })
  })

  test.each([
    ['speaks another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['gives two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello'],
    ['gives a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello'],
    ['never ends the head', `HTTP/1.1 200 OK\r\nA: ${'b'.repeat(100_000)}`],
  ])('a server that %s', async (_, text) => {
    const { url, port } = await servers.tcp((socket) => socket.end(text))
    expect(await failureOf(url)).toMatchObject({
      message: expect.stringContaining(
        `cannot download ${url}/: the answer of 127.0.0.1:${port} is not HTTP: Parse Error`,
      ),
    })
  })

  test('a body that is not in the form that its head says', async () => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
    const { url } = await servers.tcp((socket) => socket.end(`${head}5\r\nhello\r\nzz\r\n`))
    const failed = downloaderWith().open(task, [url]).then(readAll)
    await expect(failed).rejects.toMatchObject({
      code: 'LAGO_DOWNLOAD',
      message: expect.stringContaining('is not HTTP'),
    })
  })

  test.each([
    ['ftp://host/x', 'ftp://host/x'],
    ['/var/lib/image', '/var/lib/image'],
    ['http://', 'http://'],
    ['file:///etc/passwd', 'file:///etc/passwd'],
    ['user:secret@host/x', 'host/x'],
  ])('a URL that is none: %s', async (url, shown) => {
    expect(await failureOf(url)).toMatchObject({
      code: 'LAGO_DOWNLOAD',
      message: `cannot download ${shown}: that is no http or https URL`,
    })
  })
})

describe('mirrors', () => {
  test('are asked in order, the next one when one fails, without a pause', async () => {
    const missing = await servers.http(answer(404))
    const down = await servers.http(answer(503))
    const good = await servers.http(answer(200, FILE, CONTENT))
    const { task, messages } = recordedTask()
    const stream = await downloaderWith({ backOffMs: 3_600_000 }).open(task, [
      missing.url,
      'nonsense',
      down.url,
      good.url,
    ])
    expect(stream.url).toBe(`${good.url}/`)
    expect(await readAll(stream)).toEqual(CONTENT)
    expect(messages()).toEqual([
      `download of ${missing.url}/: the server answered 404 Not Found`,
      'download of nonsense: that is no http or https URL',
      `download of ${down.url}/: the server answered 503 Service Unavailable`,
    ])
  })

  test('that fail for good are not asked again, others are', async () => {
    const missing = await servers.http(answer(404))
    const slow = await servers.http(inTurn(answer(503), answer(200, FILE, CONTENT)))
    expect(await readAll(await downloaderWith().open(task, [missing.url, slow.url]))).toEqual(CONTENT)
    expect([missing.requests.length, slow.requests.length]).toEqual([1, 2])
  })

  test('are not asked before the time that they name, while others are', async () => {
    const busy = await servers.http(answer(503, { 'retry-after': '50' }))
    const slow = await servers.http(inTurn(answer(500), answer(500), answer(200, FILE, CONTENT)))
    expect(await readAll(await downloaderWith().open(task, [busy.url, slow.url]))).toEqual(CONTENT)
    expect(busy.requests).toHaveLength(1)
  })

  test('that all fail are all named', async () => {
    const missing = await servers.http(answer(404))
    const down = await servers.http(answer(503))
    await expect(downloaderWith().open(task, [missing.url, down.url])).rejects.toMatchObject({
      message:
        `cannot download ${missing.url}/: the server answered 404 Not Found; ` +
        `nor ${down.url}/: the server answered 503 Service Unavailable (3 tries)`,
      hint: 'check the URL',
      data: { failures: [{ status: 404 }, { status: 503 }] },
    })
  })

  test('that have the same file go on where another one broke', async () => {
    const first = held(FILE, CONTENT.subarray(0, 50))
    const broken = await servers.http(inTurn(first.answer, answer(500)))
    const good = await servers.http(rest(CONTENT.subarray(50), 50, { etag: '"v1"' }))
    const stream = await downloaderWith().open(task, [broken.url, good.url])
    expect(await readAndBreak(stream, 50, first)).toEqual(CONTENT)
    expect(good.requests[0]?.headers).toMatchObject({ range: 'bytes=50-', 'if-range': '"v1"' })
  })

  test('are not tried again before the one that has begun', async () => {
    const first = held(FILE, CONTENT.subarray(0, 50))
    const down = await servers.http(answer(503))
    const good = await servers.http(inTurn(first.answer, rest(CONTENT.subarray(50), 50, { etag: '"v1"' })))
    const stream = await downloaderWith().open(task, [down.url, good.url])
    expect(await readAndBreak(stream, 50, first)).toEqual(CONTENT)
    expect(down.requests).toHaveLength(1)
  })

  test('that have another file of the same size do not, and the first one is asked again', async () => {
    const first = held(FILE, CONTENT.subarray(0, 50))
    const slow = await servers.http(inTurn(first.answer, answer(500), rest(CONTENT.subarray(50), 50, { etag: '"v1"' })))
    const other = await servers.http(answer(200, { ...FILE, etag: '"other"' }, randomBytes(100)))
    const stream = await downloaderWith().open(task, [slow.url, other.url])
    expect(await readAndBreak(stream, 50, first)).toEqual(CONTENT)
    expect(other.requests).toHaveLength(1)
  })
})

describe('whether nobody has the file', () => {
  test.each([
    [true, [404]],
    [true, [403, 410]],
    [false, [404, 401]],
    [false, [404, 500]],
  ])('is %s after %j', async (expected, statuses) => {
    const mirrors = await Promise.all(statuses.map(async (status) => servers.http(answer(status))))
    const failed = downloaderWith().open(
      task,
      mirrors.map(({ url }) => url),
    )
    const error: unknown = await failed.catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'LAGO_DOWNLOAD' })
    expect(isNotServed(error)).toBe(expected)
  })

  test('is not said when a proxy does not let us ask', async () => {
    const { url } = await servers.tcp((socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'))
    const failed = downloaderWith({}, { https_proxy: url }).open(task, ['https://host.invalid/'])
    expect(isNotServed(await failed.catch((error: unknown) => error))).toBe(false)
  })

  test('is not said by other errors', () => {
    expect(isNotServed(new Error('404'))).toBe(false)
  })
})
