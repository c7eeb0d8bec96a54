/** Which version a build has: of the project as it is, and of made ones. */
import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { sourceDate } from '../../scripts/source-date.js'
import { projectVersion } from '../../scripts/versioning/project-version.js'
import { GIT_ENV, gitIn, makeLinearRepository } from '../helpers/made-repository.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const BREAKING = 'Change all\n\nSem-Ver: api-breaking\n'

async function project(...messages: readonly string[]): Promise<string> {
  const dir = path.join(await makeTempDir(), 'project')
  if (messages.length > 0) await makeLinearRepository(dir, messages)
  else await mkdir(dir)
  await writeFile(path.join(dir, 'package.json'), '{"version": "0.7.0"}')
  return dir
}

test('the history says the version, and LAGO_VERSION another one', async () => {
  const { task, messages } = recordedTask()
  const dir = await project(BREAKING, BREAKING, 'Mend\n')
  expect(await projectVersion(task, dir, {})).toBe('2.0.1')
  expect(await projectVersion(task, dir, { LAGO_VERSION: '' })).toBe('2.0.1')
  expect(await projectVersion(task, dir, { LAGO_VERSION: '0.0.3' })).toBe('0.0.3')
  await symlink(dir, `${dir}-link`)
  expect(await projectVersion(task, `${dir}-link`, {})).toBe('2.0.1')
  await gitIn(dir, ['worktree', 'add', '-q', `${dir}-other`])
  await cp(path.join(dir, 'package.json'), path.join(`${dir}-other`, 'package.json'))
  expect(await projectVersion(task, `${dir}-other`, {})).toBe('2.0.1')
  expect(messages('warning')).toEqual([])
})

test.each(['2.0', 'v2.0.0', '2.0.0-rc.1', '2.0.0\n', 'latest', '02.0.1', `${'9'.repeat(20)}.0.1`])(
  'LAGO_VERSION=%j is refused',
  async (version) => {
    const { task } = recordedTask()
    await expect(projectVersion(task, await project('One\n'), { LAGO_VERSION: version })).rejects.toMatchObject({
      code: 'LAGO_BAD_VERSION',
      hint: expect.stringContaining('three numbers'),
    })
  },
)

test('without a history of its own a project has the recorded version, and that is nothing to tell', async () => {
  const { task, messages } = recordedTask()
  expect(await projectVersion(task, await project(), {})).toBe('0.7.0')
  const inside = path.join(await project(BREAKING), 'inside')
  await mkdir(path.join(inside, '.git'), { recursive: true }) // no repository, so that git looks above
  await writeFile(path.join(inside, 'package.json'), '{"version": "0.8.0"}')
  expect(await projectVersion(task, inside, {})).toBe('0.8.0')
  expect(messages('warning')).toEqual([])
})

test.each<[string, (dir: string) => Promise<unknown>, RegExp]>([
  [
    'a shallow clone',
    async (dir) => {
      await gitIn(dir, ['clone', '--quiet', '--depth=1', `file://${dir}`, `${dir}-shallow`])
      await rename(path.join(dir, '.git'), `${dir}-git`)
      return rename(path.join(`${dir}-shallow`, '.git'), path.join(dir, '.git'))
    },
    /shallow clone: .*; git -C \S+ fetch --unshallow --tags$/,
  ],
  ['a repository without commits', async (dir) => gitIn(dir, ['symbolic-ref', 'HEAD', 'refs/heads/x']), /no commit/],
  [
    'a history that has lost its past',
    async (dir) => makeLinearRepository(dir, ['All\n']),
    /lost its past, and would give 0\.0\.1/,
  ],
  [
    'a work tree whose repository is elsewhere',
    async (dir) => {
      await rename(path.join(dir, '.git'), `${dir}-git`)
      return writeFile(path.join(dir, '.git'), 'gitdir: /nowhere\n')
    },
    /not a git repository/,
  ],
])('%s is told, and the recorded version counts', async (_name, change, told) => {
  const { task, messages } = recordedTask()
  const dir = await project(BREAKING, BREAKING)
  await change(dir)
  await writeFile(path.join(dir, 'package.json'), '{"version": "0.7.0"}')
  expect(await projectVersion(task, dir, {})).toBe('0.7.0')
  expect(messages('warning')).toEqual([expect.stringMatching(told)])
  expect(messages('warning')).toEqual([expect.stringMatching(/^the version is 0\.7\.0, as package\.json says/)])
})

async function runNode(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: ROOT, env: { ...GIT_ENV, ...env } }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    )
  })
}

test('lago --version is what the build has noted, and LAGO_VERSION is nothing to a lago that runs', async () => {
  const noted = JSON.parse(await readFile(path.join(ROOT, 'build', 'version.json'), 'utf8')) as { version: string }
  expect(noted.version).toMatch(/^\d+\.\d+\.\d+$/)
  const lago = path.join(ROOT, 'bin', 'lago.js')
  expect(await runNode([lago, '--version'], { LAGO_VERSION: '9.9.9' })).toEqual({
    code: 0,
    out: `lago ${noted.version}\n`,
    err: '',
  })
  expect(await runNode([lago, 'template', 'list', '--help'], { LAGO_VERSION: '9.9.9' })).toMatchObject({
    code: 0,
    err: '',
  })
})

test.each([
  ['LAGO_VERSION', 'latest', 'LAGO_BAD_VERSION'],
  ['SOURCE_DATE_EPOCH', 'yesterday', 'LAGO_BAD_DATE'],
  ['SOURCE_DATE_EPOCH', '99999999999999', 'LAGO_BAD_DATE'],
])('a build with %s=%s ends with 2 before it touches anything', async (name, value, errorCode) => {
  const before = await readFile(path.join(ROOT, 'build', 'version.json'), 'utf8')
  const { code, out, err } = await runNode([path.join(ROOT, 'build/scripts/bundle.js')], {
    LAGO_VERSION: '9.9.9',
    [name]: value,
  })
  expect([code, out, err]).toEqual([
    2,
    '',
    expect.stringMatching(new RegExp(`^${name} is "${value}".*\\[${errorCode}\\]\\n {2}hint: `)),
  ])
  expect(await readFile(path.join(ROOT, 'build', 'version.json'), 'utf8')).toBe(before)
})

test.each([
  [undefined, undefined],
  ['', undefined],
  ['0', '1970-01-01T00:00:00.000Z'],
  ['1700000000', '2023-11-14T22:13:20.000Z'],
])('SOURCE_DATE_EPOCH=%s is the date %s', (epoch, expected) => {
  expect(sourceDate({ SOURCE_DATE_EPOCH: epoch })?.toISOString()).toBe(expected)
})
