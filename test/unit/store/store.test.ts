import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { LagoError } from '../../../src/base/errors.js'
import { acquireLock } from '../../../src/base/lock.js'
import { createFileSource } from '../../../src/store/source-file.js'
import { openTemplateStore } from '../../../src/store/store.js'
import type { TemplateSource, TemplateStore, TemplateUser, TemplateVersion } from '../../../src/store/types.js'
import { readUsers } from '../../../src/store/users.js'
import { startScript } from '../../helpers/child-script.js'
import { writeLuksImage } from '../../helpers/luks-image.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'
import { publishImage, versionOf, writeRepository, type PublishedImage, type PublishOptions } from './publish.js'

const tempDir = useTempDirs()
const { task } = recordedTask()
const ref = { repo: 'r', name: 't', version: 'v1' }

function version(source: TemplateSource, more: Partial<TemplateVersion> = {}): TemplateVersion {
  return versionOf(source, 'image', { ref, ...more })
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
      expect((await readdir(dir)).sort()).toEqual(
        ['', '.hash', '.lock', '.metadata', '.origin'].map((suffix) => `r:t:v1${suffix}`),
      )
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
  })

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
      message: `image r:t:v1 does not match the expected hash: it has sha1 ${published.sha1}, published is ${wrong}`,
    })
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

  test('when the source breaks in the middle', async () => {
    const { dir, store, source } = await setUp()
    const failure = new LagoError('LAGO_DOWNLOAD', 'the line is dead')
    await expect(store.ensure(task, version(interrupted(source, () => Promise.reject(failure))))).rejects.toBe(failure)
    await expectNothingKept(dir)
  })

  test('when the work is aborted in the middle, and before the conversion', async () => {
    const { dir, store, source } = await setUp()
    for (const isAtEnd of [false, true]) {
      const { task, abort } = recordedTask()
      const reason = new LagoError('LAGO_CANCELLED', 'stop')
      const interrupt = async (): Promise<void> => abort(reason)
      await expect(store.ensure(task, version(interrupted(source, interrupt, isAtEnd)))).rejects.toBe(reason)
      await expectNothingKept(dir)
    }
  })

  test('when there is less room than the file needs, before it is fetched', async () => {
    const { dir, store, source } = await setUp()
    const huge: TemplateSource = {
      ...source,
      open: async (task, handle) => ({ ...given(await source.open(task, handle)), sizeBytes: 2 ** 50 }),
    }
    await expect(store.ensure(task, version(huge))).rejects.toMatchObject({
      code: 'LAGO_NO_SPACE',
      message: expect.stringMatching(/^image r:t:v1 needs 1125899906842624 bytes in \S+, where \d+ are free$/),
    })
    await expectNothingKept(dir)
  })
})

/** The source, with something that happens when the first piece of the image, or all of it, has come. */
function interrupted(source: TemplateSource, interrupt: () => Promise<void>, isAtEnd = false): TemplateSource {
  return {
    ...source,
    async open(task, handle) {
      const file = given(await source.open(task, handle))
      async function* chunks(): AsyncGenerator<Buffer, void, void> {
        for await (const chunk of file.chunks) {
          yield chunk
          if (!isAtEnd) await interrupt()
        }
        if (isAtEnd) await interrupt()
      }
      return { ...file, chunks: chunks() }
    },
  }
}

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('there is none')
  return value
}

