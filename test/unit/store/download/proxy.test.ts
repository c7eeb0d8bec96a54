import { describe, expect, test } from '@jest/globals'
import { proxyFor } from '../../../../src/store/download/proxy.js'
import { useHttpServers } from '../../../helpers/http-server.js'
import { recordedTask } from '../../../helpers/recorded-task.js'
import { answer, downloaderWith, readAll } from './setup.js'

const servers = useHttpServers()
const { task } = recordedTask()

describe('the variables that curl knows', () => {
  const shown = (url: string, env: Record<string, string>): string | undefined => proxyFor(new URL(url), env)?.href

  test.each<[string, Record<string, string>, string | undefined]>([
    ['http://host/', {}, undefined],
    ['http://host/', { http_proxy: 'http://proxy:3128' }, 'http://proxy:3128/'],
    ['http://host/', { http_proxy: 'proxy:3128' }, 'http://proxy:3128/'],
    ['https://host/', { https_proxy: 'proxy' }, 'http://proxy/'],
    ['https://host/', { https_proxy: 'https://proxy' }, 'https://proxy/'],
    ['https://host/', { HTTPS_PROXY: 'http://upper', https_proxy: 'http://lower' }, 'http://lower/'],
    ['https://host/', { HTTPS_PROXY: 'http://upper' }, 'http://upper/'],
    ['http://host/', { HTTP_PROXY: 'http://upper' }, undefined],
    ['https://host/', { http_proxy: 'http://proxy' }, undefined],
    ['http://host/', { all_proxy: 'http://all', http_proxy: 'http://proxy' }, 'http://proxy/'],
    ['http://host/', { ALL_PROXY: 'http://upper', all_proxy: 'http://all' }, 'http://all/'],
    ['https://host/', { ALL_PROXY: 'http://upper' }, 'http://upper/'],
    ['http://host/', { http_proxy: '', all_proxy: 'http://all' }, 'http://all/'],
    ['http://host/', { http_proxy: 'http://u:p@proxy' }, 'http://u:p@proxy/'],
  ])('%s with %j goes through %s', (url, env, proxy) => {
    expect(shown(url, env)).toBe(proxy)
  })

  test.each<[boolean, string, string]>([
    [true, 'http://host/', '*'],
    [true, 'http://host/', 'other,host'],
    [true, 'http://host:8080/', 'other host'],
    [true, 'http://HOST./', 'Host'],
    [true, 'http://a.host/', 'host'],
    [true, 'http://a.host/', '.host'],
    [true, 'http://host/', '.host'],
    [true, 'http://host/', 'host.'],
    [false, 'http://myhost/', 'host'],
    [false, 'http://host/', 'a.host'],
    [false, 'http://host/', ''],
    [false, 'http://host/', ' , '],
    [true, 'http://127.0.0.1/', '127.0.0.1'],
    [true, 'http://192.168.3.4/', '10.0.0.0/8, 192.168.0.0/16'],
    [false, 'http://192.169.3.4/', '192.168.0.0/16'],
    [false, 'http://1.192.168.3/', '192.168.3'],
    [false, 'http://10.0.0.1/', '10.0.0.0/33'],
    [false, 'http://10.0.0.1/', '10.0.0.0/x'],
    [true, 'http://10.0.0.1/', '0.0.0.0/0'],
    [true, 'http://[::1]/', '::1'],
    [true, 'http://[::1]/', '[::1]'],
    [true, 'http://[fd00::5]/', 'fd00::/8'],
    [false, 'http://[fe80::5]/', 'fd00::/8'],
    [false, 'http://10.0.0.1/', '::/0'],
  ])('%s: %s is excepted by no_proxy="%s"', (isExcepted, url, list) => {
    const expected = isExcepted ? undefined : 'http://proxy/'
    expect(shown(url, { http_proxy: 'http://proxy', no_proxy: list })).toBe(expected)
    expect(shown(url, { http_proxy: 'http://proxy', NO_PROXY: list })).toBe(expected)
    expect(shown(url, { http_proxy: 'http://proxy', NO_PROXY: '*', no_proxy: list || 'x' })).toBe(expected)
  })

  test.each([
    ['socks5://user:word@proxy', 'the variable all_proxy names a socks5: proxy'],
    ['http://', 'the variable all_proxy is no URL'],
  ])('%s is no proxy for us', async (all_proxy, found) => {
    await expect(downloaderWith({}, { all_proxy }).open(task, ['http://host/x'])).rejects.toMatchObject({
      code: 'LAGO_DOWNLOAD',
      message: `cannot download http://host/x: ${found}`,
      hint: 'set all_proxy to http://HOST:PORT or https://HOST:PORT, or except the host with no_proxy',
    })
  })
})

