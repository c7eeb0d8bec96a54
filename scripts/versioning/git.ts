/**
 * git, asked about one repository and nothing else: the directory that is named counts, not what the environment of a hook
 * names, and history counts as it was committed, without grafts and replaced objects.
 */
import { isLagoError, LagoError } from '../../src/base/errors.js'
import { runCommand, startProgram, type CommandOptions, type StartedProgram } from '../../src/base/process.js'
import type { Task } from '../../src/base/task.js'

const ENVIRONMENT: Readonly<Record<string, string | undefined>> = {
  GIT_DIR: undefined,
  GIT_WORK_TREE: undefined,
  GIT_COMMON_DIR: undefined,
  GIT_NAMESPACE: undefined,
  GIT_GRAFT_FILE: '/dev/null',
  GIT_NO_REPLACE_OBJECTS: '1',
}

/**
 * What git prints on stdout; `repoDir` is absolute, the repository or a directory in its work tree.
 * Throws `LAGO_NOT_A_REPOSITORY`, `LAGO_UNSAFE_REPOSITORY`, `LAGO_COMMAND_MISSING`, `LAGO_COMMAND_FAILED`.
 */
export async function git(
  task: Task,
  repoDir: string,
  args: readonly string[],
  options: Pick<CommandOptions, 'input' | 'okCodes' | 'onStderr'> = {},
): Promise<string> {
  try {
    const { stdout } = await runCommand(task, argvOf(repoDir, args), { ...options, env: ENVIRONMENT, package: 'git' })
    return stdout
  } catch (error) {
    throw explain(error, repoDir)
  }
}

/** For what is read while it comes. */
export function startGit(repoDir: string, args: readonly string[]): StartedProgram {
  return startProgram(argvOf(repoDir, args), { env: ENVIRONMENT, package: 'git' })
}

function argvOf(repoDir: string, args: readonly string[]): readonly [string, ...string[]] {
  return ['git', '-C', repoDir, '-c', 'advice.graftFileDeprecated=false', ...args] // our /dev/null counts as one
}

function explain(error: unknown, repoDir: string): unknown {
  if (!isLagoError(error, 'LAGO_COMMAND_FAILED')) return error
  const said = String(error.data['stderr'])
  const unsafe = /detected dubious ownership in repository at '(.*)'/.exec(said)?.[1]
  if (unsafe !== undefined)
    return new LagoError('LAGO_UNSAFE_REPOSITORY', `the git repository ${unsafe} belongs to somebody else`, {
      hint: `if you trust them: git config --global --add safe.directory ${unsafe}`,
      cause: error,
    })
  if (/cannot change to|not a git repository/.test(said))
    return new LagoError(
      'LAGO_NOT_A_REPOSITORY',
      `${repoDir} is not a git repository: ${said.replace(/^fatal: /, '')}`,
      {
        hint: 'name the directory of a repository, as in: version_manager . version',
        cause: error,
      },
    )
  return error
}
