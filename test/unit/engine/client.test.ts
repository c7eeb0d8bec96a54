import { readFile, readdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { knownSecrets } from '../../../src/base/secrets.js'
import { connectEngine } from '../../../src/engine/client.js'
import { engineFacts, listHosts } from '../../../src/engine/resources.js'
import type { Engine, EngineOptions, Trust } from '../../../src/engine/types.js'
import { makeCertificate } from '../../helpers/engine/certificate.js'
import { useEngines } from '../../helpers/engine/use-engine.js'
import { useHttpServers } from '../../helpers/http-server.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const engines = useEngines()
const servers = useHttpServers()
const tempDir = useTempDirs()
const INSECURE: Trust = { kind: 'insecure' }
const LONG_MS = 20_000

function optionsFor(url: string, changes: Partial<EngineOptions> = {}): EngineOptions {
  return { url, user: 'admin@internal', password: '123', trust: INSECURE, everyMs: 1, ...changes }
}

async function pinned(): Promise<Extract<Trust, { kind: 'pinned' }>> {
  return { kind: 'pinned', caPath: path.join(await tempDir(), 'engine-ca.pem') }
}

async function versionOf(task: ReturnType<typeof recordedTask>['task'], engine: Engine): Promise<string> {
  return (await engineFacts(task, engine)).version
}

describe('a session', () => {
  test('is begun with a token, and ended at the end', async () => {
    const { task, messages } = recordedTask()
    const standIn = await engines.start()
    {
      await using engine = await connectEngine(task, optionsFor(standIn.url), LONG_MS)
      expect(await engineFacts(task, engine)).toEqual({
        version: '4.3.10.4-1.el7',
        items: {
          hosts: { total: 2, active: 2 },
          storage_domains: { total: 3, active: 3 },
          users: { total: 1, active: 1 },
          vms: { total: 1, active: 0 },
        },
      })
      expect(standIn.api.openSessions).toBe(1)
    }
    expect(standIn.api.openSessions).toBe(0)
    expect(messages().join('\n')).not.toMatch(/token-1/)
    expect(knownSecrets()).toContain('token-1-of-the-stand-in')
  })

  test('that the engine has forgotten is begun again', async () => {
    const { task } = recordedTask()
    const standIn = await engines.start()
    await using engine = await connectEngine(task, optionsFor(standIn.url), LONG_MS)
    standIn.api.endSessions()
    expect(await versionOf(task, engine)).toBe('4.3.10.4-1.el7')
    expect(standIn.api.tokensGiven).toBe(2)
  })

  test('goes by the password alone where there is no single sign-on', async () => {
    const { task } = recordedTask()
    const standIn = await engines.start({}, { sso: false })
    await using engine = await connectEngine(task, optionsFor(standIn.url), LONG_MS)
    expect(await versionOf(task, engine)).toBe('4.3.10.4-1.el7')
    expect(standIn.api.tokensGiven).toBe(0)
  })

  test('is in XML with an engine that has only that', async () => {
    const { task } = recordedTask()
    const standIn = await engines.start({}, { formats: 'xml', looksPerState: 1 })
    await using engine = await connectEngine(task, optionsFor(standIn.url), LONG_MS)
    expect(await listHosts(task, engine)).toEqual([
      { id: 'ho-0', name: 'host0', status: 'up', path: 'hosts/ho-0', clusterId: 'cl-1' },
      { id: 'ho-1', name: 'host1', status: 'up', path: 'hosts/ho-1', clusterId: 'cl-1' },
    ])
    await engine.ask(task, 'hosts/ho-0/deactivate')
    await engine.change(task, 'clusters/cl-1', 'cluster', { cpu: { type: 'Intel Haswell Family' } })
    expect(standIn.data.clusters).toMatchObject([{ cpuType: 'Intel Haswell Family' }])
    expect((await listHosts(task, engine)).map(({ status }) => status)).toEqual(['maintenance', 'up'])
  })

  test.each([
    ['one', [{ id: 'ho-0', name: 'host0', cluster: 'cl-1', status: 'up' }], ['host0']],
    ['no', [], []],
  ])('reads a list of %s in XML', async (_, hosts, names) => {
    const { task } = recordedTask()
    const standIn = await engines.start({ hosts }, { formats: 'xml' })
    await using engine = await connectEngine(task, optionsFor(standIn.url), LONG_MS)
    expect((await listHosts(task, engine)).map(({ name }) => name)).toEqual(names)
  })

  test.each([true, false])('is not begun with a wrong password (single sign-on: %s)', async (sso) => {
    const { task, messages } = recordedTask()
    const standIn = await engines.start({}, { sso })
    const options = optionsFor(standIn.url, { password: 'not this one' })
    await expect(connectEngine(task, options, LONG_MS)).rejects.toMatchObject({
      code: 'LAGO_ENGINE_AUTH',
      message: expect.stringMatching(/^the engine at https:\S+ does not let (admin@internal|us) in: /),
      hint: expect.stringContaining('ovirt-engine-password'),
    })
    expect(messages().join('\n')).not.toContain('not this one')
  })

  test('is not begun with an engine of version 3', async () => {
    const { task } = recordedTask()
    const standIn = await engines.start({ version: '3.6.7' })
    await expect(connectEngine(task, optionsFor(standIn.url), LONG_MS)).rejects.toMatchObject({
      code: 'LAGO_ENGINE_VERSION',
      message: expect.stringContaining('is of version 3, not 4 or later'),
    })
  })
})

describe('an engine that is not there yet', () => {
  test.each([['drop' as const], [503], [502], [404]])('is asked again (%s)', async (how) => {
    const { task } = recordedTask()
    const standIn = await engines.start()
    standIn.fail({ on: /GET .*\/api$/, times: 3, how })
    await using engine = await connectEngine(task, optionsFor(standIn.url), LONG_MS)
    expect(await versionOf(task, engine)).toBe('4.3.10.4-1.el7')
  })

  test('is given up after the limit, with what was last seen', async () => {
    const { task } = recordedTask()
    const standIn = await engines.start()
    await standIn.goAway()
    const error = await connectEngine(task, optionsFor(standIn.url), 30).catch((error: unknown) => error)
    expect(error).toMatchObject({
      code: 'LAGO_ENGINE_UNREACHABLE',
      message: expect.stringMatching(/Failed to connect to the engine within 0.03 s; last seen: connect ECONNREFUSED/),
    })
  })

  test('is given up when it never answers', async () => {
    const { task } = recordedTask()
    const standIn = await engines.start()
    standIn.fail({ how: 'hang' })
    const options = optionsFor(standIn.url, { requestTimeoutMs: 20 })
    await expect(connectEngine(task, options, 50)).rejects.toMatchObject({
      code: 'LAGO_ENGINE_UNREACHABLE',
      message: expect.stringContaining('no answer within 0.02 s'),
    })
  })

  test('is left when the task is aborted', async () => {
    const { task, abort } = recordedTask()
    const standIn = await engines.start()
    standIn.fail({ how: 'hang' })
    const connecting = connectEngine(task, optionsFor(standIn.url), LONG_MS)
    abort(new Error('enough'))
    await expect(connecting).rejects.toThrow('enough')
  })
})

describe('what the engine refuses', () => {
  test('is told in its own words', async () => {
    const { task } = recordedTask()
    const standIn = await engines.start()
    await using engine = await connectEngine(task, optionsFor(standIn.url), LONG_MS)
    await expect(engine.ask(task, 'hosts/ho-0/activate')).rejects.toMatchObject({
      code: 'LAGO_ENGINE_REFUSED',
      message: expect.stringMatching(
        /refused POST \/api\/hosts\/ho-0\/activate: Operation Failed: \[Cannot activate Host. Host is already Up.\]$/,
      ),
      data: { status: 409 },
    })
  })

  test('by a status alone is told by that', async () => {
    const { task } = recordedTask()
    const standIn = await engines.start()
    await using engine = await connectEngine(task, optionsFor(standIn.url), LONG_MS)
    await expect(engine.get(task, 'hosts/no-such')).rejects.toMatchObject({ data: { status: 404 } })
  })

  test('of what is not in its API fails the test that asked', async () => {
    const { task } = recordedTask()
    const standIn = await engines.start()
    await using engine = await connectEngine(task, optionsFor(standIn.url), LONG_MS)
    await expect(engine.get(task, 'nothing')).rejects.toMatchObject({ data: { status: 400 } })
    await expect(
      engine.change(task, 'clusters/cl-1', 'cluster', { cpu: { kind: 'Intel Haswell Family' } }),
    ).rejects.toMatchObject({ data: { status: 400 } })
    expect(standIn.api.violations.splice(0)).toEqual([
      'GET /ovirt-engine/api/nothing: no such path',
      'PUT /ovirt-engine/api/clusters/cl-1: unknown fields: kind',
    ])
  })
})

test.each([
  ['neither JSON nor XML', 'text/plain', 'hello', "the engine's answer is neither JSON nor XML: hello"],
  [
    'broken JSON',
    'application/json',
    '{"product_info"',
    'the engine\'s answer is neither JSON nor XML: {"product_info"',
  ],
  ['broken XML', 'application/xml', '<api>', "the engine's answer is neither JSON nor XML: <api>"],
])('something else than an engine is told: %s', async (_, contentType, body, message) => {
  const { task } = recordedTask()
  const { url } = await servers.http(
    (request, response) => {
      const status = request.url === '/ovirt-engine/api' ? 200 : 404
      response.writeHead(status, { 'content-type': contentType }).end(body)
    },
    { tls: engines.certificate() },
  )
  await expect(connectEngine(task, optionsFor(`${url}/ovirt-engine`), LONG_MS)).rejects.toMatchObject({
    code: 'LAGO_ENGINE_ANSWER',
    message,
  })
})

describe('the certificate', () => {
  test('is believed at the first meeting, told, and has to be of the same authority from then on', async () => {
    const trust = await pinned()
    const standIn = await engines.start()
    const first = recordedTask()
    await using _engine = await connectEngine(first.task, optionsFor(standIn.url, { trust }), LONG_MS)
    expect(first.messages('info')).toEqual([
      expect.stringMatching(
        /^met https:\S+ for the first time; its authority has the SHA-256 fingerprint ([0-9A-F]{2}:){31}/,
      ),
    ])
    expect(await readFile(trust.caPath, 'utf8')).toBe(engines.certificate().ca)

    const second = recordedTask()
    await using _again = await connectEngine(second.task, optionsFor(standIn.url, { trust }), LONG_MS)
    expect(second.messages('info')).toEqual([])

    const other = await engines.start({}, { certificate: await makeCertificate() })
    await expect(connectEngine(second.task, optionsFor(other.url, { trust }), LONG_MS)).rejects.toMatchObject({
      code: 'LAGO_ENGINE_CERTIFICATE',
      message: expect.stringMatching(/^what answers at https:\S+ is not the known engine: /),
      hint: `if the engine was set up anew, remove ${trust.caPath}, and the next verb meets it anew`,
    })
    expect(other.requests).toEqual([])
  })

  test('is kept whole when several meet the engine at once', async () => {
    const trust = await pinned()
    const standIn = await engines.start()
    const { task } = recordedTask()
    const meet = async (): Promise<void> => {
      await using _engine = await connectEngine(task, optionsFor(standIn.url, { trust }), LONG_MS)
    }
    await Promise.all([1, 2, 3, 4].map(meet))
    expect(await readFile(trust.caPath, 'utf8')).toBe(engines.certificate().ca)
    expect(await readdir(path.dirname(trust.caPath))).toEqual(['engine-ca.pem'])
    expect((await stat(trust.caPath)).mode & 0o777).toBe(0o600)
  })

  test('is waited for while the web server knows nothing of the engine yet', async () => {
    const standIn = await engines.start()
    standIn.fail({ how: 404, times: 4 })
    const options = optionsFor(standIn.url, { trust: await pinned() })
    await using engine = await connectEngine(recordedTask().task, options, LONG_MS)
    expect(engine.url).toBe(standIn.url)
  })

  test('has to be of the authority that the engine names', async () => {
    const trust = await pinned()
    const { task } = recordedTask()
    const standIn = await engines.start({}, { ca: (await makeCertificate()).ca })
    await expect(connectEngine(task, optionsFor(standIn.url, { trust }), LONG_MS)).rejects.toMatchObject({
      code: 'LAGO_ENGINE_CERTIFICATE',
    })
    await expect(readFile(trust.caPath)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('of an authority that is not given away needs a word of the user', async () => {
    const { task, messages } = recordedTask()
    const standIn = await engines.start({}, { ca: undefined })
    const options = optionsFor(standIn.url, { trust: await pinned() })
    await expect(connectEngine(task, options, LONG_MS)).rejects.toMatchObject({
      code: 'LAGO_ENGINE_CERTIFICATE',
      hint: 'give it with --ca-file, or go without it with --insecure',
    })

    const caPath = path.join(await tempDir(), 'mine.pem')
    await writeFile(caPath, engines.certificate().ca)
    await using _byFile = await connectEngine(
      task,
      optionsFor(standIn.url, { trust: { kind: 'ca-file', caPath } }),
      LONG_MS,
    )
    expect(messages('warning')).toEqual([])

    standIn.fail({ on: /GET .*\/api$/, times: 2, how: 503 })
    await using _insecure = await connectEngine(task, optionsFor(standIn.url), LONG_MS)
    expect(messages('warning')).toEqual([
      `the certificate of ${standIn.url} is not checked: anybody could answer there (--insecure)`,
    ])
  })

  test.each([
    ['of another authority', async () => (await makeCertificate()).ca, /is not the known engine/],
    ['without a certificate', async () => 'nothing', /^no certificate in PEM form is in \S+mine.pem: /],
  ])('is not believed by a file %s', async (_, content, message) => {
    const { task } = recordedTask()
    const standIn = await engines.start()
    const caPath = path.join(await tempDir(), 'mine.pem')
    await writeFile(caPath, await content())
    const options = optionsFor(standIn.url, { trust: { kind: 'ca-file', caPath } })
    await expect(connectEngine(task, options, LONG_MS)).rejects.toMatchObject({
      code: 'LAGO_ENGINE_CERTIFICATE',
      message: expect.stringMatching(message),
    })
  })
})
