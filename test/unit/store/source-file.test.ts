import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { createFileSource } from '../../../src/store/source-file.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'
import { publishImage } from './publish.js'

const ANY = { digests: { image: { sha1: '' }, served: {} }, maxBytes: undefined }
const tempDir = useTempDirs()
const { task } = recordedTask()

test('an image in a directory below is copied and its hash computed on the way', async () => {
  const dir = await tempDir()
  await mkdir(path.join(dir, 'el7'))
  const { sha1 } = await publishImage(dir, 'el7/v1.qcow2', { metadata: { a: 1 } })
  const source = createFileSource(dir)
  const copyPath = path.join(dir, 'copy')
  expect((await source.fetch(task, 'el7/v1.qcow2', copyPath, ANY)).image).toEqual({ sha1 })
  expect((await readFile(copyPath)).equals(await readFile(path.join(dir, 'el7/v1.qcow2')))).toBe(true)
  expect(await source.digests(task, 'el7/v1.qcow2')).toEqual({ image: { sha1 }, served: {} })
  expect(await source.metadata(task, 'el7/v1.qcow2')).toEqual({ a: 1 })
})

test.each(['../image', 'a/../../image', '/etc/passwd', '..', '', '.', 'a\u0000b'])(
  'handle %j is refused',
  async (handle) => {
    const dir = await tempDir()
    await mkdir(path.join(dir, 'root'))
    const source = createFileSource(path.join(dir, 'root'))
    const leadsOut = { code: 'LAGO_DOWNLOAD', message: expect.stringContaining('leads out of its source') }
    await expect(source.fetch(task, handle, path.join(dir, 'copy'), ANY)).rejects.toMatchObject(leadsOut)
  },
)

test('a root that is the top of the file system works', async () => {
  const dir = await tempDir()
  const { sha1 } = await publishImage(dir, 'image')
  expect(await createFileSource('/').digests(task, path.join(dir, 'image').slice(1))).toEqual({
    image: { sha1 },
    served: {},
  })
})

describe('what is wrong at the source is named:', () => {
  test.each([
    ['hash', '', 'does not hold the 40 hex digits of a SHA-1'],
    ['hash', 'xyz', 'does not hold the 40 hex digits of a SHA-1'],
    ['metadata', '{', 'is not JSON'],
    ['metadata', '[]', 'is not a JSON object'],
    ['metadata', 'null', 'is not a JSON object'],
  ])('%s %j', async (what, content, why) => {
    const dir = await tempDir()
    await publishImage(dir, 'image')
    await writeFile(path.join(dir, `image.${what}`), content)
    const source = createFileSource(dir)
    const asked = what === 'hash' ? source.digests(task, 'image') : source.metadata(task, 'image')
    await expect(asked).rejects.toMatchObject({
      code: 'LAGO_DOWNLOAD',
      message: expect.stringContaining(`template file ${path.join(dir, `image.${what}`)} ${why}`),
    })
  })

  test('an image that is a directory', async () => {
    const dir = await tempDir()
    await mkdir(path.join(dir, 'image'))
    await expect(createFileSource(dir).fetch(task, 'image', path.join(dir, 'copy'), ANY)).rejects.toMatchObject({
      code: 'LAGO_DOWNLOAD',
      message: `template file ${path.join(dir, 'image')} is not a file`,
    })
  })
})

test('a full disk is told as such', async () => {
  const dir = await tempDir()
  await publishImage(dir, 'image')
  await symlink('/dev/full', path.join(dir, 'full'))
  await expect(createFileSource(dir).fetch(task, 'image', path.join(dir, 'full'), ANY)).rejects.toMatchObject({
    code: 'LAGO_NO_SPACE',
    hint: expect.stringContaining('free some space'),
  })
})
