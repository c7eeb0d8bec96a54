import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { inTurn, useHttpServers } from '../../../helpers/http-server.js'
import { recordedTask } from '../../../helpers/recorded-task.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'
import { answer, downloaderWith, held, readAll, readAndBreak, rest } from './setup.js'

const servers = useHttpServers()
const tempDir = useTempDirs()
const { task } = recordedTask()
const CONTENT = Buffer.alloc(100, 'content ')
const FILE = { 'content-length': CONTENT.length, etag: '"v1"' }
const file = answer(200, FILE, CONTENT)
const to = (location: string, status = 302): ReturnType<typeof answer> => answer(status, { location })
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`

describe('redirects', () => {
  test.each([301, 302, 303, 307, 308])('of kind %i are followed to the file', async (status) => {
    const there = await servers.http(file)
    const here = await servers.http(to(`${there.url}/b?arch=x86_64#part`, status))
    const stream = await downloaderWith().open(task, [`${here.url}/a`])
    expect(stream.url).toBe(`${there.url}/b?arch=x86_64`)
    expect(await readAll(stream)).toEqual(CONTENT)
    expect(there.requests[0]?.target).toBe('/b?arch=x86_64')
  })

  test('may be relative, and in UTF-8', async () => {
    const { url, requests } = await servers.http(inTurn(to(Buffer.from('../ö').toString('latin1')), file))
    expect(await readAll(await downloaderWith().open(task, [`${url}/a/b`]))).toEqual(CONTENT)
    expect(requests[1]?.target).toBe('/%C3%B6')
  })

  test('in a circle are told with it', async () => {
    const { url, requests } = await servers.http(inTurn(to('/b'), to('/c'), to('/b')))
    await expect(downloaderWith().open(task, [`${url}/a`])).rejects.toMatchObject({
      code: 'LAGO_DOWNLOAD',
      message:
        `cannot download ${url}/a: redirected to ${url}/c: ` +
        `the server redirects in a circle: ${url}/a -> ${url}/b -> ${url}/c -> ${url}/b`,
    })
    expect(requests).toHaveLength(3)
  })

  test('to itself are a circle', async () => {
    const { url } = await servers.http(to('#again'))
    await expect(downloaderWith().open(task, [url])).rejects.toThrow(`in a circle: ${url}/ -> ${url}/`)
  })

  test('without end end', async () => {
    let count = 0
    const { url, requests } = await servers.http((request, response) => to(`/${++count}`)(request, response))
    await expect(downloaderWith().open(task, [url])).rejects.toMatchObject({
      message: `cannot download ${url}/: redirected to ${url}/8: the server redirects more than 8 times`,
    })
    expect(requests).toHaveLength(9)
  })

  test.each([
    ['file:///etc/passwd', 'redirects to a URL of the kind file:'],
    ['ftp://host/x', 'redirects to a URL of the kind ftp:'],
    ['http://', 'redirects, but not to a URL'],
    ['', 'redirects, but not to a URL'],
  ])('to %j are refused', async (location, found) => {
    const { url, requests } = await servers.http(answer(302, location === '' ? {} : { location }))
    await expect(downloaderWith().open(task, [url])).rejects.toMatchObject({
      message: `cannot download ${url}/: the server ${found}`,
      hint: 'give the URL that it should lead to; or ask whoever runs the server',
    })
    expect(requests).toHaveLength(1)
  })

  test('that lead to nothing are told with the place', async () => {
    const there = await servers.http(answer(404))
    const here = await servers.http(to(`${there.url}/b`))
    await expect(downloaderWith().open(task, [`${here.url}/a`])).rejects.toMatchObject({
      message: `cannot download ${here.url}/a: redirected to ${there.url}/b: the server answered 404 Not Found`,
      data: { failures: [{ url: `${here.url}/a`, status: 404 }] },
    })
  })

  test('are left at once, whatever they still have to say', async () => {
    const there = await servers.http(file)
    const { url, idle } = await servers.http((_, response) => {
      response.writeHead(302, { location: there.url }).write('more to come')
    })
    expect(await readAll(await downloaderWith().open(task, [url]))).toEqual(CONTENT)
    await idle()
  })

  test('are not asked again for the rest of a file', async () => {
    const first = held(FILE, CONTENT.subarray(0, 50))
    const there = await servers.http(inTurn(first.answer, rest(CONTENT.subarray(50), 50, { etag: '"v1"' })))
    const here = await servers.http(to(there.url))
    expect(await readAndBreak(await downloaderWith().open(task, [here.url]), 50, first)).toEqual(CONTENT)
    expect([here.requests.length, there.requests.length]).toEqual([1, 2])
  })

  test('are asked again when they led to what is there no more', async () => {
    const first = held(FILE, CONTENT.subarray(0, 50))
    const gone = await servers.http(inTurn(first.answer, answer(403)))
    const there = await servers.http(rest(CONTENT.subarray(50), 50, { etag: '"v1"' }))
    const here = await servers.http(inTurn(to(gone.url), to(there.url)))
    expect(await readAndBreak(await downloaderWith().open(task, [here.url]), 50, first)).toEqual(CONTENT)
  })
})

