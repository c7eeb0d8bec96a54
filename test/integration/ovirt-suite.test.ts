/**
 * The example suite for real: by its run_suite.sh, by the commands of the guide one by one, and in the manner of later
 * suites. Mini guests stand in for engine, hosts and storages; a stand-in of the engine's REST API runs on this host.
 */
import { spawn } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { makeProject, outcomeOf, type LagoProject, type LagoRun } from '../helpers/lago-project.js'
import { hostState, MINI_ENV } from '../helpers/real-host.js'

jest.setTimeout(600_000)
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const REPOSITORY = path.dirname(MINI_ENV['LAGO__INIT__TEMPLATE_REPO_PATH'] ?? '')
const ENGINE_API = `${process.execPath} ${path.join(ROOT, 'build/test/helpers/engine/main.js')}`
const SCENARIOS = [
  '001_initialize_engine.py',
  '002_bootstrap.py',
  '003_create_clean_snapshot.py',
  '004_basic_sanity.mjs',
]
let project: LagoProject
let suite: string
let before: Awaited<ReturnType<typeof hostState>>

beforeAll(async () => {
  before = await hostState()
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lago-suite-'))
  const caller = (program: string): string =>
    `#!/bin/sh\nexec ${process.execPath} ${path.join(ROOT, 'bin', `${program}.js`)} "$@"\n`
  const { LAGO__INIT__TEMPLATE_REPO_PATH: _, ...mini } = MINI_ENV // the suite names its own
  const env = { ...mini, LAGO_REPOSYNC_DIR: path.join(dir, 'reposync') }
  project = await makeProject(dir, { 'bin/lago': caller('lago'), 'bin/lagocli': caller('lagocli') }, env)
  for (const program of ['lago', 'lagocli']) await chmod(path.join(dir, 'bin', program), 0o755)
  await mkdir(path.join(dir, 'home/.cache/lago'), { recursive: true })
  await symlink(REPOSITORY, path.join(dir, 'home/.cache/lago/mini-repo'))
  await cp(path.join(ROOT, 'examples/suites'), path.join(dir, 'the suites'), { recursive: true })
  suite = path.join(dir, 'the suites/basic')
})

afterAll(async () => {
  for (const prefix of ['the suites/deployment-basic', 'the suites/basic/deployment-basic'])
    await project.lago(['--prefix-path', prefix, 'destroy', '--yes'])
  await project.lago(['--workdir', 'later', 'destroy', '--yes', '--all-prefixes'])
  await rm(project.dir, { recursive: true, force: true })
})

/** What a user types in a terminal at `cwd`, below the project's directory. */
async function type(cwd: string, line: string, more: Readonly<Record<string, string>> = {}): Promise<LagoRun> {
  const env = { ...project.env, PATH: `${path.join(project.dir, 'bin')}:${process.env['PATH'] ?? ''}`, ...more }
  const shell = spawn('bash', ['-c', line], { cwd: path.join(project.dir, cwd), env, stdio: ['pipe', 'pipe', 'pipe'] })
  return outcomeOf(shell)
}

/** The same, which has to go well; gives what it answered. */
async function typed(cwd: string, line: string, more: Readonly<Record<string, string>> = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await type(cwd, line, more)
  expect(exitCode === 0 ? '' : `${line}\n${stdout}${stderr}`).toBe('')
  return stdout
}

/** Directories with what is in them, as `tree` shows them, with times and random parts left out. */
async function treeOf(dir: string): Promise<unknown> {
  const entries = await readdir(dir, { withFileTypes: true })
  const pairs = entries.map(async (entry): Promise<[string, unknown]> => [
    entry.name.replace(/\d{14}/, 'TIME'),
    entry.isDirectory() ? await treeOf(path.join(dir, entry.name)) : 'file',
  ])
  return Object.fromEntries(await Promise.all(pairs))
}