describe('what comes is compared with every hash that is published:', () => {
  const hashesOf = (content: Buffer): Record<'sha1' | 'sha256' | 'sha512', string> => ({
    sha1: createHash('sha1').update(content).digest('hex'),
    sha256: createHash('sha256').update(content).digest('hex'),
    sha512: createHash('sha512').update(content).digest('hex'),
  })

  test.each(['sha1', 'sha256', 'sha512'] as const)(
    '%s of the repository file; nothing else is asked for',
    async (name) => {
      const { sourceDir, store, source } = await setUp()
      await rm(path.join(sourceDir, 'image.hash'))
      const hex = hashesOf(await readFile(path.join(sourceDir, 'image')))[name]
      const digest = { name, hex, of: 'either', from: 'repo.json' } as const
      await store.ensure(task, version(source, { digests: [digest], metadata: { distro: 'debian' } }))
      const other = { ...version(source, { digests: [{ ...digest, hex: 'b'.repeat(hex.length) }] }) }
      const ref = { repo: 'r', name: 'other', version: 'v1' }
      await expect(store.ensure(task, { ...other, ref })).rejects.toMatchObject({
        code: 'LAGO_TEMPLATE_CHECKSUM',
        message: `image r:other:v1 does not match the expected hash: it has ${name} ${hex}, published is ${'b'.repeat(hex.length)}`,
        hint: expect.stringContaining('repo.json'),
      })
    },
  )

  test.each(['sha256', 'sha512'] as const)('%s beside the image, too', async (name) => {
    const { sourceDir, dir, store, source } = await setUp()
    await writeFile(path.join(sourceDir, `image.${name}`), hashesOf(Buffer.from('another'))[name])
    await expect(store.ensure(task, version(source))).rejects.toMatchObject({ code: 'LAGO_TEMPLATE_CHECKSUM' })
    await expectNothingKept(dir)
  })

  test.each([
    [
      'of the file as it is served',
      (served: Buffer) => `${hashesOf(served).sha256}  other.xz\n${hashesOf(served).sha512} *image.xz\n`,
    ],
    ['of what is in it', (_: Buffer, content: Buffer) => `SHA256 (image) = ${hashesOf(content).sha256}\n`],
  ])('sums as distributions publish them, %s', async (_, sumsOf) => {
    const { sourceDir, store, source } = await setUp()
    const content = await readFile(path.join(sourceDir, 'image'))
    const served = execFileSync('xz', ['-c'], { input: content })
    await writeFile(path.join(sourceDir, 'image.xz'), served)
    await writeFile(path.join(sourceDir, 'SUMS'), `-----BEGIN PGP SIGNED MESSAGE-----\n${sumsOf(served, content)}`)
    await rm(path.join(sourceDir, 'image'))
    await store.ensure(task, version(source, { checksums: ['SUMS'] }))
    await writeFile(path.join(sourceDir, 'SUMS'), sumsOf(Buffer.from('x'), Buffer.from('y')))
    const again = version(source, { checksums: ['SUMS'], ref: { ...ref, version: 'v2' } })
    await expect(store.ensure(task, again)).rejects.toMatchObject({ code: 'LAGO_TEMPLATE_CHECKSUM' })
  })

  test.each([
    ['not there', undefined, /^there is no \S+\/SUMS$/],
    ['of other files', `${'a'.repeat(64)}  other\n`, /\/SUMS has no sum of image$/],
  ])('sums that are %s', async (_, text, message) => {
    const { sourceDir, dir, store, source } = await setUp()
    if (text !== undefined) await writeFile(path.join(sourceDir, 'SUMS'), text)
    await expect(store.ensure(task, version(source, { checksums: ['SUMS'] }))).rejects.toMatchObject({
      code: 'LAGO_DOWNLOAD',
      message: expect.stringMatching(message),
    })
    await expectNothingKept(dir)
  })

  test.each([
    ['image.hash', '', 'does not hold a sha1'],
    ['image.hash', 'xyz', 'does not hold a sha1'],
    ['image.sha256', 'a'.repeat(40), 'does not hold a sha256'],
    ['image.metadata', '{', 'is not JSON'],
    ['image.metadata', '[]', 'is not a JSON object'],
    ['image.metadata', 'null', 'is not a JSON object'],
  ])('%s that holds %j', async (name, text, why) => {
    const { sourceDir, dir, store, source } = await setUp()
    await writeFile(path.join(sourceDir, name), text)
    await expect(store.ensure(task, version(source))).rejects.toMatchObject({
      code: 'LAGO_DOWNLOAD',
      message: expect.stringContaining(`template file ${path.join(sourceDir, name)} ${why}`),
    })
    await expectNothingKept(dir)
  })
})

test.each(['xz', 'zstd', 'gzip'])('an image that is there only as %s has made it is unpacked', async (program) => {
  const { sourceDir, published, store, source } = await setUp()
  const image = path.join(sourceDir, 'image')
  const suffix = { xz: '.xz', zstd: '.zst', gzip: '.gz' }[program] ?? ''
  await writeFile(`${image}${suffix}`, execFileSync(program, ['-c'], { input: await readFile(image) }))
  await rm(image)
  const stored = await store.ensure(task, version(source))
  expect((await readFile(stored.path)).equals(published.content)).toBe(true)
})

