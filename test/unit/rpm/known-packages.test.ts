import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { openKnownPackages } from '../../../src/rpm/known-packages.js'
import { readPackages } from '../../../src/rpm/read-packages.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { buildRpm } from '../../helpers/rpms.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

test('what a run has read the next one knows; what it does not ask for is forgotten', async () => {
  const dir = await makeTempDir()
  const [note, a, b] = [path.join(dir, 'known'), await buildRpm(dir, { name: 'a' }), await buildRpm(dir, { name: 'b' })]
  const first = await openKnownPackages(note)
  const { packages } = await readPackages(recordedTask().task, [a, b], first)
  await first.save()
  const second = await openKnownPackages(note)
  const recorded = recordedTask()
  expect((await readPackages(recorded.task, [a], second)).packages).toEqual(packages.slice(0, 1))
  expect(recorded.messages('debug')).toEqual([])
  await second.save()
  expect(await readFile(note, 'utf8')).not.toContain('"name": "b"')
})

test('a file that is damaged costs only time', async () => {
  const note = path.join(await makeTempDir(), 'known')
  for (const text of [
    '',
    '{',
    '[]',
    '{"packages": 1}',
    '{"packages": [["k", null]]}',
    '{"packages": [["k", {"name": 1}]]}',
  ]) {
    await writeFile(note, text)
    expect((await openKnownPackages(note)).get('k')).toBeUndefined()
  }
})
