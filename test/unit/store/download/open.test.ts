import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from '@jest/globals'
import { LagoError } from '../../../../src/base/errors.js'
import type { LagoEvent } from '../../../../src/base/events.js'
import { createTask } from '../../../../src/base/task.js'
import { serveDir, useHttpServers } from '../../../helpers/http-server.js'
import { recordedTask } from '../../../helpers/recorded-task.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'
import { answer, closed, downloaderWith, firstRequest, held, readAll } from './setup.js'

const servers = useHttpServers()
const tempDir = useTempDirs()
const { task } = recordedTask()
const CONTENT = randomBytes(100)
const FILE = { 'content-length': CONTENT.length, etag: '"v1"' }

describe('a file', () => {
  test('comes as it is, with its size and its progress', async () => {
    const [dir, content] = [await tempDir(), randomBytes(3 * 1024 ** 2 + 1)]
    await writeFile(path.join(dir, 'an image'), content)
    const { url, requests } = await servers.http(serveDir(dir))
    const events: LagoEvent[] = []
    const task = createTask({ emit: (event) => void events.push(event), close: async () => undefined })
    const stream = await downloaderWith().open(task, [`${url}/an image`])
    expect(stream).toMatchObject({ url: `${url}/an%20image`, sizeBytes: content.length })
    expect((await readAll(stream)).equals(content)).toBe(true)
    expect(requests).toMatchObject([{ method: 'GET', headers: { 'accept-encoding': 'identity' } }])
    expect(requests[0]?.headers['user-agent']).toMatch(/^lago\/\d/)
    const progress = events.filter((event) => event.type === 'progress')
    expect(progress.at(-1)).toMatchObject({ done: content.length, total: content.length, unit: 'bytes' })
  })

  test('may be empty', async () => {
    const { url } = await servers.http(answer(200, { 'content-length': 0 }))
    const stream = await downloaderWith().open(task, [url])
    expect(stream.sizeBytes).toBe(0)
    expect(await readAll(stream)).toHaveLength(0)
  })

  test('may be of a size that the server does not say', async () => {
    const { url } = await servers.http((_, response) => {
      response.write(CONTENT.subarray(0, 50))
      response.end(CONTENT.subarray(50))
    })
    const stream = await downloaderWith().open(task, [url])
    expect(stream.sizeBytes).toBeUndefined()
    expect(await readAll(stream)).toEqual(CONTENT)
  })

  test('and its neighbours come over one connection', async () => {
    const { url, connections } = await servers.http(answer(200, FILE, CONTENT))
    const downloader = downloaderWith()
    for (let i = 0; i < 3; i++) await readAll(await downloader.open(task, [url]))
    expect(connections()).toBe(1)
  })

  test('named x.gz is not unpacked when the server calls its form an encoding', async () => {
    const packed = gzipSync(CONTENT)
    const { url } = await servers.http(answer(200, { 'content-encoding': 'gzip' }, packed))
    expect(await readAll(await downloaderWith().open(task, [`${url}/image.raw.gz`]))).toEqual(packed)
  })

  test.each(['gzip', 'br', 'constructor', 'gzip, gzip'])(
    'that was encoded on the way (%s) is refused',
    async (encoding) => {
      const { url, requests } = await servers.http(answer(200, { 'content-encoding': encoding }, gzipSync(CONTENT)))
      await expect(downloaderWith().open(task, [`${url}/image`])).rejects.toMatchObject({
        code: 'LAGO_DOWNLOAD',
        message: `cannot download ${url}/image: the server sent it encoded as "${encoding}", not as it is`,
      })
      expect(requests).toHaveLength(1)
    },
  )
})

