import { randomBytes } from 'node:crypto'
import { utimes, writeFile } from 'node:fs/promises'
import type { RequestListener, ServerResponse } from 'node:http'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { inTurn, serveDir, useHttpServers, type HttpServer } from '../../../helpers/http-server.js'
import { recordedTask } from '../../../helpers/recorded-task.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'
import { answer, downloaderWith, held, readAll, readAndBreak, rest, type Headers } from './setup.js'

const servers = useHttpServers()
const tempDir = useTempDirs()
const { task } = recordedTask()
const CONTENT = randomBytes(100)
const [HALF, OTHER_HALF] = [CONTENT.subarray(0, 50), CONTENT.subarray(50)]
const FILE = { 'content-length': CONTENT.length, etag: '"v1"' }
const LONG_AGO = 'Mon, 01 Jan 2024 00:00:00 GMT'
const LATER = 'Mon, 01 Jan 2024 00:00:01 GMT'
const V1 = { etag: '"v1"' }

interface Broken {
  readonly server: HttpServer
  /** All that came, from the first try and from what followed. */
  readonly content: Promise<Buffer>
  messages(): string[]
}

/** A file that breaks off behind its first half, with `headers`, and what the server does from then on. */
async function breakAfterHalf(headers: Headers, ...then: readonly RequestListener[]): Promise<Broken> {
  const first = held(headers, HALF)
  const server = await servers.http(inTurn(first.answer, ...then))
  const { task, messages } = recordedTask()
  const stream = await downloaderWith().open(task, [`${server.url}/image`])
  return { server, messages, content: readAndBreak(stream, HALF.length, first) }
}

describe('a connection that breaks is taken up where it broke', () => {
  test('by the ETag, and told at debug level', async () => {
    const { server, content, messages } = await breakAfterHalf(FILE, rest(OTHER_HALF, 50, V1))
    expect(await content).toEqual(CONTENT)
    expect(server.requests[1]?.headers).toMatchObject({ range: 'bytes=50-', 'if-range': '"v1"' })
    expect(messages()).toEqual([
      `download of ${server.url}/image: after 50 of 100 bytes: the connection to 127.0.0.1:${server.port} broke`,
      'try 2 of 3 in 0.001 s',
    ])
  })

  test.each([
    ['there is no ETag', {}],
    ['the ETag is a weak one', { etag: 'W/"v1"' }],
  ])('by the time of its last change when %s', async (_, etag) => {
    const head = { 'content-length': 100, 'last-modified': LONG_AGO, ...etag }
    const { server, content } = await breakAfterHalf(head, rest(OTHER_HALF, 50, etag))
    expect(await content).toEqual(CONTENT)
    expect(server.requests[1]?.headers).toMatchObject({ range: 'bytes=50-', 'if-range': LONG_AGO })
  })

  test('when the server’s other answers are failures first', async () => {
    const { server, content } = await breakAfterHalf(FILE, answer(503), rest(OTHER_HALF, 50, V1))
    expect(await content).toEqual(CONTENT)
    expect(server.requests).toHaveLength(3)
  })

  test('when the size is told with the rest only', async () => {
    const { content } = await breakAfterHalf(V1, rest(OTHER_HALF, 50, V1))
    expect(await content).toEqual(CONTENT)
  })

  test('when the server gives less than was asked for, again and again', async () => {
    const parts = [rest(CONTENT.subarray(50, 70), 50, V1, 100), rest(CONTENT.subarray(70), 70, V1)]
    const { server, content } = await breakAfterHalf(FILE, ...parts)
    expect(await content).toEqual(CONTENT)
    expect(server.requests[2]?.headers.range).toBe('bytes=70-')
  })

  test('when it falls silent', async () => {
    const first = held(FILE, HALF)
    const { url } = await servers.http(inTurn(first.answer, rest(OTHER_HALF, 50, V1)))
    const { task, messages } = recordedTask()
    expect(await readAll(await downloaderWith({ silenceMs: 200 }).open(task, [url]))).toEqual(CONTENT)
    expect(messages()[0]).toMatch(/after 50 of 100 bytes: 127\.0\.0\.1:\d+ fell silent: 50 bytes within 0\.2 s$/)
  })

  test('as often as it takes while there is progress in between', async () => {
    const content = randomBytes(6 * 300 * 1024)
    const { url, requests } = await servers.http((request, response) => {
      const from = Number(/\d+/.exec(request.headers.range ?? '0')?.[0])
      const range = `bytes ${from}-${content.length - 1}/${content.length}`
      response.writeHead(from === 0 ? 200 : 206, {
        ...V1,
        'content-length': content.length - from,
        'content-range': range,
      })
      response.write(content.subarray(from, from + 300 * 1024), () => response.socket?.end())
    })
    expect((await readAll(await downloaderWith({ tries: 2 }).open(task, [url]))).equals(content)).toBe(true)
    expect(requests.length).toBeGreaterThanOrEqual(6)
  })

  test('from a directory that is really served', async () => {
    const [dir, content] = [await tempDir(), randomBytes(64 * 1024 ** 2)] // more than the network keeps on its way
    await writeFile(path.join(dir, 'image'), content)
    const files = serveDir(dir)
    const responses: ServerResponse[] = []
    const { url, requests } = await servers.http((request, response) => {
      responses.push(response)
      files(request, response)
    })
    const read: Buffer[] = []
    for await (const chunk of (await downloaderWith().open(task, [`${url}/image`])).chunks) {
      if (read.length === 0) responses[0]?.socket?.destroy()
      read.push(chunk)
    }
    expect(Buffer.concat(read).equals(content)).toBe(true)
    expect(requests.map(({ headers }) => 'range' in headers)).toEqual([false, true])
  })
})

