/**
 * Every way to tell a machine its name and its owner's key, on mini guests side by side, and what else is done with them:
 * snapshots, a move, an export. The tests are the life of one environment, in order.
 */
import { mkdtemp, rename, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { waitUntil, type Probe } from '../../src/base/wait.js'
import { makeProject, type LagoProject, type LagoRun } from '../helpers/lago-project.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { hostState, MINI_ENV, miniVm } from '../helpers/real-host.js'

let project: LagoProject
let before: Awaited<ReturnType<typeof hostState>>
let workdir = 'here'

const WAYS = { seed: 'cloud-init', written: 'inject', asked: 'agent', given: 'credentials' } as const
const TOLD = Object.keys(WAYS)

beforeAll(async () => {
  before = await hostState()
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lago-told-'))
  const vm = miniVm([{ net: 'lago' }]) as object
  const domains = Object.fromEntries(Object.entries(WAYS).map(([name, bootstrap]) => [name, { ...vm, bootstrap }]))
  const initFile = {
    domains: { ...domains, alone: { ...vm, bootstrap: false } },
    nets: { lago: { type: 'nat', management: true, dhcp: { start: 100, end: 254 } } },
  }
  const env = { ...MINI_ENV, LAGO_SSH_PASSWORD: 'none that anybody knows' }
  project = await makeProject(dir, { LagoInitFile: JSON.stringify(initFile) }, env)
})

afterAll(async () => {
  for (const dir of ['here', 'there', 'elsewhere'])
    await project.lago(['--workdir-path', path.join(project.dir, dir), 'destroy', '--yes'])
  await rm(project.dir, { recursive: true, force: true })
})

async function lago(...args: string[]): Promise<LagoRun> {
  return project.lago(['--workdir-path', path.join(project.dir, workdir), ...args])
}

async function succeed(...args: string[]): Promise<LagoRun> {
  const outcome = await lago(...args)
  if (outcome.exitCode !== 0) throw new Error(`lago ${args.join(' ')}: ${outcome.exitCode}: ${outcome.stderr}`)
  return outcome
}

async function shell(name: string, command: string): Promise<string> {
  return (await succeed('shell', name, '-c', command)).stdout.trim()
}

/** The mini guest looks at CDs after its ssh server is up. */
async function toKnowTheKey(): Promise<void> {
  const probe = (name: string) => async (): Promise<Probe<true>> => {
    const { exitCode, stderr } = await lago('shell', name, 'true')
    if (exitCode !== 0 && !stderr.includes('[LAGO_GUEST_AUTH]')) throw new Error(stderr)
    return exitCode === 0 ? { value: true } : { notYet: stderr }
  }
  const limits = { timeoutMs: 60_000, everyMs: 500 }
  await Promise.all(
    TOLD.map(async (name) => waitUntil(recordedTask().task, `${name} to know the key`, probe(name), limits)),
  )
}

async function hostNames(names: readonly string[]): Promise<readonly string[]> {
  return Promise.all(names.map(async (name) => shell(name, 'hostname')))
}

test('each way brings the name and the key', async () => {
  await succeed('init', 'LagoInitFile')
  await succeed('start')
  await toKnowTheKey()
  expect(await hostNames(TOLD)).toEqual(TOLD)
})

test('one that shall be told nothing does not know the key, and is reached by its password', async () => {
  await succeed('--ssh-password', '123456', 'wait', 'alone', 'ssh')
  const { stdout } = await succeed('--ssh-password', '123456', 'shell', 'alone', '-c', 'cat /root/.ssh/*; echo end')
  expect(stdout).toBe('end\n')
})

test('a snapshot of them all brings back memory and disks', async () => {
  for (const name of TOLD) await shell(name, 'echo kept | tee /tmp/mark > /root/mark; sync')
  await succeed('snapshot', 'clean')
  for (const name of TOLD) await shell(name, 'rm /tmp/mark /root/mark; sync')
  await succeed('revert', 'clean')
  for (const name of TOLD) expect(await shell(name, 'cat /tmp/mark /root/mark')).toBe('kept\nkept')
})

test('where the environment was moved to, they start again as they were', async () => {
  await succeed('stop')
  await rename(path.join(project.dir, 'here'), path.join(project.dir, 'there'))
  workdir = 'there'
  await succeed('start', ...TOLD)
  await toKnowTheKey()
  expect(await hostNames(TOLD)).toEqual(TOLD)
  for (const name of TOLD) expect(await shell(name, 'cat /root/mark')).toBe('kept')
  await succeed('shutdown') // files are written only into what was shut down in order
})

test('an environment that was exported is told anew where it is made again', async () => {
  await succeed('export', '-s', '-d', path.join(project.dir, 'out'))
  await succeed('destroy', '--yes')
  workdir = 'elsewhere'
  await succeed('init', path.join(project.dir, 'out/LagoInitFile'))
  await succeed('start', ...TOLD)
  await toKnowTheKey()
  expect(await hostNames(TOLD)).toEqual(TOLD)
  for (const name of TOLD) expect(await shell(name, 'cat /root/mark')).toBe('kept')
})

test('destroy leaves the host as it was', async () => {
  await succeed('destroy', '--yes')
  expect(await hostState(before)).toEqual(before)
})