describe('user and password', () => {
  async function netrc(text: string): Promise<{ NETRC: string }> {
    const NETRC = path.join(await tempDir(), 'netrc')
    await writeFile(NETRC, text, { mode: 0o600 })
    return { NETRC }
  }

  test('of the URL are sent', async () => {
    const { url, requests } = await servers.http(file)
    await readAll(await downloaderWith().open(task, [url.replace('//', '//us%40er:pass%3Aword@')]))
    expect(requests[0]?.headers.authorization).toBe(basic('us@er:pass:word'))
  })

  test('that are no valid encoding are sent as they are', async () => {
    const { url, requests } = await servers.http(file)
    await readAll(await downloaderWith().open(task, [url.replace('//', '//user:100%@')]))
    expect(requests[0]?.headers.authorization).toBe(basic('user:100%'))
  })

  test('of ~/.netrc are sent to their host', async () => {
    const HOME = await tempDir()
    await writeFile(path.join(HOME, '.netrc'), 'machine 127.0.0.1 login ann password "a b"', { mode: 0o600 })
    const { url, requests } = await servers.http(file)
    const downloader = downloaderWith({}, { HOME })
    await downloader.text(task, [url])
    await readAll(await downloader.open(task, [url.replace('127.0.0.1', 'localhost')]))
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([basic('ann:a b'), undefined])
  })

  test('of $NETRC go before those of ~/.netrc, those of the URL before both', async () => {
    const HOME = await tempDir()
    await writeFile(path.join(HOME, '.netrc'), 'default login home password home', { mode: 0o600 })
    const env = { HOME, ...(await netrc('default login ann password secret')) }
    const { url, requests } = await servers.http(file)
    const downloader = downloaderWith({}, env)
    await downloader.text(task, [url])
    await downloader.text(task, [url.replace('//', '//bob:bobs@')])
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([basic('ann:secret'), basic('bob:bobs')])
  })

  test('a user in the URL finds the password of that user', async () => {
    const env = await netrc(
      'machine 127.0.0.1 login ann password anns\nmachine 127.0.0.1 login bob password bobs\ndefault login x password y',
    )
    const { url, requests } = await servers.http(file)
    const downloader = downloaderWith({}, env)
    for (const user of ['bob', 'eve']) await downloader.text(task, [url.replace('//', `//${user}@`)])
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([basic('bob:bobs'), basic('eve:')])
  })

  test('go along redirects on the same server, and to no other', async () => {
    const other = await servers.http(file)
    const { url, requests } = await servers.http(inTurn(to('/b'), to(other.url)))
    const env = await netrc('default login ann password anns')
    await downloaderWith({}, env).text(task, [url])
    await downloaderWith({}, {}).text(task, [`${url.replace('//', '//user:word@')}/c`])
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([
      basic('ann:anns'),
      basic('ann:anns'),
      basic('user:word'),
    ])
    expect(other.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined])
  })

  test('in a redirect are nobody’s', async () => {
    const { url, requests } = await servers.http(
      inTurn((request, response) => {
        to(`http://eve:evil@${request.headers.host}/b`)(request, response)
      }, file),
    )
    await downloaderWith().text(task, [url])
    expect(requests[1]?.headers).not.toHaveProperty('authorization')
  })

  test('are sent for the rest of a file, too', async () => {
    const first = held(FILE, CONTENT.subarray(0, 50))
    const { url, requests } = await servers.http(inTurn(first.answer, rest(CONTENT.subarray(50), 50, { etag: '"v1"' })))
    const stream = await downloaderWith().open(task, [url.replace('//', '//user:word@')])
    expect(await readAndBreak(stream, 50, first)).toEqual(CONTENT)
    expect(requests[1]?.headers.authorization).toBe(basic('user:word'))
  })
})
