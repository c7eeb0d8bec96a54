import { mkdir, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { UndoStack } from '../../../src/base/undo.js'
import { findPrefix, findWorkdir } from '../../../src/workdir/find.js'
import {
  ensureWorkdir,
  newPrefixDir,
  prefixDir,
  readWorkdir,
  removeIfEmpty,
  withExistingCurrent,
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

/** A prefix of era 0.x, as `lagocli` of 0.5 made them. */
async function makeOldPrefix(dir: string): Promise<string> {
  await mkdir(path.join(dir, 'virt'), { recursive: true })
  await writeFile(path.join(dir, '.lago'), '')
  await writeFile(path.join(dir, 'uuid'), 'f'.repeat(32))
  await writeFile(path.join(dir, 'virt/env'), '{}')
  return dir
}

describe('finding a prefix of era 0.x', () => {
  test('in it, below it, by its path, and through a link', async () => {
    const dir = await makeTempDir()
    const prefix = await makeOldPrefix(path.join(dir, 'deployment'))
    await mkdir(path.join(prefix, 'logs/more'), { recursive: true })
    await symlink('deployment', path.join(dir, 'link'))
    for (const cwd of [prefix, path.join(prefix, 'logs'), path.join(prefix, 'logs/more')])
      expect(await findPrefix(nowhere, cwd)).toEqual({ prefixDir: prefix, workdir: undefined, givenPath: prefix })
    expect(await findPrefix({ ...nowhere, prefixPath: 'link' }, dir)).toEqual({
      prefixDir: prefix,
      workdir: undefined,
      givenPath: path.join(dir, 'link'),
    })
  })

  test('the nearer of it and a workdir counts, and a workdir that was asked for', async () => {
    const { project, workdir } = await projectWith('default')
    const outer = await makeOldPrefix(path.join(project, 'outer'))
    expect((await findPrefix(nowhere, outer)).prefixDir).toBe(outer)
    expect((await findPrefix({ ...nowhere, workdirPath: '.' }, outer)).prefixDir).toBe(path.join(workdir, 'default'))
    const inner = path.join(outer, 'project')
    await makePrefix(path.join(inner, '.lago/default'))
    await symlink('default', path.join(inner, '.lago/current'))
    expect((await findPrefix(nowhere, inner)).prefixDir).toBe(path.join(inner, '.lago/default'))
    expect((await findPrefix(nowhere, project)).prefixDir).toBe(path.join(workdir, 'default'))
  })

  test('a file .lago alone, as the configuration in a home directory, is neither a prefix nor in the way of a workdir', async () => {
    const { project, workdir } = await projectWith('default')
    const home = path.join(project, 'home')
    await mkdir(home)
    await writeFile(path.join(home, '.lago'), '[lago]\n')
    expect((await findPrefix(nowhere, home)).prefixDir).toBe(path.join(workdir, 'default'))
    await expect(findPrefix({ ...nowhere, prefixPath: home }, '/')).rejects.toMatchObject({ code: 'LAGO_NO_PREFIX' })
  })

  test('right below it is named, not taken', async () => {
    const dir = await makeTempDir()
    await makeOldPrefix(path.join(dir, 'a'))
    await expect(findPrefix(nowhere, dir)).rejects.toMatchObject({
      code: 'LAGO_NO_WORKDIR',
      message: `Unable to find workdir in ${dir}\nFound possible prefixes in: a`,
      hint: 'run inside one of them, or pass --prefix-path',
    })
    await makeOldPrefix(path.join(dir, 'b'))
    await expect(findPrefix(nowhere, dir)).rejects.toMatchObject({
      message: expect.stringContaining('Found possible prefixes in: a, b'),
    })
  })

  test('without its marks it is one for who asks for such alone', async () => {
    const dir = await makeTempDir()
    const prefix = await makeOldPrefix(path.join(dir, 'p'))
    await rm(path.join(prefix, '.lago'))
    for (const place of [nowhere, { ...nowhere, prefixPath: prefix }]) {
      expect((await findPrefix(place, prefix, { orCleaned: true })).prefixDir).toBe(prefix)
      await expect(findPrefix(place, prefix)).rejects.toMatchObject({
        code: 'LAGO_NO_PREFIX',
        message: expect.stringContaining(`${prefix} was cleaned up`),
      })
    }
    await rm(path.join(prefix, 'uuid'))
    await expect(findPrefix(nowhere, prefix, { orCleaned: true })).rejects.toMatchObject({ code: 'LAGO_NO_WORKDIR' })
    await writeFile(path.join(prefix, 'virt/under-way'), '{}') // of a destroy that was killed
    expect((await findPrefix(nowhere, prefix, { orCleaned: true })).prefixDir).toBe(prefix)
  })

  test('without its marks it is not taken for another one: the workdir above is nobody’s who stands in it', async () => {
    const { project, workdir } = await projectWith('default')
    const prefix = await makeOldPrefix(path.join(project, 'old'))
    await rm(path.join(prefix, '.lago'))
    for (const cwd of [prefix, path.join(prefix, 'virt')]) {
      expect((await findPrefix(nowhere, cwd, { orCleaned: true })).prefixDir).toBe(prefix)
      await expect(findPrefix(nowhere, cwd)).rejects.toMatchObject({ code: 'LAGO_NO_PREFIX' })
    }
    expect((await findPrefix({ ...nowhere, workdirPath: '.' }, prefix)).prefixDir).toBe(path.join(workdir, 'default'))
  })

  test('one of a workdir without its mark is found by its name', async () => {
    const { workdir } = await projectWith('default')
    const prefix = path.join(workdir, 'default')
    await mkdir(path.join(prefix, 'virt'), { recursive: true })
    for (const name of ['uuid', 'virt/env']) await writeFile(path.join(prefix, name), '')
    await rm(path.join(prefix, 'initialized'))
    expect(await findPrefix(nowhere, prefix)).toMatchObject({ prefixDir: prefix, workdir: { dir: workdir } })
  })
})

describe('finding a prefix', () => {
  test('from any directory below the workdir', async () => {
    const { project, workdir } = await projectWith('default')
    const below = path.join(project, 'a', 'b')
    await mkdir(below, { recursive: true })
    for (const cwd of [project, below, workdir])
      expect((await findPrefix(nowhere, cwd)).prefixDir).toBe(path.join(workdir, 'default'))
  })

  test('by name, and by the directory in which one stands', async () => {
    const { project, workdir } = await projectWith('default', 'other')
    const other = path.join(workdir, 'other')
    expect((await findPrefix({ ...nowhere, prefixName: 'other' }, project)).prefixDir).toBe(other)
    expect(await findPrefix(nowhere, other)).toMatchObject({ prefixDir: other, workdir: undefined })
  })

  test('an unknown name lists the prefixes', async () => {
    const { project, workdir } = await projectWith('default', 'other')
    await expect(findPrefix({ ...nowhere, prefixName: 'none' }, project)).rejects.toMatchObject({
      code: 'LAGO_NO_PREFIX',
      message: `Unable to find prefix "none" in workdir ${workdir}`,
      hint: 'its prefixes: default, other',
    })
  })

  test('a prefix path that leads to none', async () => {
    const dir = await makeTempDir()
    await expect(findPrefix({ ...nowhere, prefixPath: dir }, '/')).rejects.toMatchObject({
      code: 'LAGO_NO_PREFIX',
      message: `Unable to find prefix for ${dir}`,
    })
  })

  test('without a workdir, those below are named', async () => {
    const dir = await makeTempDir()
    await makePrefix(path.join(dir, 'suite', 'default'))
    await symlink('default', path.join(dir, 'suite', 'current'))
    await expect(findWorkdir(nowhere, dir)).rejects.toMatchObject({
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

  test('a broken current link counts as default, else as the last name, and is left as it is', async () => {
    const { workdir } = await projectWith('gone')
    const broken = { dir: workdir, prefixes: ['default', 'zoo'], current: 'other' }
    expect(withExistingCurrent(broken).current).toBe('default')
    expect(withExistingCurrent({ ...broken, prefixes: ['a', 'zoo'] }).current).toBe('zoo')
    expect(withExistingCurrent({ ...broken, prefixes: [] }).current).toBeUndefined()
    expect(await readlink(path.join(workdir, 'current'))).toBe('gone')
  })

  test('a prefix may be a link to a directory elsewhere', async () => {
    const { project, workdir } = await projectWith('default')
    const elsewhere = await makeTempDir()
    await makePrefix(elsewhere)
    await symlink(elsewhere, path.join(workdir, 'far'))
    expect((await readWorkdir(workdir)).prefixes).toEqual(['default', 'far'])
    const place = await findPrefix({ ...nowhere, prefixName: 'far' }, project)
    expect(place).toMatchObject({ prefixDir: elsewhere, givenPath: path.join(workdir, 'far') })
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

  test('is removed with its link when it is empty', async () => {
    const { workdir } = await projectWith()
    await removeIfEmpty(workdir)
    expect(await readdir(path.dirname(workdir))).toEqual([])
    expect(() => prefixDir({ dir: workdir, prefixes: [], current: undefined }, 'current')).toThrow(
      'Unable to find prefix',
    )
  })
})
