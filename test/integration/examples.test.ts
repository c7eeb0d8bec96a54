/** The example test suites, copied and run as a user would, with their own package.json. */
import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { makeProject, outcomeOf, type LagoProject } from '../helpers/lago-project.js'
import { hostState, MINI_ENV } from '../helpers/real-host.js'

jest.setTimeout(600_000)
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
let project: LagoProject
let before: Awaited<ReturnType<typeof hostState>>

beforeAll(async () => {
  before = await hostState()
  project = await makeProject(await mkdtemp(path.join(os.tmpdir(), 'lago-examples-')), {}, MINI_ENV)
})

afterAll(async () => {
  await rm(project.dir, { recursive: true, force: true })
})

test.each(['sdk-jest', 'sdk-node-test'])('examples/%s passes, and leaves the host as it was', async (name) => {
  const dir = path.join(project.dir, name)
  await cp(path.join(ROOT, 'examples', name), dir, { recursive: true })
  await mkdir(path.join(dir, 'node_modules'))
  const { scripts, devDependencies } = JSON.parse(await readFile(path.join(dir, 'package.json'), 'utf8')) as {
    readonly scripts: { readonly test: string }
    readonly devDependencies: Readonly<Record<string, string>>
  } // our own file
  for (const dependency of Object.keys(devDependencies))
    await symlink(
      dependency === 'lago' ? ROOT : path.join(ROOT, 'node_modules', dependency),
      path.join(dir, 'node_modules', dependency),
    )
  const [program, ...argv] = scripts.test.split(' ')
  expect(program).toBe('node')
  const env = { PATH: process.env['PATH'], ...project.env }

  const run = await outcomeOf(spawn(process.execPath, argv, { cwd: dir, env }))

  expect(run.exitCode === 0 ? '' : run.stdout + run.stderr).toBe('')
  expect(await project.ls(name)).not.toContain('lago-results')
  expect(await hostState(before)).toEqual(before)
})
