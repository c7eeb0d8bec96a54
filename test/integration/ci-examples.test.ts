/**
 * examples/ci as GitHub and GitLab would run it: each command of their files, in order, on mini guests of a real libvirt, with
 * an npm package that is made of this tree. Only variables say where package and images are; what the host of a CI system
 * would do is left to the strict stand-ins of `ci-host-program.ts`.
 */
import { execFile, spawn } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { githubJob, gitlabJob, SAVE, type CiJob, type CiStep } from '../helpers/ci-jobs.js'
import { outcomeOf } from '../helpers/lago-project.js'
import { hostState, MINI_ENV } from '../helpers/real-host.js'

jest.setTimeout(600_000)
const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const HOST_PROGRAM = fileURLToPath(new URL('../helpers/ci-host-program.js', import.meta.url))
const STAND_INS = ['sudo', 'apt-get', 'systemctl', 'virtlogd', 'libvirtd', 'chgrp', 'chmod']
const { PATH = '' } = process.env

let before: Awaited<ReturnType<typeof hostState>>
/** Of all runs: stand-ins, the npm package, where it is installed, and the images. */
let hostDir = ''
let lagoPackage = ''
let projectDir = ''

beforeAll(async () => {
  before = await hostState()
  hostDir = await mkdtemp(path.join(os.tmpdir(), 'lago-ci-host-'))
  await chmod(hostDir, 0o711)
  await writeStandIns()
  await writeTemplateRepository()
  lagoPackage = await packLago()
})

afterAll(async () => {
  await rm(hostDir, { recursive: true, force: true })
})

beforeEach(async () => {
  projectDir = await mkdtemp(path.join(os.tmpdir(), 'lago-ci-project-'))
  await cp(path.join(ROOT, 'examples/ci'), projectDir, { recursive: true })
  await writeFile(summaryFile(), '')
  await writeFile(callsFile(), '')
})

afterEach(async () => {
  if ((await readdir(projectDir)).includes('.lago'))
    await outcomeOf(spawn('lago', ['destroy', '--yes'], { cwd: projectDir, env: { ...hostEnv() } }))
  await rm(projectDir, { recursive: true, force: true })
})

const summaryFile = (): string => path.join(hostDir, 'summary.md')
const callsFile = (): string => path.join(hostDir, 'calls')

async function writeStandIns(): Promise<void> {
  await mkdir(path.join(hostDir, 'stand-ins'))
  for (const name of STAND_INS) {
    const file = path.join(hostDir, 'stand-ins', name)
    await writeFile(file, `#!/bin/sh\nexec "${process.execPath}" "${HOST_PROGRAM}" ${name} "$@"\n`)
    await chmod(file, 0o755)
  }
}

/** The mini guest under the name of the example's template. */
async function writeTemplateRepository(): Promise<void> {
  const mini = await readFile(MINI_ENV['LAGO__INIT__TEMPLATE_REPO_PATH'] ?? '', 'utf8')
  const { templates, ...rest } = JSON.parse(mini) as { readonly templates: { readonly mini: unknown } } // make-guest's
  await writeFile(templateRepository(), JSON.stringify({ ...rest, templates: { 'debian-12': templates.mini } }))
}

const templateRepository = (): string => path.join(hostDir, 'template-repo.json')

async function packLago(): Promise<string> {
  const argv = ['pack', '--ignore-scripts', '--silent', '--pack-destination', hostDir]
  const { stdout } = await run('npm', argv, { cwd: ROOT })
  return path.join(hostDir, stdout.trim())
}

/** What the machine of a CI system has in its environment, whichever system it is. */
function hostEnv(): Readonly<Record<string, string>> {
  const npmCache = process.env['npm_config_cache'] ?? path.join(os.homedir(), '.npm')
  return {
    PATH: [path.join(hostDir, 'stand-ins'), path.join(hostDir, 'installed/bin'), PATH].join(':'),
    CI: 'true',
    HOME: path.join(hostDir, 'home'),
    XDG_CONFIG_DIRS: path.join(hostDir, 'config-dirs'),
    npm_config_prefix: path.join(hostDir, 'installed'),
    npm_config_cache: npmCache,
    npm_config_prefer_offline: 'true',
    LAGO_LEASE_DIR: path.join(hostDir, 'subnets'),
    LAGO_LIBVIRT_URL: MINI_ENV['LAGO_LIBVIRT_URL'] ?? '',
    LAGO_PROBE_KERNEL: MINI_ENV['LAGO_PROBE_KERNEL'] ?? '',
    CI_HOST_CALLS: callsFile(),
  }
}

