import { readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { runCommand } from '../../src/base/process.js'
import { serveDirectory } from '../../src/plugins/ovirt/file-server.js'
import { serveDir, useHttpServers } from '../helpers/http-server.js'
import {
  makeProject,
  ONE_TEMPLATE_VM,
  tinyRepository,
  TWO_EMPTY_VMS,
  type LagoProject,
} from '../helpers/lago-project.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { buildRpm, createRepodata } from '../helpers/rpms.js'
import { writeSourceTree } from '../helpers/source-tree.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const servers = useHttpServers()

const SUITE = TWO_EMPTY_VMS.replace('memory: 64', 'memory: 64\n    vm-type: ovirt-engine\n    distro: el7').replace(
  'vm1:\n    memory: 64',
  'vm1:\n    memory: 64\n    vm-type: ovirt-host\n    distro: fc24',
)

const INTERNAL = '.lago/default/internal_repo'

async function makeSuite(): Promise<LagoProject> {
  const dir = await makeTempDir()
  const project = await makeProject(dir, { LagoInitFile: SUITE }, { LAGO_REPOSYNC_DIR: path.join(dir, 'reposync') })
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
  return project
}

/** A server with the repositories `ovirt-el7` and `ovirt-fc24`, and a yum configuration with both and another one. */
async function serveRepositories(project: LagoProject): Promise<void> {
  const srv = path.join(project.dir, 'srv')
  await buildRpm(path.join(srv, 'el7'), { name: 'ovirt-engine', version: '4.0', requires: ['engine-lib'] })
  await buildRpm(path.join(srv, 'el7'), { name: 'engine-lib', version: '1', files: { '/etc/engine-lib': 'synced' } })
  await buildRpm(path.join(srv, 'el7'), { name: 'foreign', arch: 's390x' })
  await buildRpm(path.join(srv, 'fc24'), { name: 'vdsm', version: '99' })
  await buildRpm(path.join(srv, 'fc24'), { name: 'qemu', files: { '/etc/qemu': 'synced' } })
  for (const name of ['el7', 'fc24']) await createRepodata(path.join(srv, name))
  const server = await servers.http(serveDir(srv))
  const sections = ['el7', 'fc24', 'el6'].map(
    (name) => `[ovirt-${name}]\nname=${name}\nbaseurl=${server.url}/${name}\n`,
  )
  await writeFile(
    path.join(project.dir, 'reposync-config.repo'),
    `[main]\nreposdir=/etc/reposdir\n${sections.join('')}`,
  )
}

async function packagesOf(project: LagoProject, ...below: readonly string[]): Promise<string[]> {
  return (await project.ls(path.join(INTERNAL, ...below))).filter((name) => name.endsWith('.rpm'))
}

/** By dnf, into a root of its own, from the internal repository as guests see it. */
async function install(
  project: LagoProject,
  url: string,
  root: string,
  ...packages: readonly string[]
): Promise<string> {
  const { task } = recordedTask()
  const rootDir = path.join(project.dir, root)
  const repository = ['--repofrompath', `internal,${url}`, '--repo', 'internal', '--setopt', 'reposdir=/nonexistent']
  const place = ['--installroot', rootDir, '--releasever', '7', '--setopt', `cachedir=${rootDir}/cache`]
  const argv = [
    'dnf',
    '--assumeyes',
    '--quiet',
    '--nogpgcheck',
    ...place,
    ...repository,
    'install',
    ...packages,
  ] as const
  await runCommand(task, argv)
  return (await runCommand(task, ['rpm', '--root', rootDir, '--query', '--all'])).stdout
}

test('a suite of 0.x: synchronised and built packages, which dnf installs over HTTP', async () => {
  const project = await makeSuite()
  await serveRepositories(project)
  await writeSourceTree(path.join(project.dir, 'my-vdsm'), { name: 'vdsm', version: '4.17' })
  const options = [
    '--reposync-yum-config=reposync-config.repo',
    '--engine-dir=',
    '--vdsm-dir=my-vdsm',
    '--ioprocess-dir=',
  ]
  const run = await project.lago(['ovirt', 'reposetup', ...options], { program: 'lagocli' })
  expect(run).toMatchObject({ exitCode: 0, stdout: '' })
  expect(await packagesOf(project, 'default', 'el7')).toEqual([
    'engine-lib-1-1.noarch.rpm',
    'ovirt-engine-4.0-1.noarch.rpm',
  ])
  expect(await packagesOf(project, 'default', 'fc24')).toEqual(['qemu-1-1.noarch.rpm', 'vdsm-4.17-1.fc24.noarch.rpm'])
  expect(await readlink(path.join(project.dir, INTERNAL, 'el7'))).toBe('default/el7')
  expect(JSON.parse(await project.read('.lago/default/metadata'))).toMatchObject({
    lago_version: expect.any(String),
    'vdsm-revision': 'unknown',
  })
  expect(await project.ls('.lago/default/build/vdsm/fc24')).toContain('build.log')

  await using server = await serveDirectory(path.join(project.dir, INTERNAL), {
    host: '127.0.0.1',
    port: 0,
    environment: '',
  })
  expect(await install(project, `${server.url}el7/`, 'root7', 'ovirt-engine')).toContain('ovirt-engine-4.0-1.noarch')
  expect(await project.read('root7/etc/engine-lib')).toBe('synced')
  expect(await install(project, `${server.url}default/fc24/`, 'root24', 'vdsm', 'qemu')).toContain(
    'vdsm-4.17-1.fc24.noarch',
  )
})

test('run again it does nothing, or only what changed', async () => {
  const project = await makeSuite()
  await serveRepositories(project)
  const reposetup = async (...more: readonly string[]): ReturnType<LagoProject['lago']> =>
    project.lago(['ovirt', 'reposetup', '--reposync-yum-config', 'reposync-config.repo', ...more])
  expect(await reposetup()).toMatchObject({ exitCode: 0 })
  const el7 = path.join(project.dir, INTERNAL, 'default', 'el7')
  const before = await readlink(el7)
  expect((await reposetup()).stderr).toContain('el7: nothing has changed (2 packages)')
  await buildRpm(path.join(project.dir, 'mine'), { name: 'engine-lib', version: '0.1', release: '1.el7' })
  await buildRpm(path.join(project.dir, 'mine'), { name: 'qemu', version: '0.1', release: '1.el7' })
  const run = await reposetup('--skip-sync', '--custom-source', 'mine')
  expect(run).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('fc24: nothing has changed') })
  expect(await packagesOf(project, 'default', 'el7')).toEqual([
    'engine-lib-0.1-1.el7.noarch.rpm',
    'ovirt-engine-4.0-1.noarch.rpm',
    'qemu-0.1-1.el7.noarch.rpm',
  ])
  expect(await readlink(el7)).not.toBe(before)
  await buildRpm(path.join(project.dir, 'first'), { name: 'qemu', version: '0.0.1', release: '1.el7' })
  await reposetup('--skip-sync', '--custom-source', 'mine:only-missing:name~qemu', '--custom-source', 'first')
  expect(await packagesOf(project, 'el7')).toEqual([
    'engine-lib-1-1.noarch.rpm',
    'ovirt-engine-4.0-1.noarch.rpm',
    'qemu-0.0.1-1.el7.noarch.rpm',
  ])
  expect((await project.ls(`${INTERNAL}/default`)).length).toBe(5) // two links, what they lead to, and what one led to
})

