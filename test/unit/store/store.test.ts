import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { LagoError } from '../../../src/base/errors.js'
import { acquireLock } from '../../../src/base/lock.js'
import { createFileSource } from '../../../src/store/source-file.js'
import { openTemplateStore } from '../../../src/store/store.js'
import type { TemplateSource, TemplateStore, TemplateVersion } from '../../../src/store/types.js'
import { startScript } from '../../helpers/child-script.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'
import { publishImage, writeRepository, type PublishedImage, type PublishOptions } from './publish.js'

const tempDir = useTempDirs()
const { task } = recordedTask()
const ref = { repo: 'r', name: 't', version: 'v1' }

function version(source: TemplateSource, handle = 'image'): TemplateVersion {
  return { ref, source, handle }
}

interface Place {
  readonly sourceDir: string
  readonly dir: string
  readonly published: PublishedImage
  readonly store: TemplateStore
  readonly source: TemplateSource
}

/** A published image `image`, and a store that does not exist yet. */
async function setUp(options: PublishOptions = {}): Promise<Place> {
  const sourceDir = await tempDir()
  const dir = path.join(await tempDir(), 'store')
  const published = await publishImage(sourceDir, 'image', options)
  return { sourceDir, dir, published, store: openTemplateStore(dir), source: createFileSource(sourceDir) }
}

/** What a failed fetch may leave in the store. */
async function expectNothingKept(dir: string): Promise<void> {
  expect(await readdir(dir)).toEqual(['r:t:v1.lock'])
}

describe('ensure', () => {
  test.each(['qcow2', 'raw', 'vmdk'])(
    'keeps a published %s as a raw image, with its hash and metadata',
    async (format) => {
      const metadata = { 'root-partition': 'vda1', size: 1.5 }
      const { dir, published, store, source } = await setUp({ format, metadata })
      const stored = await store.ensure(task, version(source))
      expect(stored).toEqual({ ref, path: path.join(dir, 'r:t:v1'), format: 'raw', metadata })
      expect((await readFile(stored.path)).equals(published.content)).toBe(true)
      expect((await stat(stored.path)).mode & 0o777).toBe(0o444)
      expect((await readdir(dir)).sort()).toEqual(['r:t:v1', 'r:t:v1.hash', 'r:t:v1.lock', 'r:t:v1.metadata'])
      expect(await readFile(`${stored.path}.hash`, 'utf8')).toBe(published.sha1)
      expect(JSON.parse(await readFile(`${stored.path}.metadata`, 'utf8'))).toEqual(metadata)
      expect(await store.find(ref)).toEqual(stored)
    },
  )

  test('does not ask the source for what is there', async () => {
    const { store, source } = await setUp()
    const stored = await store.ensure(task, version(source))
    const dead = createFileSource('/nonexistent')
    expect(await store.ensure(task, version(dead))).toEqual(stored)
  })

  test('takes an image that upstream put there, without metadata too', async () => {
    const { dir, store } = await setUp()
    await mkdir(dir)
    await writeFile(path.join(dir, 'r:t:v1'), 'an image')
    expect(await store.find(ref)).toMatchObject({ path: path.join(dir, 'r:t:v1'), metadata: {} })
  })

  test('says that it has to download', async () => {
    const { store, source } = await setUp()
    const { task, messages } = recordedTask()
    await store.ensure(task, version(source))
    expect(messages()[0]).toBe('Template r:t:v1 not in cache, downloading')
  })

  test('of twenty processes at once converts once', async () => {
    const { sourceDir, dir } = await setUp()
    const repositoryPath = await writeRepository(sourceDir, {
      name: 'r',
      templates: { t: { versions: { v1: { source: 's', handle: 'image', timestamp: 1 } } } },
      sources: { s: { type: 'file', args: { root: '.' } } },
    })
    const script = new URL('./ensure-child.js', import.meta.url)
    const children = Array.from({ length: 20 }, () => startScript(script, [repositoryPath, dir]))
    const conversions = await Promise.all(children.map(async (child) => Number(await child.nextLine())))
    expect(conversions.sort()).toEqual([...Array.from({ length: 19 }, () => 0), 1])
  }, 60_000)

  test('of the same template twice in one process converts once', async () => {
    const { store, source } = await setUp()
    const { task, messages } = recordedTask()
    await Promise.all([store.ensure(task, version(source)), store.ensure(task, version(source))])
    expect(messages().filter((message) => message.startsWith('run: qemu-img convert'))).toHaveLength(1)
  })

  test('starts anew over what a killed fetch left', async () => {
    const { dir, published, store, source } = await setUp()
    await mkdir(dir)
    for (const name of ['r:t:v1.tmp', 'r:t:v1.raw.tmp', 'r:t:v1.hash']) await writeFile(path.join(dir, name), 'half')
    await writeFile(path.join(dir, 'r:t:v1.metadata'), '{"half":')
    expect(await store.find(ref)).toBeUndefined()
    const stored = await store.ensure(task, version(source))
    expect((await readFile(stored.path)).equals(published.content)).toBe(true)
    expect(await readFile(`${stored.path}.hash`, 'utf8')).toBe(published.sha1)
  })
})