interface System {
  readonly job: () => Promise<CiJob>
  /** What the system itself sets. */
  readonly env: () => Readonly<Record<string, string>>
  readonly hostCalls: readonly string[]
  /** Of the project's directory: containers of GitLab get theirs open to everybody. */
  readonly mode: number
}

const APT = [
  'apt-get update --quiet --quiet',
  expect.stringMatching(/^apt-get install /) as unknown as string, // matchers are of no type
]
const KVM = ['chgrp kvm /dev/kvm', 'chmod g+rw /dev/kvm']

const github: System = {
  job: async () =>
    githubJob(path.join(projectDir, '.github/workflows/lago.yml'), {
      LAGO_PACKAGE: lagoPackage,
      LAGO_TEMPLATE_REPO: templateRepository(),
    }),
  env: () => ({ GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: projectDir, GITHUB_STEP_SUMMARY: summaryFile() }),
  hostCalls: [...APT, 'systemctl start libvirtd', ...KVM, 'chmod -R a+rX lago-results'],
  mode: 0o755,
}

const gitlab: System = {
  job: async () =>
    gitlabJob(path.join(projectDir, '.gitlab-ci.yml'), {
      LAGO_PACKAGE: lagoPackage,
      LAGO__INIT__TEMPLATE_REPO_PATH: templateRepository(),
    }),
  env: () => ({ GITLAB_CI: 'true', CI_PROJECT_DIR: projectDir }),
  hostCalls: [...APT, ...KVM, 'virtlogd --daemon', 'libvirtd --daemon'],
  mode: 0o777,
}

interface JobRun {
  /** Names of steps that have failed. */
  readonly failed: readonly string[]
  readonly skipped: readonly string[]
  /** Everything that was printed. */
  readonly story: string
}

async function runJob(system: System, job: CiJob): Promise<JobRun> {
  await chmod(projectDir, system.mode)
  const [failed, skipped]: [string[], string[]] = [[], []]
  let story = ''
  for (const step of job.steps) {
    if (failed.length > 0 && !step.always) {
      skipped.push(step.name)
      continue
    }
    const { exitCode, stdout, stderr } = await runStep(step, { ...hostEnv(), ...system.env(), ...job.env })
    story += `== ${step.name}: ${exitCode}\n${stdout}${stderr}`
    if (exitCode !== 0) failed.push(step.name)
  }
  return { failed, skipped, story }
}

async function runStep(step: CiStep, env: Readonly<Record<string, string>>): ReturnType<typeof outcomeOf> {
  const script = path.join(hostDir, 'step.sh')
  await writeFile(script, step.script)
  const [program = '', ...argv] = step.shell.map((word) => (word === '{0}' ? script : word))
  return outcomeOf(spawn(program, argv, { cwd: projectDir, env }))
}

async function hostCalls(): Promise<string[]> {
  const calls = (await readFile(callsFile(), 'utf8')).trimEnd().split('\n')
  return calls.filter((call) => !call.startsWith('sudo '))
}

