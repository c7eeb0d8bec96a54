/** Template repositories that are clones of git repositories in one directory, as 0.5 kept them (spec 1.8). */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { pathExists } from 'fs-extra/esm'
import { fanOut } from '../base/fan-out.js'
import { makeDirs } from '../base/files.js'
import { runCommand, type CommandResult } from '../base/process.js'
import type { Task } from '../base/task.js'

/** Clones `url` into `reposDir`, under the name that git gives it. Throws `LAGO_COMMAND_FAILED`, `LAGO_COMMAND_MISSING`. */
export async function cloneRepository(task: Task, reposDir: string, url: string): Promise<void> {
  await makeDirs(reposDir)
  await task.step(`Clone ${url}`, async (task) => git(task, reposDir, 'clone', '--quiet', '--', url))
}

/**
 * Brings every clone in `reposDir` and below it to what its server has; changes made in it are lost. Gives their paths. One
 * that fails does not keep the others. Throws `LAGO_COMMAND_FAILED`, `LAGO_COMMAND_MISSING`, or `LAGO_PARTIAL` with several.
 */
export async function updateClones(task: Task, reposDir: string): Promise<readonly string[]> {
  const clones = await clonesIn(reposDir)
  await fanOut(task, clones, async (dir, task) =>
    task.step(`Updating ${dir}`, async (task) => {
      await git(task, dir, 'fetch', '--quiet', 'origin')
      await git(task, dir, 'checkout', '--quiet', '--force', '--detach', await mainBranchOf(task, dir))
    }),
  )
  return clones
}

/** 0.5 knew `master` alone; servers have other names by now, of which a clone knows its own. */
async function mainBranchOf(task: Task, dir: string): Promise<string> {
  const head = 'refs/remotes/origin/HEAD'
  const { exitCode } = await git(task, dir, 'rev-parse', '--quiet', '--verify', head)
  return exitCode === 0 ? head : 'refs/remotes/origin/master'
}

async function clonesIn(dir: string): Promise<string[]> {
  if (await pathExists(path.join(dir, '.git'))) return [dir]
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => [])
  const below = entries.filter((entry) => entry.isDirectory()).map((entry) => path.join(dir, entry.name))
  return (await Promise.all(below.map(clonesIn))).flat().sort()
}

/** Never asks for a password; `rev-parse` may find nothing. */
async function git(task: Task, dir: string, ...words: readonly string[]): Promise<CommandResult> {
  const okCodes = words[0] === 'rev-parse' ? [0, 1] : [0]
  return runCommand(task, ['git', '-C', dir, ...words], { package: 'git', okCodes, env: { GIT_TERMINAL_PROMPT: '0' } })
}
