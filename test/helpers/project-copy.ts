/** This project as a repository of one commit, whatever stands around it: no checkout, a shallow one, or one with changes. */
import { execFile } from 'node:child_process'
import { appendFile, cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const NOT_COMMITTED = ['.git', '.cache', '.lago', 'node_modules', 'build', 'dist']

export interface ProjectCopy {
  /** Absolute; its build and its dependencies are this project's. */
  readonly dir: string
  git(...args: readonly string[]): Promise<void>
  remove(): Promise<void>
}

/** On the project's own file system, where its dependencies can be linked to. */
export async function makeProjectCopy(): Promise<ProjectCopy> {
  const cacheDir = path.join(ROOT, '.cache')
  await mkdir(cacheDir, { recursive: true })
  const dir = await mkdtemp(path.join(cacheDir, "test project's 100%-"))
  for (const name of await readdir(ROOT))
    if (!NOT_COMMITTED.includes(name)) await cp(path.join(ROOT, name), path.join(dir, name), { recursive: true })
  await cp(path.join(ROOT, 'build'), path.join(dir, 'build'), { recursive: true, preserveTimestamps: true })
  await symlink(path.join(ROOT, 'node_modules'), path.join(dir, 'node_modules'))
  await git(dir, 'init', '--quiet', '--initial-branch=main')
  await appendFile(path.join(dir, '.git/info/exclude'), 'node_modules\n') // .gitignore means the directory, and not a link
  await git(dir, 'add', '--all')
  await git(dir, 'commit', '--quiet', '--message', 'packages: 100 % of it in one commit')
  return {
    dir,
    git: async (...args) => git(dir, ...args),
    remove: async () => rm(dir, { recursive: true, force: true }),
  }
}

async function git(dir: string, ...args: readonly string[]): Promise<void> {
  const who = ['AUTHOR', 'COMMITTER'].flatMap((role) => [
    [`GIT_${role}_NAME`, 'Jane Doe'],
    [`GIT_${role}_EMAIL`, 'jane@example.com'],
    [`GIT_${role}_DATE`, '2026-03-01T12:00:00Z'],
  ])
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', ...Object.fromEntries(who) }
  await run('git', ['-C', dir, ...args], { env: env as NodeJS.ProcessEnv })
}