describe('a fetch that fails leaves nothing behind', () => {
  test('when the image is not the published one, and says both hashes', async () => {
    const { sourceDir, dir, published, store, source } = await setUp()
    const wrong = 'a'.repeat(40)
    await writeFile(path.join(sourceDir, 'image.hash'), wrong)
    await expect(store.ensure(task, version(source))).rejects.toMatchObject({
      code: 'LAGO_TEMPLATE_CHECKSUM',
      message: `image r:t:v1 does not match the expected hash: it has ${published.sha1}, published is ${wrong}`,
    })
    await expectNothingKept(dir)
  })

  test('when it is laid over another file', async () => {
    const { sourceDir, dir, store, source } = await setUp()
    const image = path.join(sourceDir, 'image')
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', '/etc/hostname', image, '1M'])
    await writeFile(
      `${image}.hash`,
      createHash('sha1')
        .update(await readFile(image))
        .digest('hex'),
    )
    await expect(store.ensure(task, version(source))).rejects.toMatchObject({
      code: 'LAGO_TEMPLATE_IMAGE',
      message: 'image r:t:v1 needs another file, /etc/hostname',
    })
    await expectNothingKept(dir)
  })

  test('when it has its data in another file', async () => {
    const { sourceDir, dir, store, source } = await setUp()
    const image = path.join(sourceDir, 'image')
    const option = `data_file=${path.join(sourceDir, 'data')}`
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-o', option, image, '1M'])
    await writeFile(
      `${image}.hash`,
      createHash('sha1')
        .update(await readFile(image))
        .digest('hex'),
    )
    await expect(store.ensure(task, version(source))).rejects.toMatchObject({ code: 'LAGO_TEMPLATE_IMAGE' })
    await expectNothingKept(dir)
  })

  test('when the conversion fails', async () => {
    const { sourceDir, dir, store, source } = await setUp()
    const image = path.join(sourceDir, 'image')
    execFileSync('qemu-img', ['convert', '-c', '-f', 'raw', '-O', 'qcow2', `${image}.raw`, image])
    const damaged = (await readFile(image)).fill(0xff, 5 * 65536) // behind the tables: compressed data
    await writeFile(image, damaged)
    await writeFile(`${image}.hash`, createHash('sha1').update(damaged).digest('hex'))
    await expect(store.ensure(task, version(source))).rejects.toMatchObject({
      code: 'LAGO_COMMAND_FAILED',
      message: expect.stringContaining('qemu-img convert'),
    })
    await expectNothingKept(dir)
  })

  test.each(['image', 'image.hash', 'image.metadata'])('when %s is not at the source', async (missing) => {
    const { sourceDir, dir, store } = await setUp()
    const emptied = await tempDir()
    for (const name of ['image', 'image.hash', 'image.metadata'])
      if (name !== missing) await symlink(path.join(sourceDir, name), path.join(emptied, name))
    await expect(store.ensure(task, version(createFileSource(emptied)))).rejects.toMatchObject({
      code: 'LAGO_DOWNLOAD',
      message: `template file ${path.join(emptied, missing)} does not exist`,
    })
    await expectNothingKept(dir)
  })

  test.each([
    ['the disk is full', new LagoError('LAGO_NO_SPACE', 'full')],
    ['the work is aborted', new LagoError('LAGO_CANCELLED', 'stop')],
  ])('when %s in the middle of the copy', async (_, failure) => {
    const { dir, store, source } = await setUp()
    const { task, abort } = recordedTask()
    const failing: TemplateSource = {
      ...source,
      async fetch(task, _, toPath, wanted) {
        await writeFile(toPath, 'half')
        if (failure.code === 'LAGO_NO_SPACE') throw failure
        abort(failure)
        return source.fetch(task, 'image', toPath, wanted)
      },
    }
    await expect(store.ensure(task, version(failing))).rejects.toBe(failure)
    await expectNothingKept(dir)
  })

  test('when the work is aborted before the conversion', async () => {
    const { dir, store, source } = await setUp()
    const { task, abort } = recordedTask()
    const aborting: TemplateSource = {
      ...source,
      async fetch(task, handle, toPath, wanted) {
        const fetched = await source.fetch(task, handle, toPath, wanted)
        abort(new LagoError('LAGO_CANCELLED', 'stop'))
        return fetched
      },
    }
    await expect(store.ensure(task, version(aborting))).rejects.toMatchObject({ code: 'LAGO_CANCELLED' })
    await expectNothingKept(dir)
  })
})

