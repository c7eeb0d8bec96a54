/** Copies of real repositories that a web server has, by dnf and by our own reader, with what servers do wrong. */
import { execFile } from 'node:child_process'
import {
  appendFile,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { entriesBelow } from '../../../src/base/entries-below.js'
import { acquireLock } from '../../../src/base/lock.js'
import { waitUntil } from '../../../src/base/wait.js'
import { hostArch } from '../../../src/rpm/arches.js'
import { syncRepositories, type SyncedRepository, type SyncOptions } from '../../../src/rpm/sync.js'
import { readYumConfig } from '../../../src/rpm/yum-config.js'
import { repositoriesFor } from '../../../src/rpm/yum-repository.js'
import { inTurn, serveDir, useHttpServers } from '../../helpers/http-server.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { buildRpm, createRepodata } from '../../helpers/rpms.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const run = promisify(execFile)
const tempDir = useTempDirs()
const servers = useHttpServers()
const limits = { tries: 2, backOffMs: 1 }

/** One that no host here is. */
const FOREIGN = hostArch() === 's390x' ? 'aarch64' : 's390x'
/** File names of packages, by what the tests call them. */
const rpms = { a1: '', a2: '', b: '', lib: '', foreign: '', source: '' }
let builtDir = ''

beforeAll(async () => {
  builtDir = await mkdtemp(path.join(os.tmpdir(), 'lago-test-rpms-'))
  const specs: [keyof typeof rpms, Parameters<typeof buildRpm>[1]][] = [
    ['a1', { name: 'a', version: '1.9' }],
    ['a2', { name: 'a', version: '1.10' }],
    ['b', { name: 'b', arch: hostArch(), epoch: 2 }],
    ['lib', { name: 'a-libs' }],
    ['foreign', { name: 'f', arch: FOREIGN }],
    ['source', { name: 's', arch: 'src' }],
  ]
  for (const [key, spec] of specs) rpms[key] = path.basename(await buildRpm(builtDir, spec))
})
afterAll(async () => rm(builtDir, { recursive: true, force: true }))

/** A repository of these in `dir`, each in the directory of its first letter. */
async function publish(dir: string, ...keys: (keyof typeof rpms)[]): Promise<void> {
  await rm(path.join(dir, 'Packages'), { recursive: true, force: true })
  for (const key of keys) {
    const place = path.join(dir, 'Packages', rpms[key].slice(0, 1))
    await mkdir(place, { recursive: true })
    await copyFile(path.join(builtDir, rpms[key]), path.join(place, rpms[key]))
  }
  await mkdir(dir, { recursive: true })
  await createRepodata(dir)
}

function pathsOf(...keys: (keyof typeof rpms)[]): string[] {
  return keys.map((key) => `Packages/${rpms[key].slice(0, 1)}/${rpms[key]}`).sort()
}

async function packagesBelow(dir: string): Promise<string[]> {
  const entries = await entriesBelow(dir).catch(() => [])
  const files = entries.map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)))
  return files.filter((name) => name.endsWith('.rpm')).sort()
}

type Sections = Readonly<Record<string, string>>

/** Options for `sections`: name to lines. */
async function optionsFor(sections: Sections, options: Partial<SyncOptions> = {}): Promise<SyncOptions> {
  const dir = await tempDir()
  const configPath = path.join(dir, 'yum.conf')
  const texts = Object.entries(sections).map(([name, lines]) => `[${name}]\n${lines}\n`)
  await writeFile(configPath, texts.join(''))
  const config = await readYumConfig(configPath)
  const repositories = repositoriesFor(config, { distros: ['el7'] })
  return { config, repositories, downloadDir: path.join(dir, 'copies'), limits, ...options }
}

async function sync(options: SyncOptions, { task } = recordedTask()): Promise<readonly SyncedRepository[]> {
  return syncRepositories(task, options)
}

/** What is left in the directory for temporary files of this process. */
async function scratchDirs(): Promise<string[]> {
  return (await readdir(os.tmpdir())).filter((name) =>
    new RegExp(`^lago-reposync-.*-${process.pid.toString(36)}-`).test(name),
  )
}
afterEach(async () => expect(await scratchDirs()).toEqual([]))

