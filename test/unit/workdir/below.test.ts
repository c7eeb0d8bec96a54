import { mkdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { findPrefixOrBelow } from '../../../src/workdir/below.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const nowhere = { prefixPath: undefined, workdirPath: undefined, prefixName: 'current' }

/** Prefixes of era 0.x, as `lagocli init NAME init.json` makes them in this directory. */
async function suiteWith(...names: readonly string[]): Promise<string> {
  const suite = await makeTempDir()
  for (const name of names) {
    await mkdir(path.join(suite, name))
    for (const mark of ['initialized', '.lago', 'uuid']) await writeFile(path.join(suite, name, mark), '')
  }
  await mkdir(path.join(suite, 'deploy-scripts'))
  return suite
}

test('outside of every environment the only prefix below is taken, and told', async () => {
  const suite = await suiteWith('deployment-basic')
  const { task, messages } = recordedTask()
  const prefixDir = path.join(suite, 'deployment-basic')
  expect(await findPrefixOrBelow(task, nowhere, suite)).toMatchObject({ prefixDir, workdir: undefined })
  expect(messages('info')).toEqual([expect.stringContaining(`${prefixDir}, the only one below it`)])
})

test('inside a prefix nothing else is looked for', async () => {
  const suite = await suiteWith('one', 'two')
  const { task, messages } = recordedTask()
  const one = path.join(suite, 'one')
  expect(await findPrefixOrBelow(task, nowhere, one)).toMatchObject({ prefixDir: one })
  expect(messages()).toEqual([])
})

test('of several prefixes below none is taken: they are named', async () => {
  const suite = await suiteWith('two', 'one')
  await expect(findPrefixOrBelow(recordedTask().task, nowhere, suite)).rejects.toMatchObject({
    code: 'LAGO_NO_PREFIX',
    message: `there is no environment in ${suite}, and several below it: one, two`,
  })
})

test('a place that was given is not replaced by another', async () => {
  const suite = await suiteWith('deployment-basic')
  const { task } = recordedTask()
  const elsewhere = path.join(suite, 'deploy-scripts')
  await expect(findPrefixOrBelow(task, { ...nowhere, prefixPath: elsewhere }, suite)).rejects.toMatchObject({
    code: 'LAGO_NO_PREFIX',
  })
  await expect(findPrefixOrBelow(task, { ...nowhere, workdirPath: elsewhere }, suite)).rejects.toMatchObject({
    code: 'LAGO_NO_WORKDIR',
  })
})

test('workdirs below, and what is no prefix, are not taken', async () => {
  const suite = await makeTempDir()
  await mkdir(path.join(suite, 'workdir', 'default'), { recursive: true })
  for (const mark of ['initialized', 'uuid']) await writeFile(path.join(suite, 'workdir', 'default', mark), '')
  await symlink('default', path.join(suite, 'workdir', 'current'))
  await mkdir(path.join(suite, 'project', '.lago'), { recursive: true })
  await expect(findPrefixOrBelow(recordedTask().task, nowhere, suite)).rejects.toMatchObject({
    code: 'LAGO_NO_WORKDIR',
    message: expect.stringContaining('workdir'),
  })
})