describe('a slow reader', () => {
  /** So much at once may be on its way: buffers of both ends of a connection, of which one may have 32 MiB. */
  const MOST_UNREAD = 64 * 1024 ** 2

  test('holds the server back', async () => {
    const total = 192 * 1024 ** 2
    let sent = 0
    const { url } = await servers.http((_, response) => {
      response.writeHead(200, { 'content-length': total })
      const piece = Buffer.alloc(1024 ** 2)
      const send = (): void => {
        while (sent < total) {
          sent += piece.length
          if (!response.write(piece)) return void response.once('drain', send)
        }
        response.end()
      }
      send()
    })
    const stream = await downloaderWith().open(task, [url])
    let [read, mostUnread] = [0, 0]
    for await (const chunk of stream.chunks) {
      read += chunk.length
      for (let turns = 0; turns < 20; turns++) await turn() // the network gets its turn, the reader does not
      mostUnread = Math.max(mostUnread, sent - read)
    }
    expect(read).toBe(total)
    expect(mostUnread).toBeLessThan(MOST_UNREAD)
  })

  test('is no silence of the server', async () => {
    const { url, requests } = await servers.http(answer(200, FILE, CONTENT))
    const stream = await downloaderWith({ silenceMs: 50, tries: 1 }).open(task, [url])
    await sleep(200)
    expect(await readAll(stream)).toEqual(CONTENT)
    expect(requests).toHaveLength(1)
  })
})

describe('an abort', () => {
  const reason = new LagoError('LAGO_CANCELLED', 'stop')

  test('ends the wait for an answer', async () => {
    const { listener, response } = firstRequest()
    const { url } = await servers.http(listener)
    const { task, abort } = recordedTask()
    const opening = downloaderWith().open(task, [url])
    const asked = await response
    abort(reason)
    await expect(opening).rejects.toBe(reason)
    await closed(asked)
  })

  test('ends the wait for the next bytes', async () => {
    const { url, idle } = await servers.http(held(FILE, CONTENT.subarray(0, 50)).answer)
    const { task, abort } = recordedTask()
    const stream = await downloaderWith().open(task, [url])
    const reading = (async () => {
      for await (const _ of stream.chunks) setImmediate(() => abort(reason))
    })()
    await expect(reading).rejects.toBe(reason)
    await idle()
  })

  test('ends the connection although nobody reads', async () => {
    const { url, idle } = await servers.http(held(FILE, CONTENT.subarray(0, 50)).answer)
    const { task, abort } = recordedTask()
    const stream = await downloaderWith().open(task, [url])
    abort(reason)
    await idle()
    await expect(readAll(stream)).rejects.toBe(reason)
  })

  test('ends a pause between tries', async () => {
    const { url, requests } = await servers.http(answer(500))
    const { task, abort, message } = recordedTask()
    const opening = downloaderWith({ backOffMs: 3_600_000, retryMs: 86_400_000 }).open(task, [url])
    const refused = expect(opening).rejects.toBe(reason)
    await message(/^try 2 of 3 in 3600 s$/)
    abort(reason)
    await refused
    expect(requests).toHaveLength(1)
  })

  test('before the start asks nobody', async () => {
    const { url, requests } = await servers.http(answer(200))
    const { task, abort } = recordedTask()
    abort(reason)
    await expect(downloaderWith().open(task, [url])).rejects.toBe(reason)
    await expect(downloaderWith().text(task, [url])).rejects.toBe(reason)
    expect(requests).toEqual([])
  })
})

describe('the connection ends', () => {
  test('when the reader leaves in the middle', async () => {
    const { url, idle } = await servers.http(held(FILE, CONTENT.subarray(0, 50)).answer)
    for await (const _ of (await downloaderWith().open(task, [url])).chunks) break
    await idle()
  })

  test('when the stream is disposed of unread, and once more', async () => {
    const { url, idle } = await servers.http(held(FILE, CONTENT.subarray(0, 50)).answer)
    const stream = await downloaderWith().open(task, [url])
    for (let i = 0; i < 2; i++) await stream[Symbol.asyncDispose]()
    await idle()
  })

  test('when the stream is disposed of while it is read, and is not made anew', async () => {
    const { url, requests, idle } = await servers.http(held(FILE, CONTENT.subarray(0, 50)).answer)
    const stream = await downloaderWith().open(task, [url])
    const reading = (async () => {
      for await (const _ of stream.chunks) await stream[Symbol.asyncDispose]()
    })()
    await expect(reading).rejects.toThrow('disposed of while it was read')
    await idle()
    expect(requests).toHaveLength(1)
  })
})
