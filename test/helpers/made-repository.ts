/** Git repositories made in one go by git-fast-import(1), byte for byte what the test says. */
import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'

export interface MadeCommit {
  /** Positions of earlier commits; the first is the first parent. */
  readonly parents: readonly number[]
  readonly message: Buffer
  readonly author: Buffer
  /** Seconds since the epoch. */
  readonly committedAtSeconds: number
}

export interface MadeTag {
  readonly name: string
  /** Position of its commit. */
  readonly on: number
  readonly isAnnotated: boolean
}

/** Nothing of whoever runs the tests. */
export const GIT_ENV: NodeJS.ProcessEnv = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Jane Doe',
  GIT_AUTHOR_EMAIL: 'jane@example.com',
  GIT_COMMITTER_NAME: 'Jane Doe',
  GIT_COMMITTER_EMAIL: 'jane@example.com',
}

/** What git prints. */
export async function gitIn(dir: string, args: readonly string[], input: string | Buffer = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile('git', args, { cwd: dir, env: GIT_ENV, maxBuffer: 1 << 28 }, (error, stdout) =>
      error === null ? resolve(stdout.trim()) : reject(error),
    )
    child.stdin?.on('error', () => undefined) // EPIPE: git did not want its input
    child.stdin?.end(input)
  })
}

/** Makes the repository `dir` with HEAD on the last commit; gives their hashes. Commit n has the branch `c<n>`. */
export async function makeRepository(
  dir: string,
  commits: readonly MadeCommit[],
  tags: readonly MadeTag[] = [],
): Promise<string[]> {
  await rm(dir, { recursive: true, force: true })
  await mkdir(dir, { recursive: true })
  await gitIn(dir, ['init', '--quiet', '--template=', `--initial-branch=c${commits.length - 1}`])
  const stream = Buffer.concat([...commits.map(commitStream), ...tags.map(tagStream)])
  const marksPath = path.join(dir, '.git', 'marks')
  await gitIn(dir, ['fast-import', '--quiet', `--export-marks=${marksPath}`], stream)
  const marks = (await readFile(marksPath, 'utf8')).trim().split('\n')
  const hashes = new Map(
    marks.map((line) => [Number(line.slice(1, line.indexOf(' '))), line.slice(line.indexOf(' ') + 1)]),
  )
  return commits.map((_, index) => hashes.get(index + 1) ?? '')
}

/** A repository with one commit per message, oldest first, an hour apart. */
export async function makeLinearRepository(dir: string, messages: readonly string[]): Promise<string[]> {
  const commits = messages.map((message, index) => ({
    parents: index === 0 ? [] : [index - 1],
    message: Buffer.from(message),
    author: Buffer.from('Jane Doe <jane@example.com>'),
    committedAtSeconds: Date.UTC(2015, 11, 3, index) / 1000,
  }))
  return makeRepository(dir, commits)
}

/** A ref as a file, whatever it leads to. */
export async function writeRef(dir: string, name: string, value: string): Promise<void> {
  const file = path.join(dir, '.git', name)
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, `${value}\n`)
}

function commitStream({ parents, message, author, committedAtSeconds }: MadeCommit, index: number): Buffer {
  const [first, ...others] = parents
  const links = first === undefined ? [] : [`from :${first + 1}\n`, ...others.map((parent) => `merge :${parent + 1}\n`)]
  return Buffer.concat([
    Buffer.from(`commit refs/heads/c${index}\nmark :${index + 1}\nauthor `),
    author,
    // of its own, so that two that are alike otherwise are not one commit
    Buffer.from(` ${1_000_000_000 + index} +0100\n`),
    Buffer.from(`committer C <c@example.com> ${committedAtSeconds} +0000\ndata ${message.length}\n`),
    message,
    Buffer.from(`\n${links.join('')}\n`),
  ])
}

function tagStream({ name, on, isAnnotated }: MadeTag): Buffer {
  const text = isAnnotated
    ? `tag ${name}\nfrom :${on + 1}\ntagger T <t@example.com> 2000000000 +0000\ndata 1\nt\n`
    : `reset refs/tags/${name}\nfrom :${on + 1}\n\n`
  return Buffer.from(text)
}
