/**
 * A history as everybody has it: the objects of a repository, seen from one of our own, which has none of the settings,
 * attributes, notes and replaced objects by which git would show them in another way.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Task } from '../../src/base/task.js'
import { git } from '../versioning/git.js'

export interface PristineRepository {
  /** What git prints on stdout. Throws `LAGO_COMMAND_FAILED`. */
  git(task: Task, args: readonly string[]): Promise<string>
}

/** Makes it in `dir`, which is not there yet. It holds no ref: commits are named by their hashes. */
export async function pristineRepository(task: Task, projectDir: string, dir: string): Promise<PristineRepository> {
  const asked = await git(task, projectDir, ['rev-parse', '--show-object-format', '--git-path', 'objects'])
  const [format = '', objects = ''] = asked.split('\n')
  await mkdir(dir)
  const run = async (task: Task, args: readonly string[]): Promise<string> => git(task, dir, args, { env: ENVIRONMENT })
  await run(task, ['init', '--quiet', '--bare', '--template=', `--object-format=${format}`])
  await mkdir(path.join(dir, 'objects/info'), { recursive: true })
  await writeFile(path.join(dir, 'objects/info/alternates'), `${path.resolve(projectDir, objects)}\n`)
  return { git: run }
}

const ENVIRONMENT: Readonly<Record<string, string | undefined>> = {
  GIT_ATTR_NOSYSTEM: '1',
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'core.attributesFile', // would be the one in the user's home
  GIT_CONFIG_VALUE_0: '/dev/null',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_PARAMETERS: undefined,
  TZ: 'UTC',
}
