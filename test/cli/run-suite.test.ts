/** What run_suite.sh calls, and how: by a stand-in for `lagocli` that writes down its arguments and makes the prefix. */
import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, expect, test } from '@jest/globals'
import { useTempDirs } from '../helpers/temp-dir.js'

const SUITES = fileURLToPath(new URL('../../../examples/suites', import.meta.url))
const makeTempDir = useTempDirs()
let dir: string
let suite: string

/** A line for each call: where, and with what. It fails when $FAIL_AT is among its words, and makes what `init` makes. */
const LAGOCLI = `#!/bin/bash
printf '%s|%s\\n' "$PWD" "$*" >> "$CALLS"
for word; do
    if [[ $word == "$FAIL_AT" ]]; then exit 1; fi
done
if [[ $1 == init ]]; then mkdir "$2" && touch "$2/uuid" "$2/.lago"; fi
`

const CONTROL = `
prep_suite() {
    sed -e "s,@SUITE@,$SUITE,g" "$SUITE/init.json.in" > "$SUITE/init.json"
}
run_suite() {
    env_init
    env_repo_setup
    env_start
    env_deploy
    for scenario in "$SUITE"/test-scenarios/*.py; do
        printf 'Running script  %s\\n' "\${scenario##*/}"
        env_run_test "$scenario"
        env_collect "$PREFIX/test_logs/post-\${scenario##*/}"
    done
}
`

beforeEach(async () => {
  dir = await makeTempDir()
  suite = path.join(dir, 'suites', 'tiny_3.5')
  await mkdir(path.join(suite, 'test-scenarios'), { recursive: true })
  await cp(path.join(SUITES, 'run_suite.sh'), path.join(dir, 'run_suite.sh'))
  await writeFile(path.join(suite, 'control.sh'), CONTROL)
  await writeFile(path.join(suite, 'init.json.in'), '{ "script": "@SUITE@/setup.sh" }')
  for (const name of ['002_b.py', '001_a.py']) await writeFile(path.join(suite, 'test-scenarios', name), '')
  await mkdir(path.join(dir, 'bin'))
  await writeFile(path.join(dir, 'bin', 'lagocli'), LAGOCLI)
  await chmod(path.join(dir, 'bin', 'lagocli'), 0o755)
})

interface Run {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  /** Of lagocli, as `DIRECTORY|ARGUMENTS`. */
  readonly calls: readonly string[]
}

