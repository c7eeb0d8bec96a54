import { execFile } from 'node:child_process'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { LagoError } from '../../../src/base/errors.js'
import { buildFromSource, sourceRevision, type SourceBuild } from '../../../src/rpm/build-source.js'
import type { Project } from '../../../src/rpm/projects.js'
import { readPackages } from '../../../src/rpm/read-packages.js'
import { packageFilesBelow } from '../../../src/rpm/rpm-files.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { writeSourceTree } from '../../helpers/source-tree.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const MOCK = fileURLToPath(new URL('../../helpers/mock-program.js', import.meta.url))
const { PATH = '' } = process.env

let top = ''

beforeEach(async () => {
  top = await makeTempDir()
})

afterEach(() => {
  process.env['PATH'] = PATH
})

async function installMock(): Promise<void> {
  const file = path.join(top, 'bin', 'mock')
  await mkdir(path.dirname(file))
  await writeFile(file, `#!/bin/sh\nexec "${process.execPath}" "${MOCK}" "$@"\n`)
  await chmod(file, 0o755)
  process.env['PATH'] = `${path.dirname(file)}:${PATH}`
}

function buildOf(project: Project, distros: readonly string[], options: Partial<SourceBuild> = {}): SourceBuild {
  const [sourceDir, resultDir] = [path.join(top, 'source'), path.join(top, 'build', project)]
  return { project, sourceDir, distros, resultDir, withGwt: false, ...options }
}

/** What the package says of how it was built. */
async function toldBy(rpmPath: string): Promise<string> {
  const { stdout } = await promisify(execFile)('bash', [
    '-c',
    'rpm2cpio "$1" | cpio --quiet --to-stdout -i',
    '-',
    rpmPath,
  ])
  return stdout.trim().replace(/\n/g, ' ')
}

test.each(['..', '../../victim', '%(exit 1)', '-r'])('is not made for a distribution called %j', async (distro) => {
  await writeSourceTree(path.join(top, 'source'), { name: 'vdsm' })
  await mkdir(path.join(top, 'victim'))
  await expect(buildFromSource(recordedTask().task, buildOf('vdsm', ['el7', distro]))).rejects.toMatchObject({
    code: 'LAGO_DISTRO_NAME',
  })
  expect((await readdir(top)).sort()).toEqual(['source', 'victim'])
})

describe.each(['mock', 'rpmbuild'])('by %s', (way) => {
  test.each<[Project, boolean, string]>([
    ['vdsm', false, 'minimal= gwt= autogen --system BUILD_GWT= NOSE_EXCLUDE=.*'],
    ['ovirt-engine', false, 'minimal=1 gwt=0 BUILD_GWT=0 NOSE_EXCLUDE='],
    ['ovirt-engine', true, 'minimal=1 gwt=1 BUILD_GWT=1 NOSE_EXCLUDE='],
    ['vdsm-jsonrpc-java', false, 'minimal= gwt= autogen configure --with-dist-only BUILD_GWT= NOSE_EXCLUDE='],
    ['ioprocess', false, 'minimal= gwt= autogen configure BUILD_GWT= NOSE_EXCLUDE=.*'],
  ])('%s is built as its project wants it (with GWT: %s)', async (project, withGwt, told) => {
    if (way === 'mock') await installMock()
    await writeSourceTree(path.join(top, 'source'), { name: project })
    await writeFile(path.join(top, 'source', 'old.tar.gz'), 'of an earlier make dist')
    const before = await readdir(path.join(top, 'source'))
    const build = buildOf(project, ['el6', 'el7'], { withGwt })
    const built = await buildFromSource(recordedTask().task, build)
    expect(built.map(({ distro }) => distro)).toEqual(['el6', 'el7'])
    const { packages } = await readPackages(recordedTask().task, await packageFilesBelow(build.resultDir))
    expect(
      packages.map(({ path: file, name, release }) => [path.relative(build.resultDir, file), name, release]),
    ).toEqual([
      [`el6/${project}-9.0-1.el6.noarch.rpm`, project, '1.el6'],
      [`el7/${project}-9.0-1.el7.noarch.rpm`, project, '1.el7'],
    ])
    expect((await toldBy(packages[0]?.path ?? '')).replace(/ +/g, ' ')).toBe(told)
    expect(await readdir(path.join(top, 'source'))).toEqual(before)
    expect(await readFile(path.join(build.resultDir, 'el7', 'build.log'), 'utf8')).toContain('%install')
    expect(await readFile(path.join(build.resultDir, 'prepare.log'), 'utf8')).toContain('$ make dist')
    expect((await readdir(build.resultDir)).filter((name) => name.startsWith('lago-'))).toEqual([])
  })

  test('a build that fails names project, distro and log, with its end', async () => {
    if (way === 'mock') await installMock()
    const build = ['echo compiler: this is wrong', 'exit 1']
    await writeSourceTree(path.join(top, 'source'), { name: 'vdsm', build })
    await expect(buildFromSource(recordedTask().task, buildOf('vdsm', ['el7']))).rejects.toMatchObject({
      code: 'LAGO_BUILD_FAILED',
      message: expect.stringMatching(
        /^building vdsm for el7 failed: (mock|rpmbuild) ended with exit code \d; the end of its log:\n[\s\S]*(error|exit)/,
      ),
      hint: `the whole log is ${top}/build/vdsm/el7/build.log`,
    })
    const log = await readFile(path.join(top, 'build/vdsm/el7/build.log'), 'utf8')
    expect(log).toContain('this is wrong')
    if (way === 'rpmbuild') expect(log).not.toContain('/var/tmp/rpm-tmp')
    expect((await readdir(path.join(top, 'build/vdsm'))).filter((name) => name.startsWith('lago-'))).toEqual([])
  })
})

