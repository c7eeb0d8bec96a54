import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { makeScratchDir, sweepScratchDirs } from '../../../src/base/scratch-dir.js'
import { startScript } from '../../helpers/child-script.js'
import { recordedTask } from '../../helpers/recorded-task.js'

let parent: string

beforeEach(async () => {
  parent = await mkdtemp(path.join(os.tmpdir(), 'lago-scratch-test-'))
})

afterEach(async () => {
  await rm(parent, { recursive: true })
})

test('what a process that was killed left is removed; that of a living one, and what is not of us, stays', async () => {
  const holder = startScript(new URL('./hold-scratch-dir.js', import.meta.url), [parent])
  const held = (await holder.nextLine()) ?? ''
  const own = await makeScratchDir('ssh', parent)
  await mkdir(path.join(parent, 'lago-ssh-other'))
  const { task } = recordedTask()
  await sweepScratchDirs(task, [parent])
  expect((await readdir(parent)).sort()).toEqual(
    [held, own, 'lago-ssh-other'].map((name) => path.basename(name)).sort(),
  )
  await holder.kill('SIGKILL')
  await sweepScratchDirs(task, [parent])
  expect((await readdir(parent)).sort()).toEqual([path.basename(own), 'lago-ssh-other'].sort())
})

test('a directory that is not there has nothing to sweep', async () => {
  const { task } = recordedTask()
  await expect(sweepScratchDirs(task, [path.join(parent, 'missing')])).resolves.toBeUndefined()
})
