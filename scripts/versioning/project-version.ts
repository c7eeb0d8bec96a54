/** Which version a build of a project has. */
import { access, readFile, realpath } from 'node:fs/promises'
import path from 'node:path'
import { isLagoError, LagoError } from '../../src/base/errors.js'
import type { Task } from '../../src/base/task.js'
import { git } from './git.js'
import { readHistory } from './history.js'
import { isVersion } from './version-form.js'

/**
 * `X.Y.Z`: `LAGO_VERSION` of `env`, else that of the git history, else what package.json records.
 *
 * The history counts where `projectDir` is the top of a work tree. One that cannot be read (a shallow clone, a repository of
 * somebody else, no git), and one that has lost its past, so that its version is lower than the recorded one, is told as
 * a warning and does not count. Throws `LAGO_BAD_VERSION` for a `LAGO_VERSION` of another form.
 */
export async function projectVersion(
  task: Task,
  projectDir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const given = env['LAGO_VERSION']
  if (given) return checked(given)
  const recorded = await recordedVersion(projectDir)
  try {
    const counted = (await isTopOfWorkTree(task, projectDir)) ? await countedVersion(task, projectDir) : recorded
    if (!isLower(counted, recorded)) return counted
    task.log(
      'warning',
      `the version is ${recorded}, as package.json says: the git history has lost its past, and would give ${counted}`,
    )
  } catch (error) {
    if (!isLagoError(error) || error.code === 'LAGO_CANCELLED') throw error
    task.log(
      'warning',
      `the version is ${recorded}, as package.json says, not that of the git history: ${error.message}${hintOf(error)}`,
    )
  }
  return recorded
}

function hintOf({ hint }: LagoError): string {
  return hint === undefined ? '' : `; ${hint}`
}

function checked(version: string): string {
  if (isVersion(version)) return version
  throw new LagoError('LAGO_BAD_VERSION', `LAGO_VERSION is "${version}", which is no version`, {
    hint: 'three numbers with points between, as in LAGO_VERSION=2.0.1; or unset it',
  })
}

async function recordedVersion(projectDir: string): Promise<string> {
  const text = await readFile(path.join(projectDir, 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version // npm's own form
}

/** A project that was unpacked inside of another one's repository has not its history. */
async function isTopOfWorkTree(task: Task, projectDir: string): Promise<boolean> {
  const hasGit = await access(path.join(projectDir, '.git')).then(
    () => true,
    () => false,
  )
  if (!hasGit) return false
  const top = await git(task, projectDir, ['rev-parse', '--show-toplevel'])
  return (await realpath(projectDir)) === top.replace(/\n$/, '')
}

async function countedVersion(task: Task, projectDir: string): Promise<string> {
  const { entries } = await readHistory(task, projectDir)
  return entries.at(-1)?.version ?? ''
}

function isLower(a: string, b: string): boolean {
  const [numbers, others] = [a, b].map((version) => version.split('.').map(Number)) as [number[], number[]]
  const at = numbers.findIndex((number, index) => number !== others[index])
  return at !== -1 && (numbers[at] ?? 0) < (others[at] ?? 0)
}
