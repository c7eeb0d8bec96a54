import { readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { buildPackages } from '../../../scripts/packaging/build-packages.js'
import { makeHostTrees } from '../../../scripts/packaging/host-trees.js'
import { makeGitProject } from '../../helpers/git-project.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const FITTING = { version: '2.1.7', release: '1', dists: ['el9'] }

test.each([
  [{ version: '2.1' }, 'no packages can be made of version "2.1"'],
  [{ version: '2.1.7-alpha' }, 'no packages can be made of version "2.1.7-alpha"'],
  [{ version: '02.1.7' }, 'no packages can be made of version "02.1.7"'],
  [{ release: '0' }, '"0" is no release of a package'],
  [{ release: '1.2' }, '"1.2" is no release of a package'],
  [{ dists: ['el9', 'fc42', 'el9'] }, '"el9" was named twice'],
  [{ release: '1 %{dist}' }, '"1 %{dist}" is no release of a package'],
  [{ dists: ['el9', '../el9'] }, '"../el9" is no distribution of RPMs'],
  [{ dists: [] }, 'no distribution was named for which RPMs are to be made'],
])('%j is refused before anything is made', async (options, message) => {
  const dir = await tempDir()
  const building = buildPackages(recordedTask().task, { ...FITTING, ...options, projectDir: dir, outDir: dir })
  await expect(building).rejects.toMatchObject({ code: 'LAGO_PACKAGING', message })
})

test('packages are not put beside what is there already', async () => {
  const dir = await tempDir()
  await writeFile(path.join(dir, 'lago-2.1.6.tgz'), '')
  await expect(buildPackages(recordedTask().task, { ...FITTING, projectDir: dir, outDir: dir })).rejects.toMatchObject({
    code: 'LAGO_PACKAGING',
    message: `packages are not put into ${dir}: there is something in it (lago-2.1.6.tgz)`,
  })
})

test('projects that npm does not build are refused, and nothing is left there', async () => {
  const [projectDir, outDir] = [await tempDir(), await tempDir()]
  await expect(buildPackages(recordedTask().task, { ...FITTING, projectDir, outDir })).rejects.toMatchObject({
    code: 'LAGO_PACKAGING',
    message: `there is no package.json in ${projectDir}`,
    hint: expect.stringContaining('--packages'),
  })
  expect(await readdir(projectDir)).toEqual([])
})

test('a partial clone is refused with what mends it, which does', async () => {
  const [dir, projectDir, outDir] = [await tempDir(), await tempDir(), await tempDir()]
  const { git, commit } = await makeGitProject(path.join(dir, 'origin'))
  await writeFile(path.join(dir, 'origin/package.json'), '{}')
  git('add', '.')
  commit('a package')
  git('config', 'uploadpack.allowFilter', 'true')
  git('clone', '--quiet', '--filter=blob:none', '--no-checkout', `file://${dir}/origin`, projectDir)
  await writeFile(path.join(projectDir, 'package.json'), '{}')
  const error = await failureOf(buildPackages(recordedTask().task, { ...FITTING, projectDir, outDir }))
  expect(error).toMatchObject({
    code: 'LAGO_PARTIAL_CLONE',
    message: `${projectDir} is a partial clone: files of its commits are missing`,
    hint: expect.stringContaining('fetch --refetch --no-filter'),
  })
  git('-C', projectDir, 'fetch', '--quiet', '--refetch', '--no-filter')
  expect(await failureOf(buildPackages(recordedTask().task, { ...FITTING, projectDir, outDir }))).not.toMatchObject({
    code: 'LAGO_PARTIAL_CLONE',
  })
})

async function failureOf(building: Promise<unknown>): Promise<unknown> {
  return building.then(
    () => undefined,
    (error: unknown) => error,
  )
}

test('machines for which koffi is not packed are refused', async () => {
  const dir = await tempDir()
  const commit = { hash: '0'.repeat(40), committedAtMs: 0 }
  const stage = {
    dir,
    workDir: dir,
    projectDir: dir,
    version: '2.1.7',
    release: '1',
    commit,
    changelog: '',
    changelogOfRpm: '',
  }
  await expect(makeHostTrees(stage, { family: 'debian', arch: 's390x' })).rejects.toMatchObject({
    code: 'LAGO_PACKAGING',
    message: 'no packages can be made for machines of the kind s390x',
  })
})