/** The guide's tree, with two hosts, and without what only a real engine writes. */
const ENGINE_LOGS = {
  '_var_log_ovirt-engine': {
    'boot.log': 'file',
    'console.log': 'file',
    dump: {},
    'engine.log': 'file',
    'host-deploy': {},
    'server.log': 'file',
    setup: { 'ovirt-engine-setup-TIME.log': 'file' },
  },
}
const HOST_LOGS = {
  _var_log_vdsm: {
    backup: {},
    'connectivity.log': 'file',
    'mom.log': 'file',
    'supervdsm.log': 'file',
    'upgrade.log': 'file',
    'vdsm.log': 'file',
  },
}
const LOGS = { engine: ENGINE_LOGS, host0: HOST_LOGS, host1: HOST_LOGS, 'storage-iscsi': {}, 'storage-nfs': {} }

describe('run_suite.sh basic', () => {
  const prefix = 'the suites/deployment-basic'
  const lagocli = async (line: string): Promise<string> => typed(prefix, `lagocli ${line}`)

  test('runs to its end', async () => {
    const told = await typed('the suites', './run_suite.sh basic', { ENGINE_API })
    expect(told).toContain(`Running suite found in ${suite}\n`)
    expect(told).toContain(`Environment will be deployed at ${project.dir}/${prefix}\n`)
    const ran = [...told.matchAll(/^Running script {2}(.*)$/gm)].map(([, name]) => name)
    expect(ran).toEqual(SCENARIOS)
  })

  test('leaves a prefix with repository, results and logs, where the guide says', async () => {
    const names = await project.ls(prefix)
    expect(names).toEqual(expect.arrayContaining(['.lago', 'images', 'internal_repo', 'test_logs', 'uuid', 'virt']))
    expect(names.filter((name) => name.endsWith('.xml'))).toEqual(SCENARIOS.map((name) => `nosetests-${name}.xml`))
    const packages = await project.ls(`${prefix}/internal_repo/mini`)
    expect(packages.filter((name) => !name.startsWith('.')).map((name) => name.replace(/-\d.*/, ''))).toEqual([
      'ovirt-engine',
      'repodata',
      'stand-in-services',
      'vdsm',
    ])
    for (const scenario of SCENARIOS)
      expect(await treeOf(path.join(project.dir, prefix, 'test_logs', `post-${scenario}`))).toEqual(LOGS)
    const { scenarios } = JSON.parse(await project.read(`${prefix}/test_logs/report.json`)) as {
      readonly scenarios: readonly { readonly file: string; readonly outcome: string }[]
    } // documented
    const reported = scenarios.map(({ file, outcome }) => [path.basename(file), outcome])
    expect(reported).toEqual(SCENARIOS.map((name) => [name, 'passed']))
    expect(await project.read(`${prefix}/test_logs/report.html`)).toContain('001_initialize_engine')
    const log = await project.read(
      `${prefix}/test_logs/post-${SCENARIOS[0] ?? ''}/engine/_var_log_ovirt-engine/engine.log`,
    )
    expect(log).toContain('INFO Running ovirt-engine')
  })

  test('the third scenario has put the engine to rest, in the way its API wants', async () => {
    const engine = JSON.parse(await project.read(`${prefix}/engine-api.json`)) as {
      readonly hosts: readonly { readonly status: string }[]
      readonly storageDomains: readonly { readonly status: string }[]
      readonly violations: readonly string[]
    } // written by the stand-in
    expect(engine.violations).toEqual([])
    expect(engine.hosts).not.toHaveLength(0)
    for (const { status } of [...engine.hosts, ...engine.storageDomains]) expect(status).toBe('maintenance')
  })

  test('its snapshot leads back to the end of the third scenario', async () => {
    await lagocli('shell engine -c touch /root/later')
    await lagocli('revert ovirt-clean')
    expect(await lagocli('shell engine -c ls /root')).not.toContain('later')
  })

  test('one can poke around: shell, stop, start', async () => {
    expect(await lagocli('shell engine -c hostname')).toBe('engine\n')
    await lagocli('stop')
    expect(await lagocli('-f flat status')).toContain('VMs/host1/status: down')
    await lagocli('start')
    expect(await lagocli('-f flat status')).toContain('VMs/host1/status: running')
    await lagocli('wait engine cmd:"service ovirt-engine status"')
  })

  test('-c cleans up, and all that remains of it are files', async () => {
    expect(await typed('the suites', './run_suite.sh basic -c')).toContain('======== Cleaning up\n')
    expect(await project.ls(prefix)).toEqual(expect.arrayContaining(['images', 'test_logs']))
    expect(await project.ls(prefix)).not.toContain('.lago')
    expect(await hostState(before)).toEqual(before)
    await rm(path.join(project.dir, prefix), { recursive: true })
  })
})

