/** Small projects in repositories of git, and packages of theirs as a pipeline would have built them. */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll } from '@jest/globals'
import { buildDeb } from './debian-package.js'
import { buildNpmPackage } from './npm-package.js'
import { buildRpm } from './rpms.js'

export interface GitProject {
  readonly dir: string
  git(...args: readonly string[]): string
  commit(message: string): void
}

/** In `dir`, which is made: tagged 2.0, and one commit behind it; something is under *Unreleased*. */
export async function makeGitProject(dir: string): Promise<GitProject> {
  await mkdir(dir, { recursive: true })
  const env = {
    ...process.env,
    ...{ GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null', TZ: 'UTC' },
    ...{ GIT_AUTHOR_NAME: 'Jane Doe', GIT_AUTHOR_EMAIL: 'jane@example.org' },
    ...{ GIT_COMMITTER_NAME: 'Jane Doe', GIT_COMMITTER_EMAIL: 'jane@example.org' },
  }
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { cwd: dir, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  const commit = (message: string): void => void git('commit', '--quiet', '--allow-empty', '-m', message)
  git('init', '--quiet', '--initial-branch=main')
  await writeFile(path.join(dir, 'CHANGELOG.md'), '# Changelog\n\n## Unreleased\n\n### Added\n\n- area: something\n')
  git('add', '.')
  commit('begin')
  git('tag', '2.0')
  commit('mend it\n\nBug-Url: https://bugzilla.example.org/1234\n')
  return { dir, git, commit }
}

/**
 * Call at the top of a test file: the directory with the packages of one of `versions`, which are built once for all of its
 * tests and removed behind them.
 */
export function useSmallPackages(...versions: readonly string[]): (version: string) => string {
  let builtDir = ''
  beforeAll(async () => {
    builtDir = await mkdtemp(path.join(os.tmpdir(), 'lago-test-built-'))
    for (const version of versions) await buildSmallPackages(path.join(builtDir, version), version)
  })
  afterAll(async () => rm(builtDir, { recursive: true, force: true }))
  return (version) => path.join(builtDir, version)
}

/** One of each kind, named `lago`, in `dir`, which is made anew. */
export async function buildSmallPackages(dir: string, version: string): Promise<void> {
  await rm(dir, { recursive: true, force: true })
  await mkdir(path.join(dir, `lago-${version}`), { recursive: true })
  await buildRpm(dir, { name: 'lago', version, release: '1.el9' })
  await buildRpm(dir, { name: 'lago', version, release: '1.fc42' })
  await buildRpm(dir, { name: 'lago', version, arch: 'src' })
  await buildDeb(dir, { name: 'lago', version: `${version}-1` })
  await writeFile(
    path.join(dir, `lago-${version}/ChangeLog`),
    `* Mon Jan 05 2026 Jane Doe <jane@example.org> - ${version}\n`,
  )
  execFileSync('tar', ['-C', dir, '-czf', path.join(dir, `lago-${version}.tar.gz`), `lago-${version}`])
  await buildNpmPackage(dir, { version })
  await rm(path.join(dir, `lago-${version}`), { recursive: true })
}