test('two at once take turns', async () => {
  const project = await makeSuite()
  await buildRpm(path.join(project.dir, 'rpms'), { name: 'a' })
  const runs = await Promise.all(
    [1, 2].map(async () => project.lago(['ovirt', 'reposetup', '--custom-source', 'rpms'])),
  )
  expect(runs).toMatchObject([{ exitCode: 0 }, { exitCode: 0 }])
  expect(runs.filter(({ stderr }) => stderr.includes('el7: nothing has changed (1 package)'))).toHaveLength(1)
})

test('custom sources alone, under a name of their own, from outside of the workdir', async () => {
  const project = await makeSuite()
  await buildRpm(path.join(project.dir, 'home', 'rpms'), { name: 'a' })
  await buildRpm(path.join(project.dir, 'home', 'rpms'), { name: 'b', release: '1.fc24' })
  const place = ['--workdir-path', '../.lago']
  const custom = ['--custom-source', 'rpms/a-*.rpm', '--custom-source', 'rpms:name~b']
  const run = await project.lago([...place, 'ovirt', 'reposetup', ...custom, '--repo-name', 'extra'], { cwd: 'home' })
  expect(run).toMatchObject({ exitCode: 0 })
  expect(await packagesOf(project, 'extra', 'el7')).toEqual(['a-1-1.noarch.rpm'])
  expect(await packagesOf(project, 'fc24')).toEqual(['a-1-1.noarch.rpm', 'b-1-1.fc24.noarch.rpm'])
  const direct = [
    '--prefix-path',
    '../.lago/default',
    'ovirt',
    'reposetup',
    '--custom-source',
    'rpms',
    '--repo-name',
    'extra',
  ]
  expect(await project.lago(direct, { cwd: 'home' })).toMatchObject({
    exitCode: 0,
    stderr: expect.stringContaining('el7: nothing has changed'),
  })
})