async function runSuite(args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Run> {
  const calls = path.join(dir, 'calls')
  const env = { PATH: `${path.join(dir, 'bin')}:${process.env['PATH'] ?? ''}`, CALLS: calls, ...more }
  await rm(calls, { force: true })
  const { error, stdout, stderr } = await new Promise<{ error: Error | null; stdout: string; stderr: string }>(
    (resolve) =>
      execFile(path.join(dir, 'run_suite.sh'), [...args], { cwd: dir, env }, (error, stdout, stderr) =>
        resolve({ error, stdout, stderr }),
      ),
  )
  const exitCode = error === null ? 0 : Number((error as { code?: unknown }).code) // execFile's own error has it
  const lines = await readFile(calls, 'utf8').catch(() => '')
  return { exitCode, stdout, stderr, calls: lines.split('\n').filter((line) => line !== '') }
}

const inOrder = (prefix: string, ...sources: readonly string[]): string[] => {
  const [engine = '', vdsm = '', ioprocess = ''] = sources
  const logs = `${prefix}/test_logs`
  return [
    `${dir}|init ${prefix} ${suite}/init.json --template-repo-path ${suite}/template-repo.json`,
    `${prefix}|ovirt reposetup --reposync-yum-config ${suite}/reposync-config.repo --engine-dir=${engine} --vdsm-dir=${vdsm} --ioprocess-dir=${ioprocess}`,
    `${prefix}|start`,
    `${prefix}|ovirt deploy`,
    `${prefix}|ovirt runtest ${suite}/test-scenarios/001_a.py`,
    `${prefix}|ovirt collect --output ${logs}/post-001_a.py`,
    `${prefix}|ovirt runtest ${suite}/test-scenarios/002_b.py`,
    `${prefix}|ovirt collect --output ${logs}/post-002_b.py`,
  ]
}

test('a suite goes its way: every command as suites of 2015 issue it', async () => {
  const prefix = path.join(dir, 'deployment-tiny_3.5')
  const { exitCode, stdout, calls } = await runSuite(['suites/tiny_3.5'])
  expect(calls).toEqual(inOrder(prefix))
  expect(exitCode).toBe(0)
  expect(stdout.split('\n')).toEqual([
    `Running suite found in ${suite}`,
    `Environment will be deployed at ${prefix}`,
    'Running script  001_a.py',
    'Running script  002_b.py',
    '',
  ])
  expect(await readFile(path.join(suite, 'init.json'), 'utf8')).toBe(`{ "script": "${suite}/setup.sh" }`)
})

test.each([['-o'], ['--output']])('%s says where, and options may stand before the suite', async (option) => {
  const { exitCode, stdout, calls } = await runSuite([option, 'else/where', 'suites/tiny_3.5'])
  expect(stdout).toContain(`Environment will be deployed at ${dir}/else/where\n`)
  expect(calls[0]).toContain(`|init ${dir}/else/where `)
  expect(exitCode).toBe(1) // the stand-in makes no parents
})

test('sources to build from are handed on, as absolute paths', async () => {
  for (const name of ['e', 'v', 'i']) await mkdir(path.join(dir, name))
  const options = ['-e', 'e', '--vdsm', 'v', '-i', './i', '-o', 'there']
  const { calls } = await runSuite(['suites/tiny_3.5', ...options], { ENGINE_BUILD_GWT: '1' })
  const [, reposetup = ''] = inOrder(path.join(dir, 'there'), `${dir}/e --engine-with-gwt`, `${dir}/v`, `${dir}/i`)
  expect(calls[1]).toBe(reposetup)
})

test('the first failure ends the run', async () => {
  const { exitCode, calls } = await runSuite(['suites/tiny_3.5'], { FAIL_AT: 'runtest' })
  expect(exitCode).not.toBe(0)
  expect(calls).toEqual(inOrder(path.join(dir, 'deployment-tiny_3.5')).slice(0, 5))
})

test('what an earlier run left at the place is destroyed first; what is no environment stays', async () => {
  await runSuite(['suites/tiny_3.5'])
  const prefix = path.join(dir, 'deployment-tiny_3.5')
  expect((await runSuite(['suites/tiny_3.5'])).calls).toEqual([
    `${dir}|--prefix-path ${prefix} destroy --yes`,
    ...inOrder(prefix),
  ])
  const failed = await runSuite(['suites/tiny_3.5'], { FAIL_AT: 'destroy' })
  expect(failed).toMatchObject({
    exitCode: 1,
    calls: [`${dir}|--prefix-path ${prefix} destroy --yes`],
    stderr: expect.stringContaining(`ERROR: the environment at ${prefix} was not destroyed`),
  })
  expect(await readdir(prefix)).toEqual(['.lago', 'uuid'])
  await mkdir(path.join(prefix, 'current')) // a workdir, of later suites
  expect((await runSuite(['suites/tiny_3.5'])).calls[0]).toBe(
    `${dir}|--workdir-path ${prefix} destroy --yes --all-prefixes`,
  )
  const refused = await runSuite(['suites/tiny_3.5', '-o', 'bin'])
  expect(refused).toMatchObject({
    exitCode: 1,
    calls: [],
    stderr: expect.stringContaining(`ERROR: ${dir}/bin is there`),
  })
  expect(await readFile(path.join(dir, 'bin', 'lagocli'), 'utf8')).toBe(LAGOCLI)
})

test.each([['-c'], ['--cleanup']])('%s only cleans up', async (option) => {
  expect((await runSuite(['suites/tiny_3.5', option])).calls).toEqual([])
  const prefix = path.join(dir, 'deployment-tiny_3.5')
  await runSuite(['suites/tiny_3.5'])
  const cleanup = await runSuite([option, 'suites/tiny_3.5'])
  expect(cleanup).toMatchObject({ exitCode: 0, calls: [`${prefix}|cleanup`] })
  expect(cleanup.stdout).toContain('======== Cleaning up\n')
  const failed = await runSuite([option, 'suites/tiny_3.5'], { FAIL_AT: 'cleanup' })
  expect(failed.calls).toEqual([`${prefix}|cleanup`, `${dir}|gc --yes`])
})

test.each([
  ['no suite', [], 'ERROR: no suite passed\nusage: run_suite.sh SUITE'],
  ['a suite that is not there', ['nowhere'], 'ERROR: Suite nowhere not found or is not a dir\n'],
  ['a file', ['run_suite.sh'], 'ERROR: Suite run_suite.sh not found or is not a dir\n'],
  ['no suite in it', ['suites'], 'ERROR: Suite suites has no control.sh\n'],
  ['two suites', ['suites/tiny_3.5', 'suites'], 'ERROR: one suite at a time'],
  ['an unknown option', ['suites/tiny_3.5', '-x'], 'usage: run_suite.sh SUITE'],
  [
    'sources that are not there',
    ['suites/tiny_3.5', '-e', 'nowhere'],
    'ERROR: -e wants a directory with sources, and nowhere',
  ],
])('%s: told, and nothing is called', async (_, args, told) => {
  const { exitCode, stderr, calls } = await runSuite(args)
  expect({ exitCode, calls }).toEqual({ exitCode: 1, calls: [] })
  expect(stderr).toContain(told)
})

test('-h explains', async () => {
  const help = await runSuite(['-h'])
  expect(help).toMatchObject({ exitCode: 0, stderr: '', calls: [] })
  for (const option of ['--output', '--engine', '--vdsm', '--ioprocess', '--cleanup', '--help', 'ENGINE_BUILD_GWT'])
    expect(help.stdout).toContain(option)
})