describe.each(['dnf', 'own'] as const)('by %s', (way) => {
  test('the newest packages that the host can use come, in the directories that the repository has', async () => {
    const dir = await tempDir()
    await publish(dir, 'a1', 'a2', 'b', 'lib', 'foreign', 'source')
    const { url } = await servers.http(serveDir(dir))
    const options = await optionsFor({ 'r-el7': `name=r\nbaseurl=${url}/\nenabled=0\ngpgcheck=1` }, { way })
    const [synced] = await sync(options)
    expect(synced).toMatchObject({ repository: { id: 'r-el7' }, dir: `${options.downloadDir}/r-el7`, packages: 3 })
    expect(await packagesBelow(`${options.downloadDir}/r-el7`)).toEqual(pathsOf('a2', 'b', 'lib'))
    for (const file of pathsOf('a2', 'b', 'lib')) {
      const copy = await readFile(path.join(options.downloadDir, 'r-el7', file))
      expect(copy.equals(await readFile(path.join(dir, file)))).toBe(true)
    }
  })

  test('again, what is there stays, what is new comes, what is gone goes, and nothing else', async () => {
    const dir = await tempDir()
    await publish(dir, 'a1', 'b')
    const { url, requests } = await servers.http(serveDir(dir))
    const options = await optionsFor({ 'r-el7': `baseurl=${url}` }, { way })
    const copy = path.join(options.downloadDir, 'r-el7')
    await sync(options)
    const outside = path.join(await tempDir(), 'outside.rpm')
    await writeFile(outside, 'mine')
    await symlink(path.dirname(outside), path.join(copy, 'link'))
    await writeFile(path.join(copy, 'notes.txt'), 'mine')
    const { mtimeMs } = await stat(path.join(copy, ...pathsOf('b')))
    await publish(dir, 'a2', 'b')
    const before = requests.length
    await sync(options)
    expect(await packagesBelow(copy)).toEqual(pathsOf('a2', 'b'))
    expect((await stat(path.join(copy, ...pathsOf('b')))).mtimeMs).toBe(mtimeMs)
    const asked = requests.slice(before).map(({ target }) => target)
    expect(asked.filter((target) => target.endsWith('.rpm'))).toEqual([`/${pathsOf('a2')[0]}`])
    expect(await readFile(path.join(copy, 'notes.txt'), 'utf8')).toBe('mine')
    expect(await readFile(outside, 'utf8')).toBe('mine')
  })

  test('a copy that was damaged is fetched anew', async () => {
    const dir = await tempDir()
    await publish(dir, 'b', 'lib')
    const options = await optionsFor({ 'r-el7': `baseurl=file://${dir}` }, { way })
    const copy = path.join(options.downloadDir, 'r-el7')
    await sync(options)
    const [file = ''] = pathsOf('b')
    const whole = await readFile(path.join(copy, file))
    await writeFile(path.join(copy, file), Buffer.concat([whole.subarray(0, -4), Buffer.from('evil')]))
    await sync(options)
    expect((await readFile(path.join(copy, file))).equals(whole)).toBe(true)
  })

  test('a package that the repository has damaged is named after three tries, and is not there', async () => {
    const dir = await tempDir()
    await publish(dir, 'b', 'lib')
    const [file = ''] = pathsOf('b')
    const whole = await readFile(path.join(dir, file))
    await writeFile(path.join(dir, file), Buffer.concat([whole.subarray(0, -4), Buffer.from('evil')]))
    const { url } = await servers.http(serveDir(dir))
    const options = await optionsFor({ 'r-el7': `baseurl=${url}` }, { way })
    const recorded = recordedTask()
    await expect(sync(options, recorded)).rejects.toMatchObject({
      code: 'LAGO_SYNC_FAILED',
      message: expect.stringMatching(
        /^Failed to run reposync 3 times for repoid: r-el7, aborting\. .*b-1-1.*(sha256|checksum)/,
      ),
      data: { repository: 'r-el7' },
    })
    expect(recorded.messages('warning')).toEqual([
      expect.stringMatching(/^repository r-el7, try 1 of 3: /),
      expect.stringMatching(/^repository r-el7, try 2 of 3: /),
    ])
    expect(await packagesBelow(path.join(options.downloadDir, 'r-el7'))).not.toContain(file)
  })

  test('a package that the repository lists and has not is named; nothing is deleted then', async () => {
    const dir = await tempDir()
    await publish(dir, 'a1', 'lib')
    const { url } = await servers.http(serveDir(dir))
    const options = await optionsFor({ 'r-el7': `baseurl=${url}` }, { way })
    await sync(options)
    await publish(dir, 'b', 'lib')
    await rm(path.join(dir, ...pathsOf('b')))
    const failing = sync(options)
    await expect(failing).rejects.toMatchObject({ code: 'LAGO_SYNC_FAILED', message: expect.stringContaining(rpms.b) })
    if (way === 'own')
      await expect(failing).rejects.toMatchObject({
        message: `Failed to run reposync 3 times for repoid: r-el7, aborting. RPM ${rpms.b} is missing from ${url}/`,
        data: { code: 'LAGO_RPM_MISSING' },
      })
    expect(await packagesBelow(path.join(options.downloadDir, 'r-el7'))).toEqual(expect.arrayContaining(pathsOf('lib')))
  })

  test('a repository that is changed and shrinks while it is copied is copied as it is after that', async () => {
    const [before, after, served] = [await tempDir(), await tempDir(), await tempDir()]
    await publish(before, 'a1', 'b', 'lib')
    await publish(after, 'a2', 'lib')
    await symlink(before, path.join(served, 'r'))
    const swap = async (): Promise<void> => {
      await symlink(after, path.join(served, 'new'))
      await rename(path.join(served, 'new'), path.join(served, 'r'))
    }
    let isSwapped = false
    const listener: RequestListener = (request, response) => {
      const serve = (): void => serveDir(served)(request, response)
      if (isSwapped || !request.url?.endsWith(rpms.a1)) return serve() // the one that goes
      isSwapped = true
      void swap().then(serve)
    }
    const { url } = await servers.http(listener)
    const options = await optionsFor({ 'r-el7': `baseurl=${url}/r` }, { way })
    const recorded = recordedTask()
    await sync(options, recorded)
    expect(isSwapped).toBe(true)
    expect(recorded.messages('warning')).toHaveLength(1)
    expect(await packagesBelow(path.join(options.downloadDir, 'r-el7'))).toEqual(pathsOf('a2', 'lib'))
  })

  test('repositories that fail are named, while the others are copied', async () => {
    const [good, bare] = [await tempDir(), await tempDir()]
    await publish(good, 'lib')
    const { url } = await servers.http(serveDir(good))
    const down = await servers.http(serveDir(good))
    await down.close()
    const options = await optionsFor(
      {
        'down-el7': `baseurl=${down.url}\nretries=1`,
        'bare-el7': `baseurl=file://${bare}`,
        'good-el7': `baseurl=${url}`,
      },
      { way },
    )
    await expect(sync(options)).rejects.toMatchObject({
      code: 'LAGO_PARTIAL',
      data: {
        failures: expect.arrayContaining([
          { code: 'LAGO_SYNC_FAILED', message: expect.stringMatching(/repoid: down-el7, aborting\. .+/) },
          { code: 'LAGO_SYNC_FAILED', message: expect.stringMatching(/repoid: bare-el7, aborting\. .*repomd\.xml/) },
        ]),
      },
    })
    expect(await packagesBelow(path.join(options.downloadDir, 'good-el7'))).toEqual(pathsOf('lib'))
  })

  test('what is not there is told on one line, without headings, and with a hint', async () => {
    const { url } = await servers.http(serveDir(await tempDir()))
    const failing = sync(await optionsFor({ 'r-el7': `baseurl=${url}/none` }, { way }))
    await expect(failing).rejects.toMatchObject({
      message: expect.stringMatching(/aborting\. .*repodata\/repomd\.xml/),
      hint: expect.stringMatching(/^check (the|its) baseurl/),
    })
    await expect(failing).rejects.not.toMatchObject({ message: expect.stringMatching(/:;|; *-|  /) })
  })

  test.each([
    ['exclude=a', ['b', 'lib']],
    ['exclude=a-*', ['a2', 'b']],
    ['exclude=a-1.10*', ['a1', 'b', 'lib']],
    ['excludepkgs=b,a*', []],
    ['includepkgs=a*\nexclude=a-libs', ['a2']],
    ['includepkgs=*.noarch', ['a2', 'lib']],
    ['includepkgs=b-2:1-1\n  nothing', ['b']],
  ] as [string, (keyof typeof rpms)[]][])('with %j', async (lines, expected) => {
    const dir = await tempDir()
    await publish(dir, 'a1', 'a2', 'b', 'lib', 'foreign')
    const options = await optionsFor({ 'r-el7': `baseurl=file://${dir}\n${lines}` }, { way })
    await sync(options)
    expect(await packagesBelow(path.join(options.downloadDir, 'r-el7'))).toEqual(pathsOf(...expected))
  })

  test('for machines of another architecture', async () => {
    const dir = await tempDir()
    await publish(dir, 'b', 'lib', 'foreign')
    const options = await optionsFor({ 'r-el7': `baseurl=file://${dir}` }, { way, arch: FOREIGN })
    await sync(options)
    expect(await packagesBelow(path.join(options.downloadDir, 'r-el7'))).toEqual(pathsOf('lib', 'foreign'))
  })

  test('nothing of the host is read: neither its repositories nor those that main names', async () => {
    const [dir, reposDir] = [await tempDir(), await tempDir()]
    await publish(dir, 'lib')
    await writeFile(path.join(reposDir, 'broken.repo'), '[r-el7]\nbaseurl=file:///nowhere\nbroken')
    const options = await optionsFor(
      {
        main: `reposdir=${reposDir}\ncachedir=${reposDir}/cache\nlogdir=${reposDir}/log`,
        'r-el7': `baseurl=file://${dir}`,
      },
      { way },
    )
    await sync(options)
    expect(await packagesBelow(path.join(options.downloadDir, 'r-el7'))).toEqual(pathsOf('lib'))
    expect(await readdir(reposDir)).toEqual(['broken.repo'])
  })

  test('user and password reach the server, and no message', async () => {
    const dir = await tempDir()
    await publish(dir, 'lib')
    const wanted = `Basic ${Buffer.from('me:pa ss-w0rd').toString('base64')}`
    const { url, requests } = await servers.http((request, response) => {
      if (request.headers.authorization === wanted) serveDir(dir)(request, response)
      else response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end()
    })
    const options = await optionsFor({ 'r-el7': `baseurl=${url}\nusername=me\npassword=pa ss-w0rd` }, { way })
    const recorded = recordedTask()
    await sync(options, recorded)
    expect(await packagesBelow(path.join(options.downloadDir, 'r-el7'))).toEqual(pathsOf('lib'))
    expect(requests.length).toBeGreaterThan(2)
    expect(recorded.messages().join('\n')).not.toMatch(/w0rd/)
  })

  test('everything goes through the proxy that is configured', async () => {
    const dir = await tempDir()
    await publish(dir, 'lib')
    const { url, requests } = await servers.http((request, response) => {
      request.url = new URL(request.url ?? '').pathname // of a proxy the whole URL is asked
      serveDir(dir)(request, response)
    })
    const options = await optionsFor(
      { 'r-el7': `baseurl=http://repository.invalid/\nproxy=${url}` },
      { way, env: { no_proxy: '*' } },
    )
    await sync(options)
    expect(await packagesBelow(path.join(options.downloadDir, 'r-el7'))).toEqual(pathsOf('lib'))
    expect(requests.every(({ target }) => target.startsWith('http://repository.invalid/'))).toBe(true)
  })

  test('a certificate that nobody knows is refused, unless it is not to be verified or is itself named', async () => {
    const dir = await tempDir()
    await publish(dir, 'lib')
    const [keyPath, certPath] = [path.join(await tempDir(), 'key'), path.join(await tempDir(), 'cert')]
    await run('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', keyPath, '-out', certPath],
    ])
    const tls = { key: await readFile(keyPath, 'utf8'), cert: await readFile(certPath, 'utf8') }
    const { url } = await servers.http(serveDir(dir), { tls })
    const copied = async (lines: string): Promise<string[]> => {
      const options = await optionsFor({ 'r-el7': `baseurl=${url}\nretries=1\n${lines}` }, { way })
      await sync(options)
      return packagesBelow(path.join(options.downloadDir, 'r-el7'))
    }
    await expect(copied('')).rejects.toMatchObject({
      code: 'LAGO_SYNC_FAILED',
      message: expect.stringMatching(/certificate/i),
    })
    expect(await copied('sslverify=0')).toEqual(pathsOf('lib'))
    expect(await copied(`sslcacert=${certPath}`)).toEqual(pathsOf('lib'))
  })

  test.each(['mirrorlist', 'metalink'])('where the repository is, a %s says', async (kind) => {
    const dir = await tempDir()
    await publish(dir, 'lib')
    const files = await servers.http(serveDir(dir))
    const repomd = await readFile(path.join(dir, 'repodata/repomd.xml'))
    const { createHash } = await import('node:crypto')
    const hash = createHash('sha256').update(repomd).digest('hex')
    const { mtime, size } = await stat(path.join(dir, 'repodata/repomd.xml'))
    const text =
      kind === 'mirrorlist'
        ? `# mirrors\nftp://old/\n${files.url}/\n`
        : `<?xml version="1.0"?><metalink version="3.0" xmlns="http://www.metalinker.org/" xmlns:mm0="http://x">
           <files><file name="repomd.xml"><mm0:timestamp>${Math.floor(mtime.getTime() / 1000)}</mm0:timestamp>
           <size>${size}</size><verification><hash type="sha256">${hash}</hash></verification><resources>
           <url protocol="rsync" type="rsync" preference="100">rsync://x/repodata/repomd.xml</url>
           <url protocol="http" type="http" preference="90">${files.url}/repodata/repomd.xml</url>
           </resources></file></files></metalink>`
    const { url } = await servers.http((_, response) => response.end(text))
    const options = await optionsFor({ 'r-el7': `${kind}=${url}/?repo=$releasever` }, { way })
    await sync(options)
    expect(await packagesBelow(path.join(options.downloadDir, 'r-el7'))).toEqual(pathsOf('lib'))
  })

  test('an abort ends it, leaves nothing half done, and frees the directory', async () => {
    const dir = await tempDir()
    await publish(dir, 'lib')
    const recorded = recordedTask()
    const { url } = await servers.http((request, response) => {
      if (!request.url?.endsWith('.rpm')) return serveDir(dir)(request, response)
      response.writeHead(200, { 'content-length': 10_000 }).write('some')
      recorded.abort(new Error('that is enough'))
    })
    const options = await optionsFor({ 'r-el7': `baseurl=${url}` }, { way })
    await expect(sync(options, recorded)).rejects.toThrow('that is enough')
    await using _ = await acquireLock(recordedTask().task, {
      path: path.join(options.downloadDir, 'repolock'),
      what: 'copies',
      waitMs: 0,
    })
    if (way === 'own') expect(await packagesBelow(options.downloadDir)).toEqual([])
  })

  test('--offline asks no server; files are copied', async () => {
    const dir = await tempDir()
    await publish(dir, 'lib')
    const { url, requests } = await servers.http(serveDir(dir))
    await expect(sync(await optionsFor({ 'r-el7': `baseurl=${url}` }, { way, isOffline: true }))).rejects.toMatchObject(
      {
        code: 'LAGO_OFFLINE',
      },
    )
    expect(requests).toEqual([])
    const [synced] = await sync(await optionsFor({ 'r-el7': `baseurl=file://${dir}` }, { way, isOffline: true }))
    expect(synced?.packages).toBe(1)
  })
})