describe('through a proxy', () => {
  test('http asks it for the whole URL, with its own user', async () => {
    const proxy = await servers.http(answer(200, {}, 'hello'))
    const env = { http_proxy: proxy.url.replace('//', '//user:word@') }
    const stream = await downloaderWith({}, env).open(task, ['http://ann:secret@host.invalid/a?b'])
    expect((await readAll(stream)).toString()).toBe('hello')
    expect(proxy.requests).toMatchObject([
      {
        target: 'http://host.invalid/a?b',
        headers: {
          host: 'host.invalid',
          'proxy-authorization': `Basic ${Buffer.from('user:word').toString('base64')}`,
          authorization: `Basic ${Buffer.from('ann:secret').toString('base64')}`,
        },
      },
    ])
  })

  test('a redirect to an excepted host goes past it', async () => {
    const there = await servers.http(answer(200, {}, 'hello'))
    const proxy = await servers.http(answer(302, { location: there.url }))
    const env = { http_proxy: proxy.url, no_proxy: '127.0.0.1' }
    expect((await downloaderWith({}, env).text(task, ['http://host.invalid/'])).text).toBe('hello')
  })

  test('a proxy that is not there is told as such', async () => {
    const env = { all_proxy: 'http://user:word@127.0.0.1:1' }
    for (const scheme of ['http', 'https'])
      await expect(downloaderWith({}, env).open(task, [`${scheme}://host.invalid/`])).rejects.toMatchObject({
        message: `cannot download ${scheme}://host.invalid/: the proxy http://127.0.0.1:1/ refused the connection (3 tries)`,
      })
  })

  test('a proxy that wants a user is told as such', async () => {
    const proxy = await servers.http(answer(407))
    await expect(
      downloaderWith({}, { http_proxy: proxy.url }).open(task, ['http://host.invalid/']),
    ).rejects.toMatchObject({
      message: 'cannot download http://host.invalid/: the server answered 407 Proxy Authentication Required',
      hint: 'put user and password into the URL of the proxy: http://USER:PASSWORD@HOST:PORT',
    })
  })

  test.each([
    [407, 'Authenticate', 'put user and password into the URL of the proxy: http://USER:PASSWORD@HOST:PORT'],
    [403, 'Forbidden', 'check the variable https_proxy, or except the host with no_proxy'],
    [
      302,
      'Found\r\nLocation: http://evil.invalid/',
      'check the variable https_proxy, or except the host with no_proxy',
    ],
    [206, 'Fine', 'check the variable https_proxy, or except the host with no_proxy'],
  ])('a tunnel that is refused with %i is no answer of the server', async (status, words, hint) => {
    const { url } = await servers.tcp((socket) => {
      socket.end(`HTTP/1.1 ${status} ${words}\r\nContent-Length: 5\r\n\r\nhello`)
    })
    const error: unknown = await downloaderWith({}, { https_proxy: url })
      .open(task, ['https://host.invalid/x'])
      .catch((error: unknown) => error)
    expect(error).toMatchObject({
      code: 'LAGO_DOWNLOAD',
      message: `cannot download https://host.invalid/x: the proxy ${url}/ gave no tunnel to host.invalid: it answered ${status}`,
      hint,
    })
  })

  test('a proxy that says nothing is told as such, and let go', async () => {
    const { url, idle } = await servers.tcp(() => undefined)
    const downloader = downloaderWith({ answerMs: 500, tries: 1 }, { https_proxy: url })
    await expect(downloader.open(task, ['https://host.invalid/x'])).rejects.toMatchObject({
      message: `cannot download https://host.invalid/x: the proxy ${url}/ gave no connection within 0.5 s`,
    })
    await idle()
  })

  test('an abort ends the wait for the tunnel', async () => {
    const { task, abort } = recordedTask()
    const reason = new Error('enough')
    const { url, idle } = await servers.tcp(() => abort(reason))
    await expect(downloaderWith({}, { https_proxy: url }).open(task, ['https://host.invalid/x'])).rejects.toBe(reason)
    await idle()
  })
})