test('where the path has spaces and macros of rpm in it, rpmbuild does not see it', async () => {
  top = path.join(top, 'sp ace [x] %(exit 1)')
  await mkdir(top)
  await writeSourceTree(path.join(top, 'source'), { name: 'vdsm' })
  const build = buildOf('vdsm', ['el7'])
  await buildFromSource(recordedTask().task, build)
  expect(await packageFilesBelow(build.resultDir)).toEqual([
    path.join(build.resultDir, 'el7', 'vdsm-9.0-1.el7.noarch.rpm'),
  ])
  expect((await readdir(build.resultDir)).sort()).toEqual(['el7', 'prepare.log'])
})

test('packages of an earlier build go', async () => {
  await writeSourceTree(path.join(top, 'source'), { name: 'vdsm', version: '2' })
  await buildFromSource(recordedTask().task, buildOf('vdsm', ['el7']))
  await writeSourceTree(path.join(top, 'source'), { name: 'vdsm', version: '1' })
  await buildFromSource(recordedTask().task, buildOf('vdsm', ['el7']))
  const files = await packageFilesBelow(path.join(top, 'build', 'vdsm'))
  expect(files.map((file) => path.basename(file))).toEqual(['vdsm-1-1.el7.noarch.rpm'])
})

test('sources that cannot be packed are told with the end of what make said', async () => {
  await writeSourceTree(path.join(top, 'source'), { name: 'vdsm', dist: ['@echo make: no rule for that', 'exit 3'] })
  await expect(buildFromSource(recordedTask().task, buildOf('vdsm', ['el7']))).rejects.toMatchObject({
    code: 'LAGO_BUILD_FAILED',
    message: expect.stringMatching(
      /^packing the sources of vdsm failed: make ended with exit code 2; the end of its log:\n[\s\S]*no rule for that/,
    ),
    hint: `the whole log is ${top}/build/vdsm/prepare.log`,
  })
  await writeFile(path.join(top, 'source', 'Makefile'), 'dist:\n\ttrue\n')
  await expect(buildFromSource(recordedTask().task, buildOf('vdsm', ['el7']))).rejects.toMatchObject({
    code: 'LAGO_BUILD_FAILED',
    message: 'packing the sources of vdsm failed: make dist made no archive',
  })
})

test('a directory that is not there, or is of something else, is told before anything runs', async () => {
  await expect(buildFromSource(recordedTask().task, buildOf('ioprocess', ['el7']))).rejects.toMatchObject({
    code: 'LAGO_BUILD_SOURCE',
    message: `cannot build ioprocess from ${top}/source: there is no such directory`,
    hint: 'name the directory of its sources with --ioprocess-dir',
  })
  await mkdir(path.join(top, 'source'))
  await expect(buildFromSource(recordedTask().task, buildOf('ovirt-engine', ['el7']))).rejects.toMatchObject({
    message: `cannot build ovirt-engine from ${top}/source: it has no Makefile`,
  })
  expect(await readdir(top)).toEqual(['source'])
})

test('sources that have the environment in them are told before anything runs', async () => {
  await writeSourceTree(top, { name: 'vdsm' })
  const before = await readdir(top)
  await expect(
    buildFromSource(recordedTask().task, buildOf('vdsm', ['el7'], { sourceDir: top })),
  ).rejects.toMatchObject({
    code: 'LAGO_BUILD_SOURCE',
    message: `cannot build vdsm from ${top}: this environment is in it`,
  })
  expect(await readdir(top)).toEqual(before)
})

test('an aborted build leaves its log and nothing else', async () => {
  await writeSourceTree(path.join(top, 'source'), { name: 'vdsm', build: ['exec sleep 60'] })
  const recorded = recordedTask()
  const building = buildFromSource(recorded.task, buildOf('vdsm', ['el7']))
  void recorded
    .message(/^run: rpmbuild --rebuild/)
    .then(() => recorded.abort(new LagoError('LAGO_CANCELLED', 'cancelled')))
  await expect(building).rejects.toMatchObject({ code: 'LAGO_CANCELLED' })
  expect((await readdir(path.join(top, 'build', 'vdsm'))).sort()).toEqual(['el7', 'prepare.log'])
})

test('the revision of a source tree is what git says, or unknown', async () => {
  expect(await sourceRevision(recordedTask().task, top)).toBe('unknown')
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)('git', ['-C', top, '-c', 'user.name=n', '-c', 'user.email=e', ...args])).stdout.trim()
  await git('init', '--quiet')
  expect(await sourceRevision(recordedTask().task, top)).toBe('unknown')
  await git('commit', '--quiet', '--allow-empty', '--message', 'm')
  expect(await sourceRevision(recordedTask().task, top)).toBe(await git('rev-parse', 'HEAD'))
})