test('what cannot be done is told, and guests keep what they had', async () => {
  const project = await makeSuite()
  await serveRepositories(project)
  const reposetup = async (...options: readonly string[]): ReturnType<LagoProject['lago']> =>
    project.lago(['ovirt', 'reposetup', ...options])
  const fails = async (options: readonly string[], stderr: RegExp, exitCode = 1): Promise<void> =>
    expect(await reposetup(...options)).toMatchObject({ exitCode, stderr: expect.stringMatching(stderr) })
  await writeFile(path.join(project.dir, 'el7.repo'), '[ovirt-el7]\nbaseurl=http://127.0.0.1:1/\n')
  await fails(
    ['--reposync-yum-config='],
    /No reposync configuration file found or custom sources specified\. \[LAGO_NO_RPM_SOURCES\]/,
  )
  await fails(['--custom-source', 'koji:@tag'], /"koji" are not known/)
  await fails(['--custom-source', 'x', '--repo-name', 'el7'], /the repository cannot be called "el7"/, 2)
  await fails(['--custom-source', 'LagoInitFile', '--repoman-config', 'none'], /none not found/, 2)
  await fails(
    ['--reposync-yum-config', 'el7.repo', '--skip-sync'],
    /ovirt-el7 has not been synchronised: there is no .*\[LAGO_NOT_SYNCED\]/,
  )
  await fails(['--vdsm-dir', 'none'], /cannot build vdsm from .*none: there is no such directory/)
  expect(await project.ls(`${INTERNAL}/default`)).toEqual([])

  expect(await reposetup('--reposync-yum-config', 'reposync-config.repo')).toMatchObject({ exitCode: 0 })
  await writeFile(path.join(project.dir, 'reposync/ovirt-el7/engine-lib-1-1.noarch.rpm'), 'not a package')
  const before = await packagesOf(project, 'el7')
  await fails(
    ['--reposync-yum-config', 'reposync-config.repo', '--skip-sync'],
    /a package is broken: \S+engine-lib-1-1\.noarch\.rpm \(it is not an RPM package\)[\s\S]*without --skip-sync/,
  )
  expect(await packagesOf(project, 'el7')).toEqual(before)
  expect((await project.ls(INTERNAL)).filter((name) => name.startsWith('lago-'))).toEqual([])
  expect(await reposetup('--reposync-yum-config', 'reposync-config.repo')).toMatchObject({ exitCode: 0 })
  expect(
    (await readFile(path.join(project.dir, 'reposync/ovirt-el7/engine-lib-1-1.noarch.rpm'))).length,
  ).toBeGreaterThan(100)
})

