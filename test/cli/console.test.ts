import { spawn } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { makeProject, outcomeOf, TWO_EMPTY_VMS } from '../helpers/lago-project.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const LAGO = fileURLToPath(new URL('../../../bin/lago.js', import.meta.url))

test('a console with nothing to type is refused, as with /dev/null; one with something in a pipe is not', async () => {
  const { dir, env, lago } = await makeProject(await makeTempDir(), { LagoInitFile: TWO_EMPTY_VMS })
  expect(await lago(['init'])).toMatchObject({ exitCode: 0 })
  const started = spawn(process.execPath, [LAGO, 'console', 'vm0'], {
    cwd: path.resolve(dir),
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  expect(await outcomeOf(started)).toMatchObject({
    exitCode: 2,
    stdout: '',
    stderr: expect.stringMatching(/\[LAGO_USAGE\]\n {2}hint: .*lago console VM --log/),
  })
  expect(await lago(['console', 'vm0'], { input: 'root\n' })).toMatchObject({
    stderr: expect.stringContaining('LAGO_VM_NOT_RUNNING'),
  })
})
