import { randomBytes } from 'node:crypto'
import { utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from '@jest/globals'
import { inTurn, serveDir, useHttpServers } from '../../../helpers/http-server.js'
import { recordedTask } from '../../../helpers/recorded-task.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'
import { answer, downloaderWith } from './setup.js'

const servers = useHttpServers()
const tempDir = useTempDirs()
const { task } = recordedTask()

describe('a text', () => {
  test('comes in UTF-8, with its ETag', async () => {
    const { url } = await servers.http(answer(200, { etag: 'W/"1"' }, Buffer.from('\ufeffgrüße\n')))
    expect(await downloaderWith().text(task, [url])).toEqual({ text: 'grüße\n', etag: 'W/"1"' })
  })

  test('may have no ETag, and no content', async () => {
    const { url } = await servers.http(answer(200))
    expect(await downloaderWith().text(task, [url])).toEqual({ text: '', etag: undefined })
  })

  test('that is still the same does not come again', async () => {
    const dir = await tempDir()
    await writeFile(path.join(dir, 'repo.json'), '{}')
    const { url, requests } = await servers.http(serveDir(dir))
    const downloader = downloaderWith()
    const { etag } = await downloader.text(task, [`${url}/repo.json`])
    expect(await downloader.text(task, [`${url}/repo.json`], { etag })).toEqual({ text: undefined, etag })
    expect(requests[1]?.headers).toMatchObject({ 'if-none-match': etag })
    await utimes(path.join(dir, 'repo.json'), 1, 1)
    expect(await downloader.text(task, [`${url}/repo.json`], { etag })).toEqual({ text: '{}', etag: '"1000-2"' })
  })

  test('keeps its ETag when the server does not repeat it', async () => {
    const { url } = await servers.http(answer(304))
    expect(await downloaderWith().text(task, [url], { etag: '"1"' })).toEqual({ text: undefined, etag: '"1"' })
  })

  test('cannot be still the same as none', async () => {
    const { url } = await servers.http(answer(304))
    await expect(downloaderWith().text(task, [url])).rejects.toThrow('the server answered 304 Not Modified')
  })

  test('that breaks off comes anew', async () => {
    const { url, requests } = await servers.http(
      inTurn(
        (_, response) => {
          response.writeHead(200, { 'content-length': 5 })
          response.write('he', () => response.destroy())
        },
        answer(200, {}, 'hello'),
      ),
    )
    expect((await downloaderWith().text(task, [url])).text).toBe('hello')
    expect(requests[1]?.headers).not.toHaveProperty('range')
  })

  test('comes from the next mirror that has it', async () => {
    const missing = await servers.http(answer(404))
    const good = await servers.http(answer(200, {}, 'hello'))
    expect((await downloaderWith().text(task, [missing.url, good.url])).text).toBe('hello')
  })

  test.each([
    ['says to be', { 'content-length': 11 }, 'hello'],
    ['turns out to be', {}, 'hello world'],
  ])('that %s longer than expected is refused', async (_, headers, body) => {
    const { url, requests, idle } = await servers.http((_, response) => {
      response.writeHead(200, headers)
      response.write(body)
    })
    await expect(downloaderWith().text(task, [url], { maxBytes: 10 })).rejects.toMatchObject({
      code: 'LAGO_DOWNLOAD',
      message: `cannot download ${url}/: it is longer than the 10 bytes that are expected at most`,
      hint: 'check the URL: it leads to something else',
    })
    expect(requests).toHaveLength(1)
    await idle()
  })

  test('of 10 bytes may be as long as that', async () => {
    const { url } = await servers.http(answer(200, { 'content-length': 10 }, '0123456789'))
    expect((await downloaderWith().text(task, [url], { maxBytes: 10 })).text).toBe('0123456789')
  })

  test('is at most 16 MiB long when nothing is said', async () => {
    const { url } = await servers.http(answer(200, {}, randomBytes(16 * 1024 ** 2 + 1)))
    await expect(downloaderWith().text(task, [url])).rejects.toThrow('longer than the 16777216 bytes')
  })

  test('that was encoded on the way is refused', async () => {
    const { url } = await servers.http(answer(200, { 'content-encoding': 'gzip' }, gzipSync('hello')))
    await expect(downloaderWith().text(task, [url])).rejects.toThrow('the server sent it encoded as "gzip"')
  })

  test('that hangs in the middle ends with what was seen', async () => {
    const { url, port } = await servers.http((_, response) => {
      response.writeHead(200, { 'content-length': 5 })
      response.write('he')
    })
    await expect(downloaderWith({ silenceMs: 200 }).text(task, [url])).rejects.toMatchObject({
      message: `cannot download ${url}/: 127.0.0.1:${port} fell silent: 2 bytes within 0.2 s (3 tries)`,
    })
  })

  test('ends with the task', async () => {
    const { task, abort } = recordedTask()
    const reason = new Error('enough')
    const { url, idle } = await servers.http((_, response) => {
      response.writeHead(200, { 'content-length': 5 })
      response.write('he')
      setImmediate(() => abort(reason))
    })
    await expect(downloaderWith().text(task, [url])).rejects.toBe(reason)
    await idle()
  })
})