test('what is compressed under a plain name is told by its content', async () => {
  const { sourceDir, published, store, source } = await setUp()
  const image = path.join(sourceDir, 'image')
  await writeFile(image, execFileSync('zstd', ['-c'], { input: await readFile(image) }))
  const stored = await store.ensure(task, version(source))
  expect((await readFile(stored.path)).equals(published.content)).toBe(true)
})

describe('an image that is no whole one is refused, and nothing that it names is opened:', () => {
  const republish = async (image: string): Promise<void> =>
    writeFile(
      `${image}.hash`,
      createHash('sha1')
        .update(await readFile(image))
        .digest('hex'),
    )

  test.each([
    [
      'laid over a file of this host',
      ['-f', 'qcow2', '-F', 'raw', '-b', '/etc/shadow'],
      'needs another file, /etc/shadow',
    ],
    [
      'laid over a server',
      ['-f', 'qcow2', '-F', 'raw', '-u', '-b', 'http://127.0.0.1:9/x'],
      'needs another file, http://127.0.0.1:9/x',
    ],
    ['with data in another file', ['-f', 'qcow2', '-o', 'data_file=DIR/data'], 'has its data in another file'],
    ['of parts', ['-f', 'vmdk', '-o', 'subformat=monolithicFlat'], 'has its data in another file'],
    [
      'encrypted inside',
      ['-f', 'qcow2', '--object', 'secret,id=s,data=pw', '-o', 'encrypt.format=aes,encrypt.key-secret=s'],
      'is encrypted',
    ],
    ['of a format nobody uses', ['-f', 'qed'], 'is of the format qed'],
  ])('%s', async (_, args, why) => {
    const { sourceDir, dir, store, source } = await setUp()
    const image = path.join(sourceDir, 'image')
    await rm(image)
    execFileSync('qemu-img', ['create', '-q', ...args.map((word) => word.replace('DIR', sourceDir)), image, '1M'])
    await republish(image)
    await expect(store.ensure(task, version(source))).rejects.toMatchObject({
      code: 'LAGO_TEMPLATE_IMAGE',
      message: `image r:t:v1 ${why}`,
    })
    await expectNothingKept(dir)
  })

  test('encrypted', async () => {
    const { sourceDir, dir, store, source } = await setUp()
    const image = path.join(sourceDir, 'image')
    await writeLuksImage(image)
    await republish(image)
    await expect(store.ensure(task, version(source))).rejects.toMatchObject({
      code: 'LAGO_TEMPLATE_IMAGE',
      message: 'image r:t:v1 is encrypted',
    })
    await expectNothingKept(dir)
  })

  test('with a snapshot inside', async () => {
    const { sourceDir, dir, store, source } = await setUp()
    const image = path.join(sourceDir, 'image')
    execFileSync('qemu-img', ['snapshot', '-c', 'before', image])
    await republish(image)
    await expect(store.ensure(task, version(source))).rejects.toMatchObject({
      message: 'image r:t:v1 has 1 snapshot(s) inside',
    })
    await expectNothingKept(dir)
  })

  test('cut off, with a hash that says so', async () => {
    const { sourceDir, dir, store, source } = await setUp()
    const image = path.join(sourceDir, 'image')
    await writeFile(image, (await readFile(image)).subarray(0, 100_000))
    await republish(image)
    await expect(store.ensure(task, version(source))).rejects.toMatchObject({
      code: 'LAGO_TEMPLATE_IMAGE',
      message: expect.stringMatching(/^image r:t:v1 is damaged: ./),
    })
    await expectNothingKept(dir)
  })
})

