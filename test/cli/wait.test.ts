/** Waiting as users ask for it, with libvirt's test driver: its machines run, and nothing runs in them. */
import { expect, test } from '@jest/globals'
import { makeProject, TWO_EMPTY_VMS, type LagoProject } from '../helpers/lago-project.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

async function initialized(): Promise<LagoProject> {
  const project = await makeProject(await makeTempDir(), { LagoInitFile: TWO_EMPTY_VMS })
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
  return project
}

test('a machine that is down is told at once, with what to do', async () => {
  const { lago } = await initialized()
  expect(await lago(['wait', 'vm1', 'ssh'])).toMatchObject({
    exitCode: 2,
    stdout: '',
    stderr: expect.stringMatching(
      /^vm1 did not get to ssh: it is down \[LAGO_NOT_READY\]\n.*\n {2}hint: lago start vm1\n$/m,
    ),
  })
})

test('what is waited for is checked before anything is done', async () => {
  const { lago } = await initialized()
  const down = { stdout: expect.stringContaining('VMs/vm0/status: down') }
  expect(await lago(['start', '--wait=shh'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(
      /^there is no rung "shh"; there are: running, .*\[LAGO_BAD_RUNG\]\n {2}hint: did you mean ssh\?/,
    ),
  })
  expect(await lago(['-f', 'flat', 'status'])).toMatchObject(down)
  expect(await lago(['wait', 'vm0', 'vm9', 'running'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('[LAGO_NO_SUCH_VM]'),
  })
  expect(await lago(['wait'])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('wait: RUNG is missing') })
  expect(await lago(['wait', 'ssh', '--timeout', '0'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('bad value "0" for --timeout'),
  })
})

test('the word behind --wait is a machine, not a rung', async () => {
  const { lago } = await initialized()
  expect(await lago(['start', '--wait', 'ssh'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('[LAGO_NO_SUCH_VM]'),
  })
})