test('bytes that drip are a silence, too', async () => {
  const { url } = await servers.http((_, response) => {
    response.writeHead(200, FILE)
    const drip = setInterval(() => response.write('.'), 5)
    response.on('close', () => clearInterval(drip))
  })
  const stream = await downloaderWith({ silenceMs: 200, tries: 1 }).open(task, [url])
  await expect(readAll(stream)).rejects.toMatchObject({
    message: expect.stringMatching(/fell silent: \d+ bytes within/),
  })
})

describe('a file that has changed meanwhile is not put together from two', () => {
  test.each<[string, RequestListener, string | RegExp]>([
    ['another ETag', rest(OTHER_HALF, 50, { etag: '"v2"' }), 'its ETag was "v1" and is "v2"'],
    ['no ETag', rest(OTHER_HALF, 50), 'its ETag was "v1" and is none'],
    ['another size', rest(OTHER_HALF, 50, V1, 101), 'it had 100 bytes and has 101'],
    ['the whole of another', answer(200, { ...FILE, etag: '"v2"' }, CONTENT), 'its ETag was "v1" and is "v2"'],
    ['nothing that far', answer(416, { 'content-range': 'bytes */40' }), 'it has nothing from byte 50 on'],
  ])('%s', async (_, second, how) => {
    const { server, content } = await breakAfterHalf(FILE, second)
    await expect(content).rejects.toMatchObject({
      code: 'LAGO_DOWNLOAD',
      message: expect.stringMatching(
        new RegExp(
          `^cannot download ${server.url}/image: after 50 of 100 bytes: the file has changed on the server: ${how}`,
        ),
      ),
      hint: 'run it again: it then begins with the new file',
    })
    expect(server.requests).toHaveLength(2)
  })

  test('another time of its last change', async () => {
    const head = { 'content-length': 100, 'last-modified': LONG_AGO }
    const { content } = await breakAfterHalf(head, rest(OTHER_HALF, 50, { 'last-modified': LATER }))
    await expect(content).rejects.toThrow(
      `the file has changed on the server: it was of ${LONG_AGO} and is of ${LATER}`,
    )
  })

  test('really', async () => {
    const dir = await tempDir()
    const imagePath = path.join(dir, 'image')
    await writeFile(imagePath, CONTENT)
    const first = held(FILE, HALF)
    await utimes(imagePath, 1, 1)
    const { url } = await servers.http(inTurn(first.answer, serveDir(dir)))
    const stream = await downloaderWith().open(task, [`${url}/image`])
    await expect(readAndBreak(stream, 50, first)).rejects.toThrow('its ETag was "v1" and is "1000-100"')
  })
})

test.each([
  ['its ETag', FILE],
  ['its date and size', { 'content-length': 100, 'last-modified': LONG_AGO }],
])('a server without ranges gives the whole file again, which is known by %s', async (_, head) => {
  const { content } = await breakAfterHalf(head, answer(200, head, CONTENT))
  expect(await content).toEqual(CONTENT)
})

