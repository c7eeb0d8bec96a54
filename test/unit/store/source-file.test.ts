import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { createFileSource } from '../../../src/store/source-file.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const { task } = recordedTask()

async function sourceDir(): Promise<string> {
  const dir = await tempDir()
  await mkdir(path.join(dir, 'el7'))
  await writeFile(path.join(dir, 'el7', 'v1.qcow2'), 'an image')
  return dir
}

test('a file in a directory below is given whole, with its size', async () => {
  const dir = await sourceDir()
  const file = await createFileSource(dir).open(task, 'el7/v1.qcow2')
  expect(file).toMatchObject({ place: path.join(dir, 'el7/v1.qcow2'), sizeBytes: 8 })
  const chunks: Buffer[] = []
  for await (const chunk of file?.chunks ?? []) chunks.push(chunk)
  expect(Buffer.concat(chunks).toString()).toBe('an image')
  expect(await createFileSource(dir).text(task, 'el7/v1.qcow2')).toBe('an image')
})

test('what is not there is no error', async () => {
  const source = createFileSource(await sourceDir())
  for (const handle of ['none', 'el7/none', 'el7/v1.qcow2/none']) {
    expect(await source.open(task, handle)).toBeUndefined()
    expect(await source.text(task, handle)).toBeUndefined()
  }
})

test.each(['../image', 'a/../../image', '/etc/passwd', '..', '', '.', 'a\u0000b'])(
  'handle %j is refused',
  async (handle) => {
    const source = createFileSource(path.join(await sourceDir(), 'el7'))
    const leadsOut = { code: 'LAGO_DOWNLOAD', message: expect.stringContaining('leads out of its source') }
    await expect(source.open(task, handle)).rejects.toMatchObject(leadsOut)
    await expect(source.text(task, handle)).rejects.toMatchObject(leadsOut)
  },
)

test('a root that is the top of the file system works', async () => {
  const dir = await sourceDir()
  expect(await createFileSource('/').text(task, path.join(dir, 'el7/v1.qcow2').slice(1))).toBe('an image')
})

test('a directory is named as what it is', async () => {
  const dir = await sourceDir()
  const source = createFileSource(dir)
  await expect(source.open(task, 'el7')).rejects.toMatchObject({
    code: 'LAGO_DOWNLOAD',
    message: `template file ${path.join(dir, 'el7')} is not a file`,
  })
  await expect(source.text(task, 'el7')).rejects.toMatchObject({
    message: `template file ${path.join(dir, 'el7')} is a directory`,
  })
  expect((await readFile(path.join(dir, 'el7/v1.qcow2'))).length).toBe(8)
})
