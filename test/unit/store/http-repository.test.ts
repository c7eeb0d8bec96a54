/** A template repository at a web server, from its file to the image in the store, with what servers do wrong. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { createDownloader } from '../../../src/store/download/downloader.js'
import { forbidDownloads } from '../../../src/store/download/offline.js'
import type { RepositoryOptions } from '../../../src/store/open-repository.js'
import { openTemplateStore } from '../../../src/store/store.js'
import { openTemplates, type Templates } from '../../../src/store/templates.js'
import { inTurn, serveDir, useHttpServers, type HttpServer } from '../../helpers/http-server.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'
import { publishImage, repositoryOptions, writeRepository, type PublishedImage } from './publish.js'

const tempDir = useTempDirs()
const servers = useHttpServers()
const { task } = recordedTask()
const limits = { tries: 3, backOffMs: 1 }

interface Place {
  readonly dir: string
  readonly cacheDir: string
  readonly storeDir: string
  readonly published: PublishedImage
  readonly server: HttpServer
  open(options?: Partial<RepositoryOptions>): Promise<Templates>
}

/** A directory with a repository and its image `image`, served as `listener` has it. */
async function place(listener: (serve: RequestListener) => RequestListener = (serve) => serve): Promise<Place> {
  const [dir, cacheDir, storeDir] = [await tempDir(), await tempDir(), await tempDir()]
  const published = await publishImage(dir, 'image')
  const server = await servers.http(listener(serveDir(dir)))
  await writeRepository(dir, {
    name: 'r',
    templates: { t: { versions: { v1: { source: 'here', handle: 'image', timestamp: 1 } } } },
    sources: { here: { type: 'http', args: { baseurl: './' } } },
  })
  const downloader = createDownloader({ env: {}, limits })
  const open = async (options: Partial<RepositoryOptions> = {}): Promise<Templates> =>
    openTemplates(
      task,
      storeDir,
      repositoryOptions({ path: `${server.url}/repo.json`, cacheDir, downloader, ...options }),
    )
  return { dir, cacheDir, storeDir, published, server, open }
}

async function fetch({ open, storeDir }: Place, options: Partial<RepositoryOptions> = {}): Promise<string> {
  const templates = await open(options)
  return (await openTemplateStore(storeDir).ensure(task, templates.find('t'))).path
}

test('is found at its URL, and its image beside it', async () => {
  const at = await place()
  expect((await readFile(await fetch(at))).equals(at.published.content)).toBe(true)
  // compressed names first, as upstream has it
  expect(at.server.requests.map(({ target }) => target)).toEqual([
    '/repo.json',
    expect.stringMatching(/^\/image\./),
    expect.stringMatching(/^\/image\./),
    expect.stringMatching(/^\/image\./),
    expect.stringMatching(/^\/image\./),
    ...at.server.requests.slice(5, -2).map(({ target }) => target),
    '/image.xz',
    '/image',
  ])
})

test.each([
  ['.xz', 'xz'],
  ['.zst', 'zstd'],
  ['.gz', 'gzip'],
])('an image that is there as %s alone is unpacked on the way', async (suffix, program) => {
  const at = await place()
  const image = path.join(at.dir, 'image')
  await writeFile(`${image}${suffix}`, execFileSync(program, ['-c'], { input: await readFile(image) }))
  await rm(image)
  expect((await readFile(await fetch(at))).equals(at.published.content)).toBe(true)
})

test('hash and metadata may be named after the compressed image, as upstream has it', async () => {
  const at = await place()
  const image = path.join(at.dir, 'image')
  execFileSync('xz', [image])
  for (const name of ['hash', 'metadata']) execFileSync('mv', [`${image}.${name}`, `${image}.xz.${name}`])
  expect((await readFile(await fetch(at))).equals(at.published.content)).toBe(true)
})