test.each([
  ['repository', { ...ref, repo: '../etc' }],
  ['template', { ...ref, name: 'a/b' }],
  ['template', { ...ref, name: 'a:b' }],
  ['template', { ...ref, name: '..' }],
  ['template', { ...ref, name: '' }],
  ['version', { ...ref, version: 'v1\n' }],
  ['version', { ...ref, version: 'a\u0000b' }],
])('a %s name that could not be a file name is refused', async (what, ref) => {
  const { dir, store, source } = await setUp()
  const refused = store.ensure(task, { ref, source, handle: 'image' })
  await expect(refused).rejects.toMatchObject({
    code: 'LAGO_TEMPLATE_REPO',
    message: expect.stringMatching(new RegExp(`^${what} name ".*" cannot be used in the store$`)),
  })
  await expect(stat(dir)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('the wait for another process’s fetch ends with its name', async () => {
  const { dir, source } = await setUp()
  await mkdir(dir)
  const lock = await acquireLock(task, { path: path.join(dir, 'r:t:v1.lock'), what: 'x', waitMs: 0 })
  await expect(openTemplateStore(dir, { lockWaitMs: 0 }).ensure(task, version(source))).rejects.toMatchObject({
    code: 'LAGO_LOCKED',
    message: expect.stringMatching(/^template r:t:v1 is held by this process \(/),
  })
  await lock[Symbol.asyncDispose]()
})

test.each([
  ['is a file', async (dir: string) => mkdir(path.dirname(dir)).then(async () => writeFile(dir, ''))],
  ['is below a file', async (dir: string) => writeFile(path.dirname(dir), '')],
  ['cannot be made', async (dir: string) => symlink('/sys/kernel', path.dirname(dir))],
])('a store that %s is named', async (_, spoil) => {
  const { sourceDir, source } = await setUp()
  const dir = path.join(sourceDir, 'parent', 'store')
  await spoil(dir)
  await expect(openTemplateStore(dir).ensure(task, version(source))).rejects.toMatchObject({
    code: 'LAGO_PERMISSION',
    message: expect.stringMatching(new RegExp(`^the template store ${dir} cannot be written to: E`)),
  })
})

test('damaged metadata in the store is named, with what to remove', async () => {
  const { dir, store, source } = await setUp()
  const stored = await store.ensure(task, version(source))
  await writeFile(`${stored.path}.metadata`, '{"a"')
  await expect(store.find(ref)).rejects.toMatchObject({
    code: 'LAGO_TEMPLATE_IMAGE',
    message: expect.stringMatching(/^\S+\/r:t:v1\.metadata in the template store is not JSON: /),
    hint: expect.stringContaining(`${path.join(dir, 'r:t:v1')}*`),
  })
})
