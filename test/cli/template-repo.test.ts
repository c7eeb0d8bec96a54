/** Template repositories as clones, with a git server's place taken by a repository on this host. */
import { execFileSync } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, expect, test } from '@jest/globals'
import { makeProject, type LagoProject } from '../helpers/lago-project.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
let project: LagoProject
let origin: string

const git = (...words: readonly string[]): void =>
  void execFileSync('git', ['-C', origin, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...words])

async function publish(content: string): Promise<void> {
  await writeFile(path.join(origin, 'repo.json'), content)
  git('add', 'repo.json')
  git('commit', '-qm', 'templates')
}

beforeEach(async () => {
  const dir = await makeTempDir()
  project = await makeProject(dir, {}, { LAGO_TEMPLATE_REPOS: path.join(dir, 'repos') })
  origin = path.join(dir, 'office')
  await mkdir(origin)
  git('init', '-q', '-b', 'main')
  await publish('first')
})

test('add clones; update brings what the server has by now, over changes that were made', async () => {
  expect(await project.lago(['template-repo', 'add', origin], { program: 'lagocli' })).toMatchObject({ exitCode: 0 })
  expect(await project.read('repos/office/repo.json')).toBe('first')
  await publish('second')
  await writeFile(path.join(project.dir, 'repos/office/repo.json'), 'changed by hand')
  const update = await project.lago(['template-repo', 'update'])
  expect(update).toMatchObject({ exitCode: 0, stdout: '' })
  expect(update.stderr).toContain(`Updating ${path.join(project.dir, 'repos/office')}`)
  expect(await project.read('repos/office/repo.json')).toBe('second')
})

test('what cannot be cloned or updated is told, and the others are', async () => {
  const missing = await project.lago(['template-repo', 'add', path.join(project.dir, 'none')])
  expect(missing.exitCode).toBe(2)
  expect(missing.stderr).toContain('[LAGO_COMMAND_FAILED]')
  const option = await project.lago(['template-repo', 'add', '--', '--upload-pack=touch x'])
  expect(option.exitCode).toBe(2)
  expect((await project.lago(['template-repo', 'update'])).stderr).toContain('there is no clone in')
  for (const name of ['a', 'b']) {
    execFileSync('cp', ['-r', origin, path.join(project.dir, name)])
    await project.lago(['template-repo', 'add', path.join(project.dir, name)])
  }
  await rm(path.join(project.dir, 'a'), { recursive: true })
  origin = path.join(project.dir, 'b')
  await publish('new')
  const update = await project.lago(['template-repo', 'update'])
  expect(update.exitCode).toBe(2)
  expect(update.stderr).toContain('[LAGO_COMMAND_FAILED]')
  expect(await project.read('repos/b/repo.json')).toBe('new')
})
