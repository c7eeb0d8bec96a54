import { writeFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import path from 'node:path'
import { inspect } from 'node:util'
import { expect, test } from '@jest/globals'
import type { LagoEvent } from '../../../../src/base/events.js'
import { knownSecrets } from '../../../../src/base/secrets.js'
import { createTask } from '../../../../src/base/task.js'
import { inTurn, useHttpServers } from '../../../helpers/http-server.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'
import { answer, downloaderWith, held, readAndBreak } from './setup.js'

const servers = useHttpServers()
const tempDir = useTempDirs()
const SECRETS = ['url-password', 'netrc-password', 'proxy-password', 'query-token', 'redirect-token']
const encoded = (user: string): string => Buffer.from(user).toString('base64')
const FORMS = [...SECRETS, encoded('u:url-password'), encoded('n:netrc-password'), encoded('p:proxy-password')]

const redirect: RequestListener = (request, response) => {
  answer(302, { location: `http://x:redirect-token@${request.headers.host}/b?sig=redirect-token` })(request, response)
}

/** `first` breaks off behind its first byte. */
test.each<[string, (first: RequestListener) => readonly RequestListener[]]>([
  ['a missing file', () => [answer(404)]],
  ['a broken server', () => [answer(500)]],
  ['a redirect to a missing file', () => [redirect, answer(404)]],
  ['a circle', () => [redirect]],
  ['an encoding', () => [answer(200, { 'content-encoding': 'br' })]],
  ['a server that hangs up', () => [(_, response) => void response.destroy()]],
  ['a server that does not answer', () => [() => undefined]],
  ['a connection that breaks', (first) => [first, answer(500)]],
  ['a file that changes', (first) => [first, answer(200, { etag: '"2"' })]],
])('%s shows no secrets in errors, events and logs', async (_, answersWith) => {
  const NETRC = path.join(await tempDir(), 'netrc')
  await writeFile(NETRC, 'default login n password netrc-password', { mode: 0o644 })
  const events: LagoEvent[] = []
  const task = createTask({ emit: (event) => void events.push(event), close: async () => undefined })
  for (const user of ['u:url-password@', ''])
    for (const isProxied of [false, true]) {
      const first = held({ 'content-length': 9, etag: '"1"' }, 'a')
      const server = await servers.http(inTurn(...answersWith(first.answer)))
      const http_proxy = isProxied ? server.url.replace('//', '//p:proxy-password@') : ''
      const downloader = downloaderWith({ answerMs: 100 }, { NETRC, http_proxy })
      const error: unknown = await downloader
        .open(task, [`${server.url.replace('//', `//${user}`)}/a?token=query-token`])
        .then(async (stream) => readAndBreak(stream, 1, first))
        .catch((error: unknown) => error)
      expect(error).toMatchObject({ code: 'LAGO_DOWNLOAD' })
      const told = inspect([error, events], { depth: Infinity, showHidden: true, maxStringLength: null })
      expect(FORMS.filter((secret) => told.includes(secret))).toEqual([])
    }
  expect(events.length).toBeGreaterThan(0)
})

test('passwords are told to those who clean logs', async () => {
  const { url } = await servers.http(answer(200))
  const task = createTask({ emit: () => undefined, close: async () => undefined })
  await downloaderWith().text(task, [url.replace('//', '//user:one-more-password@')])
  expect(knownSecrets()).toContain('one-more-password')
  expect(knownSecrets()).toContain(encoded('user:one-more-password'))
})
