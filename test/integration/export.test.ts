/** A mini guest that is exported standing alone boots again from what was exported, on other addresses. */
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { makeProject, type LagoProject } from '../helpers/lago-project.js'
import { MINI_ENV, miniVm } from '../helpers/real-host.js'

let project: LagoProject

beforeAll(async () => {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lago-export-'))
  const initFile = {
    domains: { vm0: miniVm([{ net: 'lago' }]) },
    nets: { lago: { type: 'nat', management: true, dhcp: { start: 100, end: 254 } } },
  }
  project = await makeProject(dir, { LagoInitFile: JSON.stringify(initFile) }, MINI_ENV)
})

afterAll(async () => {
  await project.lago(['destroy', '--yes'])
  await rm(project.dir, { recursive: true, force: true })
})

test('a running machine is not exported', async () => {
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
  expect(await project.lago(['start'])).toMatchObject({ exitCode: 0 })
  const marked = await project.lago(['shell', 'vm0', '-c', 'echo kept > /root/mark && sync'])
  expect(marked).toMatchObject({ exitCode: 0 })
  expect(await project.lago(['export', '-s', '-d', 'out'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/The following vms must be off:.*\nvm0\n/),
  })
  expect(await project.ls('out')).toEqual([])
})

test('what was exported boots with what was written before, without the template', async () => {
  expect(await project.lago(['stop'])).toMatchObject({ exitCode: 0 })
  expect(await project.lago(['export', '-s', '-c', 'zstd', '-d', 'out'])).toMatchObject({ exitCode: 0 })
  expect(await project.lago(['destroy', '--yes'])).toMatchObject({ exitCode: 0 })
  await rm(path.join(project.dir, 'store'), { recursive: true, force: true })
  expect(await project.lago(['init', 'out/LagoInitFile'])).toMatchObject({ exitCode: 0 })
  expect(await project.ls('store')).toEqual([])
  expect(await project.lago(['start'])).toMatchObject({ exitCode: 0 })
  const { stdout } = await project.lago(['shell', 'vm0', 'cat', '/root/mark'])
  expect(stdout).toBe('kept\n')
})
