import { mkdir, readdir, readlink, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { UndoStack } from '../../../src/base/undo.js'
import { findPrefix, findWorkdir } from '../../../src/workdir/find.js'
import {
  ensureWorkdir,
  isWorkdir,
  newPrefixDir,
  prefixDir,
  readWorkdir,
  removeIfEmpty,
  repairCurrent,
  setCurrent,
} from '../../../src/workdir/workdir.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const nowhere = { prefixPath: undefined, workdirPath: undefined, prefixName: 'current' }

/** A project directory with `.lago` and these prefixes, the first of which is current. */
async function projectWith(...names: readonly string[]): Promise<{ project: string; workdir: string }> {
  const project = await makeTempDir()
  const workdir = path.join(project, '.lago')
  await mkdir(workdir)
  for (const name of names) await makePrefix(path.join(workdir, name))
  await symlink(names[0] ?? 'default', path.join(workdir, 'current'))
  return { project, workdir }
}

async function makePrefix(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true })
  await writeFile(path.join(dir, 'initialized'), '')
  await writeFile(path.join(dir, 'uuid'), 'f'.repeat(32))
}

describe('finding a prefix', () => {
  test('from any directory below the workdir', async () => {
    const { task } = recordedTask()
    const { project, workdir } = await projectWith('default')
    const below = path.join(project, 'a', 'b')
    await mkdir(below, { recursive: true })
    for (const cwd of [project, below, workdir])
      expect((await findPrefix(task, nowhere, cwd)).prefixDir).toBe(path.join(workdir, 'default'))
  })

  test('by name, and by the directory in which one stands', async () => {
    const { task } = recordedTask()
    const { project, workdir } = await projectWith('default', 'other')
    const other = path.join(workdir, 'other')
    expect((await findPrefix(task, { ...nowhere, prefixName: 'other' }, project)).prefixDir).toBe(other)
    expect(await findPrefix(task, nowhere, other)).toMatchObject({ prefixDir: other, workdir: undefined })
  })

  test('an unknown name lists the prefixes', async () => {
    const { task } = recordedTask()
    const { project, workdir } = await projectWith('default', 'other')
    await expect(findPrefix(task, { ...nowhere, prefixName: 'none' }, project)).rejects.toMatchObject({
      code: 'LAGO_NO_PREFIX',
      message: `Unable to find prefix "none" in workdir ${workdir}`,
      hint: 'its prefixes: default, other',
    })
  })

  test('a prefix path that leads to none', async () => {
    const { task } = recordedTask()
    const dir = await makeTempDir()
    await expect(findPrefix(task, { ...nowhere, prefixPath: dir }, '/')).rejects.toMatchObject({
      code: 'LAGO_NO_PREFIX',
      message: `Unable to find prefix for ${dir}`,
    })
  })

  test('without a workdir, those below are named', async () => {
    const { task } = recordedTask()
    const dir = await makeTempDir()
    await makePrefix(path.join(dir, 'suite', 'default'))
    await symlink('default', path.join(dir, 'suite', 'current'))
    await expect(findWorkdir(task, nowhere, dir)).rejects.toMatchObject({
      code: 'LAGO_NO_WORKDIR',
      message: `Unable to find workdir in ${dir}\nFound possible workdirs in: suite`,
    })
  })
})

describe('a workdir', () => {
  test.each([
    ['an empty directory', async () => undefined, /^Empty dir /],
    ['no link', async (dir: string) => mkdir(path.join(dir, 'default')), /should exist and be a soft link$/],
    ['no real link', async (dir: string) => mkdir(path.join(dir, 'current')), /should be a soft link$/],
  ])('is not made of %s', async (_, prepare, message) => {
    const dir = await makeTempDir()
    await prepare(dir)
    await expect(readWorkdir(dir)).rejects.toMatchObject({
      code: 'LAGO_NO_WORKDIR',
      message: expect.stringMatching(message),
    })
  })

  test('a broken current link is set to default, else to the last name', async () => {
    const { task, messages } = recordedTask()
    const { workdir } = await projectWith('default', 'zoo')
    await setCurrent(await readWorkdir(workdir), 'zoo')
    const broken = { ...(await readWorkdir(workdir)), current: 'gone' }
    expect((await repairCurrent(task, broken)).current).toBe('default')
    expect((await repairCurrent(task, { ...broken, prefixes: ['a', 'zoo'] })).current).toBe('zoo')
    expect(await readlink(path.join(workdir, 'current'))).toBe('zoo')
    expect(messages()).toContain('Missing current link, setting it to default')
  })

  test('set-current refuses an unknown name and leaves the link', async () => {
    const { workdir } = await projectWith('default')
    await expect(setCurrent(await readWorkdir(workdir), 'x')).rejects.toMatchObject({ code: 'LAGO_NO_PREFIX' })
    expect(await readlink(path.join(workdir, 'current'))).toBe('default')
  })

  test('is told by its link from the start, and keeps the link it has', async () => {
    const { task } = recordedTask()
    const dir = await makeTempDir()
    const undo = new UndoStack(task)
    await ensureWorkdir(dir, 'a', undo)
    await ensureWorkdir(dir, 'b', undo)
    expect(await readlink(path.join(dir, 'current'))).toBe('a')
  })

  test('what was created is undone, up to the directory that was there', async () => {
    const { task } = recordedTask()
    const dir = await makeTempDir()
    await expect(
      (async () => {
        await using undo = new UndoStack(task)
        await ensureWorkdir(path.join(dir, 'a', 'b', 'w'), 'default', undo)
        throw new Error('init failed')
      })(),
    ).rejects.toThrow('init failed')
    expect(await readdir(dir)).toEqual([])
  })

  test('an empty directory is accepted and stays, one with other things is refused', async () => {
    const { task } = recordedTask()
    const dir = await makeTempDir()
    {
      await using undo = new UndoStack(task)
      await ensureWorkdir(dir, 'default', undo)
    }
    await writeFile(path.join(dir, 'thesis.txt'), '')
    const undo = new UndoStack(task)
    await expect(ensureWorkdir(dir, 'default', undo)).rejects.toMatchObject({ code: 'LAGO_NO_WORKDIR' })
    expect(await readdir(dir)).toEqual(['thesis.txt'])
  })

  test.each(['..', '.', 'current', 'a/b', '', 'a b'])('%j is no name for a prefix', (name) => {
    expect(() => newPrefixDir('/w', name)).toThrow(expect.objectContaining({ code: 'LAGO_USAGE' }))
  })

  test('is removed with its link when it is empty; through a link only that link goes', async () => {
    const { workdir } = await projectWith()
    const link = path.join(await makeTempDir(), 'link')
    await symlink(workdir, link)
    await removeIfEmpty(link)
    expect(await isWorkdir(workdir)).toBe(true)
    await removeIfEmpty(workdir)
    expect(await readdir(path.dirname(workdir))).toEqual([])
    expect(() => prefixDir({ dir: workdir, prefixes: [], current: undefined }, 'current')).toThrow(
      'Unable to find prefix',
    )
  })
})