describe('what cannot be taken up again says why', () => {
  test.each<[string, Headers, RequestListener, string]>([
    [
      'a server without ranges and without a size',
      { ...FILE, etag: 'W/"v1"', 'last-modified': LONG_AGO },
      answer(200, {}, CONTENT),
      'gave a whole file where a part was asked for, and no ETag or date with it',
    ],
    ['another part', FILE, rest(CONTENT.subarray(40), 40, V1), 'began with byte 40 where byte 50 was asked for'],
    ['an unknown part', FILE, answer(206, V1, OTHER_HALF), 'gave a part without saying which'],
    [
      'a part of another length',
      FILE,
      answer(206, { ...V1, 'content-range': 'bytes 50-99/100', 'content-length': 60 }, randomBytes(60)),
      'says that bytes 50 to 99 are 60 bytes',
    ],
    ['nothing to know it by', { 'content-length': 100 }, answer(200), 'gives no ETag or date to know the file by'],
    [
      'a change at the moment of the answer',
      { 'content-length': 100, 'last-modified': LONG_AGO, date: LONG_AGO },
      answer(200),
      'gives no ETag or date to know the file by',
    ],
  ])('%s', async (_, head, second, why) => {
    const { content } = await breakAfterHalf(head, second)
    await expect(content).rejects.toMatchObject({
      code: 'LAGO_DOWNLOAD',
      message: expect.stringContaining(
        `after 50 of 100 bytes: the download cannot be taken up again: the server ${why}`,
      ),
      hint: expect.stringContaining('run it again'),
    })
  })
})

describe('while nothing was handed on', () => {
  const gone = held({ 'content-length': 100 }, '')

  test('the file begins anew, whatever the server gives to know it by', async () => {
    const { url, requests } = await servers.http(inTurn(gone.answer, answer(200, { 'content-length': 100 }, CONTENT)))
    const stream = await downloaderWith({ silenceMs: 200 }).open(task, [url])
    expect(await readAll(stream)).toEqual(CONTENT)
    expect(requests[1]?.headers).not.toHaveProperty('range')
  })

  test('the file that begins anew must have the size that was told', async () => {
    const { url } = await servers.http(inTurn(gone.answer, answer(200, { 'content-length': 99 }, 'x'.repeat(99))))
    const stream = await downloaderWith({ silenceMs: 200 }).open(task, [url])
    await expect(readAll(stream)).rejects.toThrow('it had 100 bytes and has 99')
  })
})

describe('exactly the size that the server said must come', () => {
  test('less is told with both', async () => {
    const short = rest(CONTENT.subarray(50, 60), 50, V1, 100)
    const { content } = await breakAfterHalf(FILE, short, answer(500))
    await expect(content).rejects.toMatchObject({
      code: 'LAGO_DOWNLOAD',
      message: expect.stringMatching(
        /after 60 of 100 bytes: the server answered 500 Internal Server Error \(3 tries\)$/,
      ),
    })
  })

  test('less of what has no size is a break, too', async () => {
    const first = held({}, HALF)
    const { url } = await servers.http(inTurn(first.answer, answer(500)))
    const stream = await downloaderWith().open(task, [url])
    await expect(readAndBreak(stream, 50, first)).rejects.toThrow(
      /: after 50 bytes: the download cannot be taken up again/,
    )
  })

  test('an end before the end is told as such', async () => {
    const { url } = await servers.tcp((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello'))
    const stream = await downloaderWith({ tries: 1 }).open(task, [url])
    await expect(readAll(stream)).rejects.toThrow(/: after 5 of 100 bytes: the connection to 127\.0\.0\.1:\d+ broke$/)
  })

  test.each([
    ['', 'hello and more'],
    ['Connection: close\r\n', 'hello and more'],
  ])('more is told with what was said (%j)', async (header, body) => {
    const { url } = await servers.tcp((socket) =>
      socket.end(`HTTP/1.1 200 OK\r\n${header}Content-Length: 5\r\n\r\n${body}`),
    )
    const stream = await downloaderWith({ tries: 1 }).open(task, [url])
    await expect(readAll(stream)).rejects.toMatchObject({
      code: 'LAGO_DOWNLOAD',
      message: expect.stringMatching(/sent more than the 5 bytes that it had said$/),
    })
  })

  test('more in the rest, which has no size of its own, is told with both', async () => {
    const tooMuch: RequestListener = (_, response) => {
      response.writeHead(206, { ...V1, 'content-range': 'bytes 50-99/100' }).end(randomBytes(51))
    }
    const { content } = await breakAfterHalf(FILE, tooMuch)
    await expect(content).rejects.toThrow('the server sent 101 bytes where it had said 100')
  })
})
