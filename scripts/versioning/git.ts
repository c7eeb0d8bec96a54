/**
 * git, asked about one repository and nothing else: the directory that is named counts, not what the environment of a hook
 * names, and history counts as it was committed, without grafts and replaced objects.
 */
import { isLagoError, LagoError } from '../../src/base/errors.js'
import { runCommand, startProgram, type CommandOptions, type StartedProgram } from '../../src/base/process.js'
import type { Task } from '../../src/base/task.js'
import { shellWord } from '../shell-word.js'

/** `git rev-parse --local-env-vars`, but for the configuration; GIT_QUARANTINE_PATH would have git refuse to write refs. */
const ENVIRONMENT: Readonly<Record<string, string | undefined>> = {
  GIT_ALTERNATE_OBJECT_DIRECTORIES: undefined,
  GIT_COMMON_DIR: undefined,
  GIT_DIR: undefined,
  GIT_IMPLICIT_WORK_TREE: undefined,
  GIT_INDEX_FILE: undefined,
  GIT_INTERNAL_SUPER_PREFIX: undefined,
  GIT_NAMESPACE: undefined,
  GIT_OBJECT_DIRECTORY: undefined,
  GIT_PREFIX: undefined,
  GIT_QUARANTINE_PATH: undefined,
  GIT_REPLACE_REF_BASE: undefined,
  GIT_SHALLOW_FILE: undefined,
  GIT_WORK_TREE: undefined,
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
  options: Pick<CommandOptions, 'env' | 'input' | 'okCodes' | 'onStderr'> = {},
): Promise<string> {
  let said = ''
  const onStderr = (text: string): void => {
    said += text
    options.onStderr?.(text)
  }
  try {
    const env = { ...ENVIRONMENT, ...options.env }
    const commandOptions = { ...options, onStderr, env, package: 'git' }
    return (await runCommand(task, argvOf(repoDir, args), commandOptions)).stdout
  } catch (error) {
    throw isLagoError(error, 'LAGO_COMMAND_FAILED') ? explain(error, { repoDir, args, said: said.trim() }) : error
  }
}

/** For what is read while it comes. */
export function startGit(repoDir: string, args: readonly string[]): StartedProgram {
  return startProgram(argvOf(repoDir, args), { env: ENVIRONMENT, package: 'git' })
}

function argvOf(repoDir: string, args: readonly string[]): readonly [string, ...string[]] {
  return ['git', '-C', repoDir, '-c', 'advice.graftFileDeprecated=false', ...args] // our /dev/null counts as one
}

interface Failed {
  readonly repoDir: string
  readonly args: readonly string[]
  /** On stderr. */
  readonly said: string
}

function explain(cause: LagoError, { repoDir, args, said }: Failed): LagoError {
  const unsafe = /detected dubious ownership in repository at '(.*)'/.exec(said)?.[1]
  if (unsafe !== undefined)
    return new LagoError('LAGO_UNSAFE_REPOSITORY', `the git repository ${unsafe} belongs to somebody else`, {
      hint: `if you trust them: git config --global --add safe.directory ${shellWord(unsafe)}`,
      cause,
    })
  const reason = reasonOf(said)
  if (/Permission denied/.test(said))
    return new LagoError('LAGO_PERMISSION', `git ${args.join(' ')} in ${repoDir}: ${reason}`, {
      hint: 'run this as somebody who may read and write there',
      cause,
    })
  if (/cannot change to|not a git repository/.test(said))
    return new LagoError('LAGO_NOT_A_REPOSITORY', `${repoDir} is not a git repository: ${reason}`, {
      hint: 'name a checkout, or another directory of a repository; a new one is made by git init',
      cause,
    })
  return new LagoError('LAGO_COMMAND_FAILED', `git ${args.join(' ')} in ${repoDir}: ${reason}`, {
    hint: hintFor(said),
    data: cause.data,
    cause,
  })
}

function hintFor(said: string): string | undefined {
  if (/\.lock': File exists/.test(said)) return 'another git is at work there; if none is, delete that file'
  return /safe\.bareRepository/.test(said)
    ? 'your git takes no bare repositories (safe.bareRepository); name a clone of it'
    : undefined
}

/** For a repository with objects missing or damaged. */
export function fsckHint(repoDir: string): string {
  return `git -C ${shellWord(repoDir)} fsck tells what is missing`
}

/** The line that says why; git gives advice before and after it, but for what a hook says, which is all that tells. */
function reasonOf(said: string): string {
  const lines = said.split('\n')
  const reason = lines.find((line) => /^(fatal|error): /.test(line)) ?? lines[0] ?? ''
  const others = reason.endsWith('aborted by hook') ? new Set(lines.filter((line) => line !== reason)) : []
  return [reason.replace(/^(fatal|error): /, ''), ...others].join(': ')
}
