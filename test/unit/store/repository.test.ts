import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { openRepository, type RepositoryOptions } from '../../../src/store/open-repository.js'
import { openTemplates } from '../../../src/store/templates.js'
import type { TemplateRepository } from '../../../src/store/types.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'
import { publishImage, repositoryOptions, writeRepository } from './publish.js'

const tempDir = useTempDirs()
const { task } = recordedTask()

const CONTENT = {
  name: 'ci',
  templates: {
    'el7-base': {
      versions: {
        v1: { source: 'disk', handle: 'v1.qcow2', timestamp: 1428328144 },
        v3: { source: 'disk', handle: 'v3.qcow2', timestamp: 1432217222.5 },
        v2: { source: 'disk', handle: 'v2.qcow2', timestamp: 1432217222 },
      },
    },
    fedora21_host: {
      versions: {
        v1: { source: 'disk', handle: 'f21.qcow2', timestamp: 1 },
        v2: { source: 'gone', handle: 'f21-2.qcow2', timestamp: 2 },
      },
    },
    remote: { versions: { v1: { source: 'web', handle: 'r.qcow2', timestamp: 1 } } },
    odd: { versions: { v1: { source: 'tape', handle: 'r.qcow2', timestamp: 1 } } },
  },
  sources: {
    disk: { type: 'file', args: { root: 'images' } },
    web: { type: 'http', args: { baseurl: 'http://user:secret@host.example/path/' } },
    tape: { type: 'tape', args: {} },
  },
}

async function opened(options: Partial<RepositoryOptions>): Promise<TemplateRepository> {
  const repository = await openRepository(task, repositoryOptions(options))
  if (repository === undefined) throw new Error('none is configured')
  return repository
}

async function open(content: unknown, vars: Record<string, string> = {}): Promise<TemplateRepository> {
  const filePath = await writeRepository(await tempDir(), content)
  return opened({ path: filePath, vars })
}

describe('find', () => {
  test('gives the version with the latest timestamp', async () => {
    expect((await open(CONTENT)).find('el7-base')).toMatchObject({
      ref: { repo: 'ci', name: 'el7-base', version: 'v3' },
      handle: 'v3.qcow2',
    })
  })

  test('gives the version that is asked for', async () => {
    expect((await open(CONTENT)).find('el7-base', 'v1')).toMatchObject({ handle: 'v1.qcow2' })
  })

  test('is not disturbed by a broken source of another version or template', async () => {
    const repository = await open(CONTENT)
    expect(repository.find('fedora21_host', 'v1')).toMatchObject({ handle: 'f21.qcow2' })
    expect(() => repository.find('fedora21_host')).toThrow(/: there is no source "gone"; known: disk, web, tape$/)
    expect(() => repository.find('odd')).toThrow(/: "sources\.tape\.type" is "tape"; known: file, http$/)
  })

  test('of an unknown template lists those that exist', async () => {
    const repository = await open(CONTENT)
    expect(() => repository.find('el7_base')).toThrow(
      expect.objectContaining({
        code: 'LAGO_TEMPLATE_UNKNOWN',
        message: expect.stringMatching(
          /^template "el7_base" is not in repository "ci" \(.*repo\.json\); it has: el7-base, fedora21_host, remote, odd$/,
        ),
        hint: 'did you mean "el7-base"?',
      }),
    )
    expect(() => repository.find('constructor')).toThrow(expect.objectContaining({ code: 'LAGO_TEMPLATE_UNKNOWN' }))
  })

  test('of an unknown version lists those that exist', async () => {
    const repository = await open(CONTENT)
    expect(() => repository.find('el7-base', 'v9')).toThrow(
      expect.objectContaining({
        code: 'LAGO_TEMPLATE_UNKNOWN',
        message: expect.stringMatching(/^template "el7-base" has no version "v9" in .*repo\.json; it has: v1, v3, v2$/),
      }),
    )
  })
})

describe('the root of a file source', () => {
  test.each([
    ['relative to the repository file', 'images', (dir: string) => ({ unrelated: dir })],
    ['with variables', '$BASE/images', (dir: string) => ({ BASE: dir })],
    ['with variables in braces', '${BASE}/images', (dir: string) => ({ BASE: dir })],
    ['below the home directory', '~/images', (dir: string) => ({ HOME: dir })],
  ])('may be %s', async (_, root, varsFor) => {
    const dir = await tempDir()
    await mkdir(path.join(dir, 'images'))
    const { sha1 } = await publishImage(path.join(dir, 'images'), 'v1.qcow2')
    const filePath = await writeRepository(dir, { ...CONTENT, sources: { disk: { type: 'file', args: { root } } } })
    const repository = await opened({ path: filePath, vars: varsFor(dir) })
    const { source, handle } = repository.find('el7-base', 'v1')
    expect(await source.text(task, `${handle}.hash`)).toBe(`${sha1}\n`)
  })
})

test('an http source is asked only when it is needed, and told without its password', async () => {
  const { source, handle } = (await open(CONTENT)).find('remote')
  await expect(source.open(task, handle)).rejects.toMatchObject({
    code: 'LAGO_OFFLINE',
    data: { urls: ['http://host.example/path/r.qcow2'] },
  })
})