test('mirrors are asked in their order; one that is down costs nothing but time', async () => {
  const at = await place()
  const dead = await servers.http(() => undefined)
  await dead.close()
  const sources = { here: { type: 'http', args: { baseurl: dead.url, mirrors: [`${at.server.url}/`] } } }
  const content = JSON.parse(await readFile(path.join(at.dir, 'repo.json'), 'utf8')) as object
  await writeRepository(at.dir, { ...content, sources })
  expect((await readFile(await fetch(at))).equals(at.published.content)).toBe(true)
})

describe('the copy of the repository file', () => {
  test('is used when nothing has changed, and replaced when something has', async () => {
    const at = await place()
    await at.open()
    await at.open()
    const asked = at.server.requests.filter(({ target }) => target === '/repo.json')
    expect(asked.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, expect.any(String)])
    const content = (await readFile(path.join(at.dir, 'repo.json'), 'utf8')).replace('"t"', '"renamed"')
    await writeRepository(at.dir, content)
    expect((await at.open()).repository?.templates).toEqual(['renamed'])
  })

  test('does when the server is gone, broken, or forbidden; with a cached image nothing else is needed', async () => {
    const at = await place()
    const stored = await fetch(at)
    const offline = { downloader: forbidDownloads() }
    expect(await fetch(at, offline)).toBe(stored)
    await at.server.close()
    const { task: told, messages } = recordedTask()
    const options = repositoryOptions({
      path: `${at.server.url}/repo.json`,
      cacheDir: at.cacheDir,
      downloader: createDownloader({ env: {}, limits }),
    })
    await openTemplates(told, at.storeDir, options)
    expect(messages().at(-1)).toMatch(/^using the copy of template repository \S+\/repo\.json: cannot download /)
    await rm(stored)
    await expect(fetch(at, offline)).rejects.toMatchObject({
      code: 'LAGO_OFFLINE',
      hint: expect.stringContaining('lago template fetch'),
    })
  })

  test('does not when there is none', async () => {
    const at = await place()
    await expect(at.open({ downloader: forbidDownloads() })).rejects.toMatchObject({ code: 'LAGO_OFFLINE' })
    await at.server.close()
    await expect(at.open()).rejects.toMatchObject({ code: 'LAGO_DOWNLOAD' })
  })

  test.each(['not JSON', '{"name": "r"}'])('stays when the server has only %j', async (text) => {
    const at = await place()
    await at.open()
    const before = await readdir(path.join(at.cacheDir, 'repositories'))
    await writeRepository(at.dir, text)
    await expect(at.open()).rejects.toMatchObject({
      code: 'LAGO_TEMPLATE_REPO',
      message: expect.stringContaining(`template repository ${at.server.url}/repo.json: `),
    })
    expect(await at.open({ downloader: forbidDownloads() })).toMatchObject({ repository: { name: 'r' } })
    expect(await readdir(path.join(at.cacheDir, 'repositories'))).toEqual(before)
  })

  test('that is damaged is as none', async () => {
    const at = await place()
    await at.open()
    const [name = ''] = await readdir(path.join(at.cacheDir, 'repositories'))
    await writeFile(path.join(at.cacheDir, 'repositories', name), '{"url":')
    expect((await at.open()).repository?.name).toBe('r')
  })
})

