/** Which disk is full, and what can be done about it: `scripts/release` and `scripts/version_manager`. */
import { execFile, execFileSync } from 'node:child_process'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { buildDeb } from '../helpers/debian-package.js'
import { makeGitProject, useSmallPackages, type GitProject } from '../helpers/git-project.js'
import { runRelease, type Run } from '../helpers/release-program.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const VERSION_MANAGER = fileURLToPath(new URL('../../scripts/versioning/version-manager.js', import.meta.url))

const mounted: string[] = []
afterEach(() => {
  for (const at of mounted.splice(0)) execFileSync('umount', [at])
})
const makeTempDir = useTempDirs()
const asRoot = process.getuid?.() === 0 ? test : test.skip // to mount a small disk

const packagesOf = useSmallPackages('2.0.1')

let dir = ''
let project: GitProject
beforeEach(async () => {
  dir = await makeTempDir()
  project = await makeGitProject(path.join(dir, 'project'))
})

async function snapshot(temporaryDir: string): Promise<Run> {
  const from = ['--pipeline', '7', '--packages', packagesOf('2.0.1'), '--project', project.dir]
  return runRelease(['snapshot', path.join(dir, 'tree'), ...from], { env: { TMPDIR: temporaryDir } })
}

async function fullDir(): Promise<string> {
  const small = path.join(dir, 'small')
  await mkdir(small)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small])
  mounted.push(small)
  execFileSync('sh', ['-c', 'cat /dev/zero > "$1" 2> /dev/null || :', 'sh', path.join(small, 'ballast')])
  return small
}

asRoot('of the directory for temporary files it is told, by each verb, and not of the tree', async () => {
  const small = await fullDir()
  const told = {
    exitCode: 2,
    stderr: expect.stringContaining(
      `the disk of ${small}, the directory for temporary files ($TMPDIR), is full [LAGO_NO_SPACE]\n` +
        '  hint: free some space there, or name another directory: TMPDIR=DIR\n',
    ),
  }
  expect(await snapshot(small)).toMatchObject(told)
  await rm(path.join(dir, 'tree'), { recursive: true, force: true })
  expect(await snapshot(dir)).toMatchObject({ exitCode: 0 })
  for (const verb of ['promote', 'verify'])
    expect(await runRelease([verb, path.join(dir, 'tree')], { env: { TMPDIR: small } })).toMatchObject(told)
})

test('a directory for temporary files that is not there is told, and nothing is made', async () => {
  for (const [name, found] of [
    ['nowhere', 'there is no such directory'],
    ['file', 'it is no directory'],
  ] as const) {
    await writeFile(path.join(dir, 'file'), '')
    const { exitCode, stderr } = await snapshot(path.join(dir, name))
    expect([exitCode, stderr]).toEqual([
      2,
      `the directory for temporary files ($TMPDIR) is ${dir}/${name}: ${found} [LAGO_FILE]\n` +
        '  hint: make it, or name another directory: TMPDIR=DIR\n',
    ])
  }
  expect(await readdir(dir)).toEqual(['file', 'project'])
})

test('of the answer it is told as that, and nothing is said of prefixes', async () => {
  const inShell = ['-c', '"$@" > /dev/full', 'sh', process.execPath, VERSION_MANAGER, project.dir, 'changelog']
  await expect(promisify(execFile)('sh', inShell)).rejects.toMatchObject({
    code: 2,
    stderr:
      'the disk is full: the standard output [LAGO_NO_SPACE]\n  hint: free some space there, and do the same again\n',
  })
})

asRoot('of a program that does not say where, the hint tells where temporary files are', async () => {
  const packages = path.join(dir, 'packages')
  await mkdir(packages)
  await buildDeb(packages, { name: 'lago', version: '2.0.1-1' })
  const bin = path.join(dir, 'bin')
  await mkdir(bin)
  const script = '#!/bin/sh\necho "dpkg-deb: error: No space left on device" >&2\nexit 2\n'
  await writeFile(path.join(bin, 'dpkg-deb'), script, { mode: 0o755 })
  const from = ['--pipeline', '7', '--packages', packages, '--project', project.dir]
  const { stderr } = await runRelease(['snapshot', path.join(dir, 'tree'), ...from], {
    env: { PATH: `${bin}:${process.env['PATH'] ?? ''}`, TMPDIR: dir },
  })
  expect(stderr).toMatch(/^the disk is full: dpkg-deb .* \[LAGO_NO_SPACE\]$/m)
  expect(stderr).toContain(`  hint: free some space where it writes; temporary files are in ${dir} ($TMPDIR), with `)
})