test('who holds the directory is named, and nothing is done in it', async () => {
  const dir = await tempDir()
  await publish(dir, 'lib')
  const options = await optionsFor({ 'r-el7': `baseurl=file://${dir}` }, { way: 'own', lockLimitMs: 0 })
  await mkdir(options.downloadDir)
  await using _ = await acquireLock(recordedTask().task, {
    path: path.join(options.downloadDir, 'repolock'),
    what: 'copies',
    waitMs: 0,
  })
  await expect(sync(options)).rejects.toMatchObject({
    code: 'LAGO_LOCKED',
    message: expect.stringMatching(/directory of synchronised repositories .* is held by .*\d/),
    data: { pid: process.pid },
  })
  expect(await readdir(options.downloadDir)).toEqual(['repolock'])
})

describe('our own reader', () => {
  test('goes on where a connection broke', async () => {
    const dir = await tempDir()
    await publish(dir, 'lib')
    const [file = ''] = pathsOf('lib')
    const whole = await readFile(path.join(dir, file))
    const serve = serveDir(dir)
    const breakOff: RequestListener = (_, response) => {
      void stat(path.join(dir, file)).then(async ({ mtime, size }) => {
        response.writeHead(200, { 'content-length': size, etag: `"${mtime.getTime()}-${size}"` })
        response.write(whole.subarray(0, 1000))
        await written(path.join(options.downloadDir, 'r-el7', path.dirname(file)), 1000)
        response.destroy()
      })
    }
    const listener = inTurn(breakOff, serve)
    const { url, requests } = await servers.http((request, response) => {
      if (request.url === `/${file}`) listener(request, response)
      else serve(request, response)
    })
    const options = await optionsFor({ 'r-el7': `baseurl=${url}` }, { way: 'own' })
    await sync(options)
    const asked = requests.filter(({ target }) => target === `/${file}`)
    expect(asked.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=1000-'])
    expect((await readFile(path.join(options.downloadDir, 'r-el7', file))).equals(whole)).toBe(true)
  })

  test('asks no more often than any other download, three tries or not', async () => {
    const server = await servers.http((request) => request.socket.destroy())
    const options = await optionsFor({ 'r-el7': `baseurl=${server.url}` }, { way: 'own', limits: { backOffMs: 1 } })
    await expect(sync(options)).rejects.toMatchObject({ code: 'LAGO_SYNC_FAILED' })
    expect(server.connections()).toBe(6)
  })

  test('reads a file again whose time has changed, and no other', async () => {
    const dir = await tempDir()
    await publish(dir, 'lib')
    const options = await optionsFor({ 'r-el7': `baseurl=file://${dir}` }, { way: 'own' })
    const file = path.join(options.downloadDir, 'r-el7', ...pathsOf('lib'))
    await sync(options)
    const whole = await readFile(file)
    await utimes(file, 1000, 1000)
    await sync(options) // and notes that time
    const damaged = Buffer.concat([whole.subarray(0, -4), Buffer.from('evil')])
    await writeFile(file, damaged)
    await utimes(file, 1000, 1000)
    await sync(options)
    expect((await readFile(file)).equals(damaged)).toBe(true)
    await utimes(file, 2000, 2000)
    await sync(options)
    expect((await readFile(file)).equals(whole)).toBe(true)
  })

  test('believes no time of change that a later change could have as well', async () => {
    const dir = await tempDir()
    await publish(dir, 'lib')
    const options = await optionsFor({ 'r-el7': `baseurl=file://${dir}` }, { way: 'own' })
    const file = path.join(options.downloadDir, 'r-el7', ...pathsOf('lib'))
    const [time, nextHour] = [path.join(dir, 'time'), Date.now() / 1000 + 3600]
    await sync(options)
    const whole = await readFile(file)
    const damaged = Buffer.concat([whole.subarray(0, -4), Buffer.from('evil')])
    await run('touch', ['--reference', file, time])
    await writeFile(file, damaged)
    await run('touch', ['--reference', time, file]) // as if in the same tick of the file system's clock
    await sync(options)
    expect((await readFile(file)).equals(whole)).toBe(true)
    await utimes(file, nextHour, nextHour)
    await sync(options)
    await writeFile(file, damaged)
    await utimes(file, nextHour, nextHour)
    await sync(options)
    expect((await readFile(file)).equals(whole)).toBe(true)
  })

  test.each([
    ['.gz', 'gzip'],
    ['.xz', 'xz'],
    ['.zst', 'zstd'],
    ['.bz2', 'bzip2'],
    ['', 'cat'],
  ])('reads a list that is there as primary.xml%s', async (suffix, program) => {
    const dir = await tempDir()
    await publish(dir, 'lib')
    await recompress(dir, suffix, program)
    const options = await optionsFor({ 'r-el7': `baseurl=file://${dir}` }, { way: 'own' })
    expect((await sync(options))[0]?.packages).toBe(1)
  })

  test.each<[what: string, spoil: (dir: string) => Promise<void>, message: RegExp]>([
    ['a list that is longer', async (dir) => appendFile(await primaryOf(dir), 'x'), /longer than the \d+ bytes/],
    ['a list that was cut', async (dir) => writeFile(await primaryOf(dir), ''), /has 0 bytes and should have|is no/],
    ['a list that is not there', async (dir) => rm(await primaryOf(dir)), /is not there, and .*repomd\.xml names it/],
    [
      'no repodata',
      async (dir) => rm(path.join(dir, 'repodata'), { recursive: true }),
      /there is no RPM repository at/,
    ],
    ['a page', async (dir) => writeFile(path.join(dir, 'repodata/repomd.xml'), '<html><br></html>'), /is no XML/],
  ])('refuses %s', async (_, spoil, message) => {
    const dir = await tempDir()
    await publish(dir, 'lib')
    await spoil(dir)
    const { url } = await servers.http(serveDir(dir))
    const options = await optionsFor({ 'r-el7': `baseurl=${url}` }, { way: 'own' })
    await expect(sync(options)).rejects.toMatchObject({
      code: 'LAGO_SYNC_FAILED',
      message: expect.stringMatching(message),
      data: { code: 'LAGO_RPM_REPOSITORY' },
    })
  })

  test('a list with another checksum is not believed', async () => {
    const dir = await tempDir()
    await publish(dir, 'lib')
    const repomd = path.join(dir, 'repodata/repomd.xml')
    const text = await readFile(repomd, 'utf8')
    await writeFile(repomd, text.replace(/(data type="primary">\s*<checksum type="sha256">)..../, '$1ffff'))
    const options = await optionsFor({ 'r-el7': `baseurl=file://${dir}` }, { way: 'own' })
    await expect(sync(options)).rejects.toMatchObject({
      message: expect.stringMatching(/its sha256 is .* and should be ffff/),
    })
    expect(await packagesBelow(options.downloadDir)).toEqual([])
  })

  test('takes packages from where the list puts them, without the password of the repository', async () => {
    const [dir, elsewhere] = [await tempDir(), await tempDir()]
    await publish(elsewhere, 'lib')
    const other = await servers.http(serveDir(elsewhere))
    await publish(dir, 'lib')
    await createRepodata(dir, '--baseurl', other.url)
    await rm(path.join(dir, 'Packages'), { recursive: true })
    const { url, requests } = await servers.http(serveDir(dir))
    const options = await optionsFor({ 'r-el7': `baseurl=${url}\nusername=me\npassword=s3cret` }, { way: 'own' })
    await sync(options)
    expect(await packagesBelow(path.join(options.downloadDir, 'r-el7'))).toEqual(pathsOf('lib'))
    expect(requests.every(({ headers }) => headers.authorization !== undefined)).toBe(true)
    expect(other.requests.map(({ headers }) => headers.authorization)).toEqual([undefined])
  })

  test('takes no file of this host because a server says so', async () => {
    const [dir, secret] = [await tempDir(), await tempDir()]
    await publish(secret, 'lib')
    await publish(dir, 'lib')
    await createRepodata(dir, '--baseurl', `file://${secret}`)
    await rm(path.join(dir, 'Packages'), { recursive: true })
    const { url } = await servers.http(serveDir(dir))
    const options = await optionsFor({ 'r-el7': `baseurl=${url}` }, { way: 'own' })
    await expect(sync(options)).rejects.toMatchObject({
      message: expect.stringContaining(`puts packages at file://${secret}, which is no http or https URL`),
    })
    expect(await packagesBelow(options.downloadDir)).toEqual([])
  })

  test('a repository that wants its signature checked needs dnf', async () => {
    const options = await optionsFor({ 'r-el7': 'baseurl=file:///nowhere\nrepo_gpgcheck=1' }, { way: 'own' })
    await expect(sync(options)).rejects.toMatchObject({
      code: 'LAGO_YUM_CONFIG',
      message: expect.stringMatching(/\[r-el7\] asks for repo_gpgcheck/),
    })
  })
})

describe('the way', () => {
  const { PATH } = process.env
  afterEach(() => {
    process.env['PATH'] = PATH
  })

  test('is the user’s choice', async () => {
    const dir = await tempDir()
    await publish(dir, 'lib')
    const ranBy = async (options: Partial<SyncOptions>): Promise<string | undefined> => {
      const recorded = recordedTask()
      await sync(await optionsFor({ 'r-el7': `baseurl=file://${dir}` }, options), recorded)
      return recorded.messages().find((message) => /^run: dnf .* --repoid=/.test(message))
    }
    expect(await ranBy({ env: { LAGO_REPOSYNC: 'own' } })).toBeUndefined()
    expect(await ranBy({ env: { LAGO_REPOSYNC: 'dnf' } })).toBeDefined()
    expect(await ranBy({ env: { LAGO_REPOSYNC: '' } })).toBeDefined()
    await expect(ranBy({ env: { LAGO_REPOSYNC: 'yum' } })).rejects.toMatchObject({
      code: 'LAGO_USAGE',
      message: 'LAGO_REPOSYNC is "yum", and may be dnf, reposync, own',
    })
  })

  test('is our own reader where there is no program, unless one is asked for', async () => {
    const [dir, programs] = [await tempDir(), await tempDir()]
    await publish(dir, 'lib')
    await symlink((await run('which', ['gzip'])).stdout.trim(), path.join(programs, 'gzip'))
    process.env['PATH'] = programs
    const sections = { 'r-el7': `baseurl=file://${dir}` }
    expect((await sync(await optionsFor(sections)))[0]?.packages).toBe(1)
    for (const way of ['dnf', 'reposync'] as const)
      await expect(sync(await optionsFor(sections, { way }))).rejects.toMatchObject({
        code: 'LAGO_COMMAND_MISSING',
        hint: expect.stringContaining(way === 'dnf' ? 'dnf-plugins-core' : 'yum-utils'),
      })
  })

  test('is yum’s older program where it alone is there', async () => {
    const [dir, programs] = [await tempDir(), await tempDir()]
    await publish(dir, 'a1', 'a2', 'lib', 'foreign')
    for (const name of ['gzip', 'dnf-3', 'setpriv'])
      await symlink((await run('which', [name])).stdout.trim(), path.join(programs, name))
    await writeFile(path.join(programs, 'reposync'), YUM_REPOSYNC_STAND_IN, { mode: 0o755 })
    process.env['PATH'] = programs
    const recorded = recordedTask()
    const options = await optionsFor({ main: 'exclude=a-libs', 'r-el7': `baseurl=file://${dir}` })
    await sync(options, recorded)
    expect(recorded.messages().some((message) => message.startsWith('run: reposync --config='))).toBe(true)
    expect(await packagesBelow(path.join(options.downloadDir, 'r-el7'))).toEqual(pathsOf('a2'))
  })
})

/** A stand-in for reposync of yum-utils 1.1, which no current distribution has: its options alone, done by dnf. */
const YUM_REPOSYNC_STAND_IN = `#!/usr/bin/python3
import argparse, os, sys
parser = argparse.ArgumentParser(allow_abbrev=False)
for option in ['--config', '--repoid', '--download_path', '--cachedir', '--arch']:
    parser.add_argument(option, required=True)
for option in ['--newest-only', '--delete']:
    parser.add_argument(option, action='store_true', required=True)
args = parser.parse_args()
arches = ['--arch=' + args.arch, '--arch=noarch']
os.execvp('dnf-3', ['dnf-3', '--disableplugin=*', '--enableplugin=reposync', '--config=' + args.config, '--releasever=7',
  'reposync', '--repoid=' + args.repoid, '--download-path=' + args.download_path, '--newest-only', '--delete'] + arches)
`

/** Waits until a file in `dir` that has not got its name yet has so many bytes. */
async function written(dir: string, bytes: number): Promise<void> {
  await waitUntil(
    recordedTask().task,
    'first bytes on disk',
    async () => {
      const [name = ''] = (await readdir(dir).catch(() => [])).filter((name) => name.endsWith('.tmp'))
      const { size } = name === '' ? { size: 0 } : await stat(path.join(dir, name))
      return size >= bytes ? { value: undefined } : { notYet: `${size} bytes` }
    },
    { timeoutMs: 10_000, everyMs: 5 },
  )
}

async function primaryOf(dir: string): Promise<string> {
  const name = (await readdir(path.join(dir, 'repodata'))).find((name) => name.includes('primary.xml'))
  return path.join(dir, 'repodata', name ?? 'none')
}

/** Has the list packed in another way, and repomd.xml say so. */
async function recompress(dir: string, suffix: string, program: string): Promise<void> {
  const packed = await primaryOf(dir)
  const { stdout: text } = await run('gzip', ['--decompress', '--stdout', packed])
  const plain = path.join(await tempDir(), 'primary.xml')
  await writeFile(plain, text)
  const { stdout } = await run(program, program === 'cat' ? [plain] : ['-c', plain], { encoding: 'buffer' })
  const name = `repodata/primary.xml${suffix}`
  await writeFile(path.join(dir, name), stdout)
  const { createHash } = await import('node:crypto')
  const hash = createHash('sha256').update(stdout).digest('hex')
  const data = `<data type="primary"><checksum type="sha256">${hash}</checksum><location href="${name}"/></data>`
  await writeFile(path.join(dir, 'repodata/repomd.xml'), `<repomd>${data}</repomd>`)
}