/** Command lines of processes that know of the run's directories. */
async function processesLeft(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(pids.map(async (pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')))
  return lines.filter((line) => line.includes(projectDir) || line.includes(hostDir))
}

async function expectNothingLeft(): Promise<void> {
  expect(await hostState(before)).toEqual(before)
  expect(await processesLeft()).toEqual([])
  expect(await readdir(projectDir)).not.toContain('.lago')
}

/** GitHub's uploads and caches are made by another user than the one that the steps run as. */
async function expectReadableByOthers(below: string): Promise<void> {
  const kept = ['', ...(await filesBelow(below))]
  const modes = await Promise.all(kept.map(async (name) => (await stat(path.join(projectDir, below, name))).mode))
  expect(kept.filter((_name, index) => ((modes[index] ?? 0) & 0o004) === 0)).toEqual([])
}

async function filesBelow(below: string): Promise<string[]> {
  return readdir(path.join(projectDir, below), { recursive: true })
}

async function read(below: string): Promise<string> {
  return readFile(path.join(projectDir, below), 'utf8')
}

async function expectResults(job: CiJob): Promise<void> {
  expect(await read(path.join(job.resultsDir, 'logs/lago.log'))).toContain('lago')
  expect((await readdir(path.join(projectDir, job.resultsDir, 'logs'))).sort()).toEqual(
    expect.arrayContaining(['console-client.log', 'console-server.log']),
  )
  expect(await read(path.join(job.resultsDir, 'guests/server/_var_log_deploy.log'))).toBe('deployed on server\n')
  // names that actions/upload-artifact refuses
  expect((await filesBelow(job.resultsDir)).filter((name) => /[":<>|*?\r\n]/.test(name))).toEqual([])
}

describe.each([
  ['GitHub', github],
  ['GitLab', gitlab],
])('on %s', (_name, system) => {
  test('the job passes, gives a report and results, and leaves nothing but the images', async () => {
    const job = await system.job()

    const { failed, skipped, story } = await runJob(system, job)

    expect(failed.length === 0 ? '' : story).toBe('')
    expect(skipped).toEqual([])
    await expectResults(job)
    const report = await read(path.join(job.resultsDir, 'junit.xml'))
    expect(report.match(/<testcase /g)).toHaveLength(3)
    expect(report).not.toContain('<failure')
    expect(await hostCalls()).toEqual(system.hostCalls)
    expect(await filesBelow(job.cacheDir)).toContainEqual(expect.stringContaining(':debian-12:'))
    await expectReadableByOthers(job.cacheDir)
    await expectNothingLeft()
  })
})

test('on GitHub, the steps after a failed test still collect, destroy and hand over; the images are kept', async () => {
  const tests = path.join(projectDir, 'test/network.test.mjs')
  await writeFile(tests, (await readFile(tests, 'utf8')).replace('deployed on server', 'deployed elsewhere'))
  const job = await github.job()

  const { failed, skipped, story } = await runJob(github, job)

  expect([story, failed]).toEqual([expect.stringContaining('deployed elsewhere'), ['Test']])
  expect(skipped).toEqual([])
  expect(story).toMatch(new RegExp(`^== ${SAVE}: 0\\n(.*\\n)*?.*:debian-12:[^]*^== Start`, 'm'))
  await expectResults(job)
  expect(await read(path.join(job.resultsDir, 'junit.xml'))).toContain('<failure')
  const summary = await readFile(summaryFile(), 'utf8')
  expect(summary).toMatch(/^ {4}VMs\/server\/status: running$/m)
  expect(summary).not.toContain('123456')
  await expectReadableByOthers(job.resultsDir)
  await expectNothingLeft()
})

test('on GitHub, a failed init is the one step that is red', async () => {
  const job = await github.job()
  const env = { ...job.env, LAGO__INIT__TEMPLATE_REPO_PATH: path.join(hostDir, 'no-such.json') }

  const { failed, skipped, story } = await runJob(github, { ...job, env })

  expect([story, failed]).toEqual([expect.stringContaining('no-such.json'), ['Init']])
  expect(skipped).toEqual([SAVE, 'Start', 'Test'])
  await expectNothingLeft()
})

test('on GitLab, a script whose start has failed still collects and destroys', async () => {
  const initFile = path.join(projectDir, 'LagoInitFile')
  const withoutBridge = 'nets: { lago: { type: bridge, management: true, bridge: no-such-bridge } }'
  await writeFile(initFile, (await readFile(initFile, 'utf8')).replace(/^nets:[^]*/m, withoutBridge))
  const job = await gitlab.job()

  const { failed, story } = await runJob(gitlab, job)

  expect([story, failed]).toEqual([expect.stringContaining('no-such-bridge'), ['script']])
  expect(await filesBelow(job.resultsDir)).toEqual(expect.arrayContaining(['logs/lago.log', 'guests/client']))
  expect(await filesBelow(job.resultsDir)).not.toContain('junit.xml')
  await expectNothingLeft()
})
