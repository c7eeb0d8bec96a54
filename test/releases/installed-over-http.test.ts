/** The whole way of a release: this project's packages are made, signed, promoted, and installed from the tree by apt and dnf. */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, test } from '@jest/globals'
import { useGpgHome } from '../helpers/gpg-key.js'
import { serveDir, useHttpServers } from '../helpers/http-server.js'
import { makeRoot, type PackageRoot } from '../helpers/package-root.js'
import { makeProjectCopy } from '../helpers/project-copy.js'
import { runRelease } from '../helpers/release-program.js'
import { makeStandInRepository } from '../helpers/stand-in-rpms.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const gpgHome = useGpgHome()
const servers = useHttpServers()

const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

test('what is promoted is installed over HTTP by apt and dnf, with every signature checked', async () => {
  const treeDir = path.join(await makeTempDir(), 'a tree')
  const { url } = await servers.http(serveDir(treeDir))
  await release(treeDir, url)

  const debian = await newRoot()
  await putThere(debian, '/etc/apt/sources.list.d/lago.sources', `${url}/stable/3.0/lago.sources`)
  const onlyLago = ['sourcelist=/etc/apt/sources.list.d/lago.sources', 'sourceparts=-'].map((at) => `Dir::Etc::${at}`)
  await debian.mustRun(['apt-get', 'update', ...onlyLago.flatMap((option) => ['-o', option]), '--no-list-cleanup'])
  await debian.mustRun(['apt-get', '-y', 'install', '--no-install-recommends', 'lago', 'lago-ovirt'])
  await expectItRuns(debian)
  await debian.mustRun(['apt-get', '-y', 'purge', 'lago', 'lago-ovirt'])

  const fedora = await newRoot()
  const reposDir = await makeTempDir()
  await putThere(fedora, '/etc/yum.repos.d/lago.repo', `${url}/stable/3.0/lago-el.repo`)
  await dnf(fedora, reposDir, 'install', 'python-lago', 'lago', 'python-lago-ovirt', 'lago-ovirt')
  await expectItRuns(fedora)
  await dnf(fedora, reposDir, 'remove', 'lago', 'lago-ovirt')
})

/** 3.4.1 is made of this project, signed, and promoted, as docs/releases.md tells it. */
async function release(treeDir: string, url: string): Promise<void> {
  const project = await makeProjectCopy()
  undo.push(async () => project.remove())
  await project.git('tag', '3.4')
  await writeFile(path.join(project.dir, 'CHANGELOG.md'), '# Changelog\n\n## Unreleased\n\n### Added\n\n- area: it\n')
  await project.git('commit', '--all', '--quiet', '--message', 'area: make it')
  const key = gpgHome().makeKey('Lago test <test@example.org>')
  const run = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await runRelease(args, { cwd: project.dir })
    if (exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${exitCode}:\n${stdout}${stderr}`)
    return stdout
  }
  await run('snapshot', treeDir, '--pipeline', '7', '--url', url, '--key', key)
  expect(await run('promote', treeDir, '--key', key)).toMatch(/^To do next:\n.*'release: 3\.4\.1'/)
  await run('verify', treeDir)
}

async function newRoot(): Promise<PackageRoot> {
  const root = await makeRoot()
  undo.push(async () => root.remove())
  return root
}

/** As `curl --fail -o` does. */
async function putThere(root: PackageRoot, at: string, url: string): Promise<void> {
  const response = await fetch(url)
  expect([url, response.status]).toEqual([url, 200])
  const file = path.join(root.dir, at)
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, await response.text())
}

async function expectItRuns(root: PackageRoot): Promise<void> {
  expect(await root.mustRun(['lago', '--version'])).toBe('lago 3.4.1\n')
  expect(await root.mustRun(['lagocli', 'ovirt', '--version'])).toBe('lago ovirt 3.4.1\n')
}

/** This host's dnf in the root; what Fedora would bring comes from stand-ins in `reposDir`. */
async function dnf(root: PackageRoot, reposDir: string, ...words: readonly string[]): Promise<void> {
  const standIns = path.join(reposDir, 'stand-ins')
  await makeStandInRepository(standIns)
  await writeFile(
    path.join(reposDir, 'stand-ins.repo'),
    `[stand-ins]\nname=stand-ins\nbaseurl=file://${standIns}\ngpgcheck=0\n`,
  )
  const settings = [
    ...[`reposdir=${path.join(root.dir, 'etc/yum.repos.d')},${reposDir}`, `cachedir=${path.join(reposDir, 'cache')}`],
    ...['install_weak_deps=False', 'module_platform_id=platform:el9', 'plugins=False'],
  ]
  const argv = ['--assumeyes', `--installroot=${root.dir}`, '--releasever=9', ...settings.map((s) => `--setopt=${s}`)]
  const env = { ...process.env, LC_ALL: 'C', http_proxy: '', https_proxy: '' }
  await promisify(execFile)('dnf', [...argv, ...words], { env })
}