describe('a repository that cannot be used says why:', () => {
  const broken = (change: object): object => ({ ...CONTENT, ...change })
  test.each<[unknown, RegExp]>([
    ['{"name":', /: it is not JSON: /],
    ['', /: it is not JSON: /],
    [[], /: the whole file is a list, it must be an object$/],
    [broken({ name: undefined }), /: "name" is missing, it must be a text$/],
    [broken({ name: 7 }), /: "name" is of type number, it must be a text$/],
    [broken({ templates: [] }), /: "templates" is a list, it must be an object$/],
    [broken({ sources: null }), /: "sources" is null, it must be an object$/],
  ])('%j', async (content, message) => {
    await expect(open(content)).rejects.toMatchObject({
      code: 'LAGO_TEMPLATE_REPO',
      message: expect.stringMatching(message),
    })
  })

  test.each<[object, string]>([
    [{ templates: { t: 1 } }, '"templates.t" is of type number, it must be an object'],
    [{ templates: { t: {} } }, '"templates.t.versions" is missing, it must be an object'],
    [{ templates: { t: { versions: {} } } }, '"templates.t.versions" has no version'],
    [{ templates: { t: { versions: { v: [] } } } }, '"templates.t.versions.v" is a list, it must be an object'],
    [
      { templates: { t: { versions: { v: { source: 'disk', handle: 'h' } } } } },
      '"templates.t.versions.v.timestamp" is missing, it must be a number',
    ],
    [
      { templates: { t: { versions: { v: { source: 'disk', timestamp: 1 } } } } },
      '"templates.t.versions.v.handle" is missing, it must be a text',
    ],
    [
      { templates: { t: { versions: { v: { handle: 'h', timestamp: 1 } } } } },
      '"templates.t.versions.v.source" is missing, it must be a text',
    ],
  ])('%j', async (change, message) => {
    const repository = await open(broken(change))
    expect(() => repository.find('t')).toThrow(
      expect.objectContaining({ code: 'LAGO_TEMPLATE_REPO', message: expect.stringContaining(message) }),
    )
  })

  test.each<[object, string]>([
    [{ disk: { args: {} } }, '"sources.disk.type" is missing'],
    [{ disk: { type: 'file' } }, '"sources.disk.args" is missing'],
    [{ disk: { type: 'file', args: {} } }, '"sources.disk.args.root" is missing'],
    [{ disk: { type: 'http', args: { baseurl: '' } } }, '"sources.disk.args.baseurl" is empty'],
  ])('sources %j', async (sources, message) => {
    const repository = await open(broken({ sources }))
    expect(() => repository.find('el7-base')).toThrow(
      expect.objectContaining({ code: 'LAGO_TEMPLATE_REPO', message: expect.stringContaining(message) }),
    )
  })

  test('no such file, or a directory', async () => {
    const dir = await tempDir()
    const openAt = async (filePath: string): Promise<unknown> => opened({ path: filePath, reposDir: dir })
    const missing = path.join(dir, 'missing.json')
    await expect(openAt(missing)).rejects.toMatchObject({
      code: 'LAGO_TEMPLATE_REPO',
      message: `template repository ${missing}: there is no such file`,
    })
    await expect(openAt(dir)).rejects.toMatchObject({ message: `template repository ${dir}: it is a directory` })
  })

  test('none given', async () => {
    expect(await openRepository(task, repositoryOptions({}))).toBeUndefined()
    const templates = await openTemplates(task, '/nonexistent', repositoryOptions({}))
    expect(() => templates.find('t')).toThrow(
      expect.objectContaining({
        code: 'LAGO_TEMPLATE_REPO',
        hint: expect.stringMatching(/--template-repo-path.*lago template import/),
      }),
    )
  })

  test.each(['ftp://user:pw@host.example/repo.json', 'nbd://host.example/x'])('the URL %s', async (url) => {
    await expect(opened({ path: url })).rejects.toMatchObject({
      code: 'LAGO_TEMPLATE_REPO',
      message: expect.not.stringContaining('pw'),
      hint: expect.stringContaining('--template-repo-path'),
    })
  })
})

test('a URL of a file is its path', async () => {
  const filePath = await writeRepository(await tempDir(), CONTENT)
  expect(await opened({ path: pathToFileURL(filePath).href })).toMatchObject({ name: 'ci', place: filePath })
})

describe('a repository by name', () => {
  test('is found among the files in and below the directory, whatever else is there', async () => {
    const dir = await tempDir()
    await mkdir(path.join(dir, 'clone', 'sub'), { recursive: true })
    await mkdir(path.join(dir, 'directory.json'))
    await writeRepository(dir, 'not JSON', 'broken.json')
    await writeRepository(dir, { ...CONTENT, name: 'other' }, 'a.json')
    await writeRepository(path.join(dir, 'clone', 'sub'), CONTENT, 'b.json')
    await writeFile(path.join(dir, 'README'), '')
    const repository = await opened({ name: 'ci', reposDir: dir })
    expect(repository.find('el7-base')).toMatchObject({ ref: { repo: 'ci' } })
  })

  test('that does not exist lists those that do', async () => {
    const dir = await tempDir()
    await writeRepository(dir, CONTENT)
    await expect(opened({ name: 'cj', reposDir: dir })).rejects.toMatchObject({
      code: 'LAGO_TEMPLATE_REPO',
      message: `no template repository named "cj" in ${dir}; there are: ci`,
      hint: 'did you mean "ci"?',
    })
  })

  test('that is there twice is not guessed', async () => {
    const dir = await tempDir()
    const places = [await writeRepository(dir, CONTENT, 'a.json'), await writeRepository(dir, CONTENT, 'b.json')]
    await expect(opened({ name: 'ci', reposDir: dir })).rejects.toMatchObject({
      code: 'LAGO_TEMPLATE_REPO',
      message: `template repository "ci" is there twice: ${places.join(', ')}`,
      hint: 'say which: --template-repo-path FILE',
    })
  })

  test('in a directory that does not exist is not there either', async () => {
    await expect(opened({ name: 'ci', reposDir: '/nonexistent' })).rejects.toMatchObject({
      message: 'no template repository named "ci" in /nonexistent; there is none',
    })
  })
})
