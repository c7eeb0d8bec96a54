import { readdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { acquireLock } from '../../../src/base/lock.js'
import { prunable, pruneStored } from '../../../src/store/prune.js'
import { createFileSource } from '../../../src/store/source-file.js'
import { openTemplateStore } from '../../../src/store/store.js'
import { refsAmong } from '../../../src/store/store-files.js'
import { listStored } from '../../../src/store/stored.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'
import { publishImage, versionOf } from './publish.js'

const tempDir = useTempDirs()
const { task } = recordedTask()

async function storeWithOne(): Promise<{ readonly dir: string; readonly sourceDir: string }> {
  const [sourceDir, dir] = [await tempDir(), path.join(await tempDir(), 'store')]
  await publishImage(sourceDir, 'image')
  await openTemplateStore(dir).ensure(task, versionOf(createFileSource(sourceDir), 'image'))
  return { dir, sourceDir }
}

test('one that came into use after it was looked at stays', async () => {
  const { dir, sourceDir } = await storeWithOne()
  const seen = prunable(await listStored(dir), false)
  expect(seen.map(({ files }) => files.key)).toEqual(['r:t:v1'])
  const uuidPath = path.join(sourceDir, 'uuid')
  await writeFile(uuidPath, 'u1')
  await openTemplateStore(dir).ensure(task, versionOf(createFileSource(sourceDir), 'image'), { uuidPath, uuid: 'u1' })
  expect(await pruneStored(task, seen)).toEqual([])
  expect(prunable(await listStored(dir), true)).toEqual([])
  await rm(uuidPath)
  expect(await pruneStored(task, await listStored(dir))).toHaveLength(1)
  expect(await readdir(dir)).toEqual([])
})

test('one that somebody works on stays', async () => {
  const { dir } = await storeWithOne()
  await using _lock = await acquireLock(task, { path: path.join(dir, 'r:t:v1.lock'), what: 'x', waitMs: 0 })
  expect(await pruneStored(task, await listStored(dir))).toEqual([])
  expect(await readdir(dir)).toContain('r:t:v1')
})

test('what waits for a lock that is removed with its template fetches it again', async () => {
  const { dir, sourceDir } = await storeWithOne()
  const lock = await acquireLock(task, { path: path.join(dir, 'r:t:v1.lock'), what: 'x', waitMs: 0 })
  for (const name of await readdir(dir)) await rm(path.join(dir, name))
  const waiting = openTemplateStore(dir).ensure(task, versionOf(createFileSource(sourceDir), 'image'))
  await lock[Symbol.asyncDispose]()
  expect(await waiting).toMatchObject({ path: path.join(dir, 'r:t:v1') })
})

test('what is no image is none, whatever its name', () => {
  const names = ['r:t:v1.lock', 'r:t:v2.tmp', 'r:t:v3.hash', 'r:t:v4', 'r:t:v4.users', 'r:t', 'README', 'a:b:c:d']
  expect(refsAmong(names)).toEqual([{ repo: 'r', name: 't', version: 'v4' }])
  expect(refsAmong(['r:t:v1.metadata', 'r:t:v1'])).toEqual([{ repo: 'r', name: 't', version: 'v1' }])
})