describe('a layer over another template of its repository', () => {
  const layer = async (sourceDir: string, base: string): Promise<void> => {
    const [image, top] = [path.join(sourceDir, 'image'), path.join(sourceDir, 'top')]
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', image, top])
    execFileSync('qemu-io', ['-c', 'write -P 0x42 0 64k', top])
    execFileSync('qemu-img', ['rebase', '-u', '-f', 'qcow2', '-F', 'raw', '-b', base, top])
    await writeFile(
      `${top}.hash`,
      createHash('sha1')
        .update(await readFile(top))
        .digest('hex'),
    )
    await writeFile(`${top}.metadata`, '{}')
  }

  test.each(['./t:v1', 't:v1', '/var/lib/lago/store/r:t:v1'])('named %s becomes a whole image', async (base) => {
    const { sourceDir, dir, published, store, source } = await setUp()
    await layer(sourceDir, base)
    const sibling = (name: string, version: string): TemplateVersion =>
      versionOf(source, 'image', { ref: { repo: 'r', name, version } })
    const stored = await store.ensure(task, versionOf(source, 'top', { ref: { ...ref, name: 'top' }, sibling }))
    const expected = Buffer.from(published.content)
    expected.fill(0x42, 0, 65_536)
    expect((await readFile(stored.path)).equals(expected)).toBe(true)
    expect((await readdir(dir)).filter((name) => /^r:\w+:v1$/.test(name)).sort()).toEqual(['r:t:v1', 'r:top:v1'])
  })

  test('that is laid over itself is refused', async () => {
    const { sourceDir, store, source } = await setUp()
    await layer(sourceDir, 'top:v1')
    const top = (): TemplateVersion => versionOf(source, 'top', { ref: { ...ref, name: 'top' }, sibling: top })
    await expect(store.ensure(task, top())).rejects.toMatchObject({
      code: 'LAGO_TEMPLATE_IMAGE',
      message: 'templates are laid over each other in a circle: r:top:v1 over r:top:v1',
    })
  })
})

describe('of two repositories of one name', () => {
  test('the second does not get the image of the first', async () => {
    const first = await setUp()
    const second = await setUp({ text: 'other' })
    await first.store.ensure(task, version(first.source, { repository: '/a/repo.json' }))
    await expect(
      first.store.ensure(task, version(second.source, { repository: '/b/repo.json' })),
    ).rejects.toMatchObject({
      code: 'LAGO_TEMPLATE_CLASH',
      message: 'template r:t:v1 in the store is that of /a/repo.json, and another than that of /b/repo.json',
    })
  })

  test('one that was moved, or that cannot be asked, is the same', async () => {
    const { store, source } = await setUp()
    const stored = await store.ensure(task, version(source, { repository: '/a/repo.json' }))
    expect(await store.ensure(task, version(source, { repository: '/b/repo.json' }))).toEqual(stored)
    const dead = createFileSource('/nonexistent')
    const { task: told, messages } = recordedTask()
    expect(await store.ensure(told, version(dead, { repository: '/b/repo.json' }))).toEqual(stored)
    expect(messages()).toEqual([expect.stringContaining('template r:t:v1 is used as it is in the store')])
  })
})

describe('who uses a template is noted', () => {
  const userIn = async (dir: string, uuid: string): Promise<TemplateUser> => {
    const uuidPath = path.join(dir, uuid)
    await writeFile(uuidPath, uuid)
    return { uuidPath, uuid }
  }

  test('in upstream’s form, and forgotten when the prefix is gone', async () => {
    const { sourceDir, dir, store, source } = await setUp()
    const [one, two] = [await userIn(sourceDir, 'u1'), await userIn(sourceDir, 'u2')]
    await store.ensure(task, version(source), one)
    await store.ensure(task, version(source), two)
    const usersPath = path.join(dir, 'r:t:v1.users')
    expect(JSON.parse(await readFile(usersPath, 'utf8'))).toEqual({
      users: { [one.uuidPath]: 'u1', [two.uuidPath]: 'u2' },
      last_access: expect.any(Number),
    })
    await rm(one.uuidPath)
    expect(await readUsers(usersPath)).toEqual([two])
    await writeFile(two.uuidPath, 'another')
    expect(await readUsers(usersPath)).toEqual([])
  })

  test('unless the store is somebody else’s; a damaged note is begun anew', async () => {
    const { sourceDir, dir, store, source } = await setUp()
    const user = await userIn(sourceDir, 'u1')
    await store.ensure(task, version(source))
    for (const text of ['', '[1]', '{"users": 3}', '{"users": {"a": 1}}']) {
      await writeFile(path.join(dir, 'r:t:v1.users'), text)
      await store.ensure(task, version(source), user)
      expect(await readUsers(path.join(dir, 'r:t:v1.users'))).toEqual([user])
    }
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
  const refused = store.ensure(task, version(source, { ref }))
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