describe('the guide, step by step', () => {
  const inSuite = 'the suites/basic'
  const inPrefix = 'the suites/basic/deployment-basic'

  // what the suite itself prepares (its packages, a path in its yum configuration) no command of the guide does
  test('every command as it is written there, but for sed, whose delimiter stands in paths', async () => {
    await typed(inSuite, 'SUITE=$PWD && . ./control.sh && prep_suite && rm init.json')
    expect(Object.keys((await treeOf(suite)) as object).sort()).toEqual(
      expect.arrayContaining(['control.sh', 'deploy-scripts', 'init.json.in', 'template-repo.json', 'test-scenarios']),
    )
    await typed(inSuite, 'suite_path=$PWD; sed -e "s,@SUITE@,$suite_path,g" init.json.in > init.json')
    await typed(inSuite, 'lagocli init --template-repo-path=template-repo.json deployment-basic init.json')
    await typed(inSuite, 'lagocli ovirt reposetup --reposync-yum-config="reposync-config.repo"')
    await typed(inPrefix, 'lagocli start')
    await typed(inPrefix, 'lagocli ovirt deploy')
    for (const scenario of SCENARIOS) await typed(inPrefix, `lagocli ovirt runtest ${scenario}`)
    await typed(inPrefix, 'lagocli ovirt collect --output "test_logs"')
    expect(await treeOf(path.join(project.dir, inPrefix, 'test_logs'))).toMatchObject(LOGS) // beside the report
    await typed(inPrefix, 'lagocli cleanup')
    expect(await hostState(before)).toEqual(before)
  })

  test('an @SUITE@ that was not replaced is named, and nothing is made', async () => {
    const init = await type(inSuite, 'lagocli init --template-repo-path=template-repo.json other init.json.in')
    expect(init.exitCode).not.toBe(0)
    expect(init.stderr).toContain('@SUITE@ was not replaced')
    expect(await project.ls(`${inSuite}/other`)).toEqual([])
  })
})

test('a later suite: a workdir that is already there, results where they are wanted, all prefixes destroyed', async () => {
  const initFile = JSON.parse(await readFile(path.join(suite, 'init.json.in'), 'utf8')) as {
    readonly domains: Readonly<Record<string, unknown>>
  } // our own file
  const { engine } = initFile.domains
  const oneVm = JSON.stringify({ ...initFile, domains: { engine } }).replaceAll('@SUITE@', suite)
  await writeFile(path.join(suite, 'LagoInitFile'), oneVm)
  const PREFIX = path.join(project.dir, 'later')
  const env = { PREFIX, SUITE: suite }
  await typed('.', 'mkdir -p "$PREFIX"', env)
  await typed('.', 'lago init "$PREFIX" "$SUITE/LagoInitFile" --template-repo-path "$SUITE/template-repo.json"', env)
  await typed('later', 'lago ovirt reposetup --reposync-yum-config "$SUITE/reposync-config.repo"', env)
  expect(await project.ls('later/current/internal_repo/default/mini')).toContain('repodata')
  await typed('later', 'lago start && lago ovirt deploy', env)
  const scenario = '001_initialize_engine.py'
  const line = `lago ovirt runtest "$SUITE/test-scenarios/${scenario}" --junitxml-file "$PREFIX/${scenario}.junit.xml"`
  await typed('later', line, env)
  expect(await project.read(`later/${scenario}.junit.xml`)).toContain('test_initialize_engine')
  await typed('later/current', `lago collect --output "$PREFIX/test_logs/post-${scenario}"`, env)
  expect(await project.ls(`later/test_logs/post-${scenario}/engine/_var_log`)).toContain('ovirt-engine')
  const status = await typed('later', 'lago --out-format flat status', env) // these suites look for both lines
  expect(status).toMatch(/^VMs\/engine\/status: running$/m)
  expect(status).toMatch(/^VMs\/engine\/metadata\/deploy-scripts:/m)
  await typed('.', 'lago --workdir "$PREFIX" destroy --yes --all-prefixes', env)
  expect(await hostState(before)).toEqual(before)
})