test('an environment without an engine, a host or their distribution has no repository', async () => {
  for (const [init, stderr] of [
    [TWO_EMPTY_VMS, /no VM of \S+ is an engine or a host \[LAGO_NO_DISTRO\]/],
    [SUITE.replace(/\n *distro: .*/g, ''), /nobody knows the distribution of vm0, vm1/],
  ] as const) {
    const { lago, ls } = await makeProject(await makeTempDir(), { LagoInitFile: init })
    expect(await lago(['init'])).toMatchObject({ exitCode: 0 })
    expect(await lago(['ovirt', 'reposetup', '--custom-source', '.'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(stderr),
    })
    expect(await ls(INTERNAL)).toEqual([])
  }
})

test('a distribution of the init file that leads out of the prefix is refused, and nothing is touched', async () => {
  const init = SUITE.replace('distro: el7', 'distro: ../../../../victim')
  const project = await makeProject(await makeTempDir(), { LagoInitFile: init, 'victim/keep': 'mine' })
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
  await buildRpm(path.join(project.dir, 'rpms'), { name: 'a' })
  expect(await project.lago(['ovirt', 'reposetup', '--custom-source', 'rpms'])).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/the distribution of vm0 cannot be "\.\.\/.*victim" \[LAGO_DISTRO_NAME\]/),
  })
  expect(await project.read('victim/keep')).toBe('mine')
  expect(await project.ls(INTERNAL)).toEqual([])
})

test("a template's distribution that would have rpmbuild run a command is refused", async () => {
  const dir = await makeTempDir()
  const files = {
    ...tinyRepository(),
    'repo/tiny.raw.metadata': JSON.stringify({ distro: '%(touch "$PWNED"; echo fc24)' }),
    LagoInitFile: ONE_TEMPLATE_VM.replace('memory: 64', 'memory: 64\n    vm-type: ovirt-host'),
  }
  const env = { TINY_ROOT: path.join(dir, 'repo'), PWNED: path.join(dir, 'pwned') }
  const { lago, ls } = await makeProject(dir, files, env)
  expect(await lago(['init', '--template-repo-path', 'repo/template-repo.json'])).toMatchObject({ exitCode: 0 })
  await writeSourceTree(path.join(dir, 'my-vdsm'), { name: 'vdsm' })
  const run = await lago(['ovirt', 'reposetup', '--vdsm-dir', 'my-vdsm'])
  expect(await ls('.')).not.toContain('pwned')
  expect(run).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/the distribution of vm0 cannot be "%\(touch.*\[LAGO_DISTRO_NAME\]/),
  })
  expect(await ls('.lago/default/build')).toEqual([])
})

test('the configuration may come from files and variables, and one that matches nothing is told', async () => {
  const project = await makeSuite()
  await writeFile(path.join(project.dir, 'other.repo'), '[ovirt-el6]\nname=x\nbaseurl=http://127.0.0.1:1/\n')
  const run = await project.lago(['ovirt', 'reposetup'], { env: { LAGO_REPOSYNC_CONFIG: 'other.repo' } })
  expect(run).toMatchObject({
    exitCode: 0,
    stderr: expect.stringContaining(`no matching repositories found in ${project.dir}/other.repo`),
  })
  expect(run.stderr).toContain('the repository of el7 has no packages')
  expect((await stat(path.join(project.dir, INTERNAL, 'el7', 'repodata', 'repomd.xml'))).isFile()).toBe(true)
  expect(await readdir(path.join(project.dir, INTERNAL, 'default', 'el7'))).toContain('repodata')
})

test('packages that guests have are not replaced by none at all', async () => {
  const project = await makeSuite()
  await buildRpm(path.join(project.dir, 'rpms'), { name: 'a' })
  expect(await project.lago(['ovirt', 'reposetup', '--custom-source', 'rpms'])).toMatchObject({ exitCode: 0 })
  await writeFile(path.join(project.dir, 'other.repo'), '[ovirt-el6]\nname=x\nbaseurl=http://127.0.0.1:1/\n')
  expect(await project.lago(['ovirt', 'reposetup', '--reposync-yum-config', 'other.repo'])).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/no package was found for el7, fc24, .* \[LAGO_NO_RPMS\]/),
  })
  for (const name of ['el7', 'fc24']) expect(await packagesOf(project, name)).toEqual(['a-1-1.noarch.rpm'])
})