describe('an image that does not come as it should leaves the store as it was:', () => {
  const wrongly =
    (answer: RequestListener) =>
    (serve: RequestListener): RequestListener =>
    (request, response) =>
      request.url === '/image' ? answer(request, response) : serve(request, response)

  test.each<[string, RequestListener, RegExp]>([
    ['not found', (_, response) => response.writeHead(404).end(), /template file \S+\/image does not exist/],
    ['an error of the server', (_, response) => response.writeHead(500).end(), /500/],
    [
      'a redirect in a circle',
      (_, response) => response.writeHead(302, { location: '/image' }).end(),
      /circle|redirect/i,
    ],
    [
      'less than it said',
      (_, response) => {
        response.writeHead(200, { 'content-length': 1000 })
        response.write('x')
        response.destroy()
      },
      /image/,
    ],
    [
      'a page of words',
      (_, response) => response.writeHead(200).end('<html>sorry</html>'),
      /does not match the expected hash/,
    ],
  ])('%s', async (_, answer, message) => {
    const at = await place(wrongly(answer))
    await expect(fetch(at)).rejects.toMatchObject({
      code: expect.stringMatching(/^LAGO_(DOWNLOAD|TEMPLATE_CHECKSUM)$/),
      message: expect.stringMatching(message),
    })
    expect(await readdir(at.storeDir)).toEqual(['r:t:v1.lock'])
  })

  test('a hang', async () => {
    const at = await place(wrongly(() => undefined))
    const downloader = createDownloader({ env: {}, limits: { ...limits, answerMs: 1000, retryMs: 1000 } })
    await expect(fetch(at, { downloader })).rejects.toMatchObject({
      code: 'LAGO_DOWNLOAD',
      message: expect.stringMatching(/image: 127.* gave no answer within 1 s/),
    })
    expect(await readdir(at.storeDir)).toEqual(['r:t:v1.lock'])
  })

  test('another one in the middle', async () => {
    const at = await place()
    const [first, second] = [Buffer.alloc(3_000_000, 'a'), Buffer.alloc(3_000_000, 'b')]
    const server = await servers.http(
      inTurn(
        (_, response) => {
          response.writeHead(200, { 'content-length': first.length, etag: '"1"' })
          response.write(first.subarray(0, 1_000_000), () => response.destroy())
        },
        (_, response) => response.writeHead(200, { 'content-length': second.length, etag: '"2"' }).end(second),
      ),
    )
    const sha256 = createHash('sha256').update(first).digest('hex')
    const version = { source: 'here', handle: 'big', timestamp: 1, sha256, metadata: {} }
    await mkdir(path.join(at.dir, 'other'))
    const repoPath = await writeRepository(path.join(at.dir, 'other'), {
      name: 'r',
      templates: { t: { versions: { v1: version } } },
      sources: { here: { type: 'http', args: { baseurl: server.url } } },
    })
    await expect(fetch(at, { path: repoPath })).rejects.toMatchObject({ code: 'LAGO_DOWNLOAD' })
    expect(await readdir(at.storeDir)).toEqual(['r:t:v1.lock'])
  })
})

test('a repository at a URL has no business with files of this host', async () => {
  const at = await place()
  const content = JSON.parse(await readFile(path.join(at.dir, 'repo.json'), 'utf8')) as object
  await writeRepository(at.dir, { ...content, sources: { here: { type: 'file', args: { root: '/etc' } } } })
  const templates = await at.open()
  expect(() => templates.find('t')).toThrow(/a repository at a URL cannot have images in \/etc of this host/)
  await writeRepository(at.dir, { ...content, sources: { here: { type: 'http', args: { baseurl: 'ftp://host/' } } } })
  expect(() => templates.find('t')).toThrow(/cannot have/)
  const again = await at.open()
  expect(() => again.find('t')).toThrow(/has ftp:\/\/host\/, which is not of http or https/)
})

test.each(['../image', '/etc/passwd', 'a//b', ''])('a handle that leads elsewhere is refused: %j', async (handle) => {
  const at = await place()
  const content = JSON.parse(await readFile(path.join(at.dir, 'repo.json'), 'utf8')) as object
  const templates = { t: { versions: { v1: { source: 'here', handle, timestamp: 1 } } } }
  await writeRepository(at.dir, { ...content, templates })
  await expect(fetch(at)).rejects.toMatchObject({
    message: expect.stringMatching(/leads out of|"templates\.t.*handle" is empty/),
  })
})

test('a published directory served with a relative root is a repository as well', async () => {
  const at = await place()
  const content = JSON.parse(await readFile(path.join(at.dir, 'repo.json'), 'utf8')) as object
  await writeRepository(at.dir, { ...content, sources: { here: { type: 'file', args: { root: '.' } } } })
  expect((await readFile(await fetch(at))).equals(at.published.content)).toBe(true)
})
