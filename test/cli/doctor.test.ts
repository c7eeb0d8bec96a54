/** `lago doctor` on the host that this runs on, whose state is not known beforehand, and where it can be arranged. */
import { chmod, mkdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createServer } from 'node:net'
import { expect, test } from '@jest/globals'
import { makeProject, TWO_EMPTY_VMS, type LagoProject } from '../helpers/lago-project.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

interface Report {
  readonly verdict: 'ok' | 'warning' | 'failed'
  readonly checks: Readonly<Record<string, { state: string; reason: string; command?: string; fixed?: boolean }>>
}

const EXIT_CODES = { ok: 0, warning: 1, failed: 2 }

async function report(
  project: LagoProject,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Report & { exitCode: number }> {
  const run = await project.lago(['doctor', '--json', ...args], { env })
  const found = JSON.parse(run.stdout) as Report // what is under test
  expect(run.exitCode).toBe(EXIT_CODES[found.verdict])
  return { ...found, exitCode: run.exitCode }
}

test('a table, with the verdict as exit code, without workdir or libvirt', async () => {
  const { lago } = await makeProject(await makeTempDir(), {})
  const run = await lago(['doctor'], { env: { LAGO_LIBVIRT_URL: 'qemu+unix:///system?socket=/nonexistent' } })
  expect(run).toMatchObject({ exitCode: 2, stderr: '' })
  expect(run.stdout).toMatch(/^libvirt +failed +no connection to libvirt at /m)
  expect(run.stdout).toMatch(/^leftovers +warning +could not be looked at: /m)
  expect(run.stdout).toMatch(/\nthis host is not ready: [1-9]\d* failed, \d+ warnings, \d+ ok\n$/)
})

test('the same in every format, one entry for each check', async () => {
  const project = await makeProject(await makeTempDir(), {})
  const { checks } = await report(project)
  const { stdout } = await project.lago(['doctor'])
  for (const [id, { state }] of Object.entries(checks)) expect(stdout).toMatch(new RegExp(`^${id} +${state} `, 'm'))
  expect((await project.lago(['-f', 'flat', 'doctor'])).stdout).toMatch(/^checks\/libvirt\/state: ok$/m)
  expect((await project.lago(['-f', 'yaml', 'doctor'])).stdout).toMatch(/^verdict: (ok|warning|failed)$/m)
  expect(JSON.parse((await project.lago(['-f', 'json', 'doctor'])).stdout)).toHaveProperty('checks.libvirt.state', 'ok')
})

test('what an init file asks is measured against the host: named, lying here, or of the environment here', async () => {
  const greedy = TWO_EMPTY_VMS.replaceAll('memory: 64', 'memory: 90000000')
  const project = await makeProject(await makeTempDir(), { 'Greedy.yaml': greedy, 'sub/LagoInitFile': TWO_EMPTY_VMS })
  const named = await report(project, ['Greedy.yaml'])
  expect(named.checks['memory']).toMatchObject({
    state: 'failed',
    reason: expect.stringMatching(/^2 VMs of the init file .*Greedy\.yaml may take \d+\.\d GiB; /),
  })
  const lying = await project.lago(['doctor', '--json'], { cwd: 'sub' })
  expect(JSON.parse(lying.stdout)).toMatchObject({
    checks: {
      memory: { reason: expect.stringMatching(/2 VMs of the init file .*sub\/LagoInitFile may take 256 MiB/) },
    },
  })
  await writeFile(path.join(project.dir, 'LagoInitFile'), TWO_EMPTY_VMS)
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
  expect((await report(project)).checks['memory']?.reason).toMatch(/2 VMs of the environment in .*\.lago\/default may/)
})

test('an init file that is wrong is an error, as everywhere', async () => {
  const { lago } = await makeProject(await makeTempDir(), { LagoInitFile: 'domains: 1' })
  expect(await lago(['doctor', 'none'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('LAGO_SPEC_NO_FILE'),
  })
  expect(await lago(['doctor', 'LagoInitFile'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('LAGO_SPEC_INVALID'),
  })
})

test('--fix mends what is safe to mend, and says so', async () => {
  const project = await makeProject(await makeTempDir(), {})
  const store = path.join(project.dir, 'store')
  await mkdir(store)
  await chmod(store, 0o777)
  expect((await report(project)).checks['store-dir']).toMatchObject({ state: 'warning', command: `chmod o-w ${store}` })
  expect((await stat(store)).mode & 0o777).toBe(0o777)
  expect((await report(project, ['--fix'])).checks['store-dir']).toMatchObject({ state: 'ok', fixed: true })
  expect((await stat(store)).mode & 0o777).toBe(0o775)
})

test('a lease whose environment is gone is told, with the verb that frees it', async () => {
  const project = await makeProject(await makeTempDir(), {
    'subnets/210.lease': JSON.stringify(['/nonexistent/uuid', 'a'.repeat(32)]),
  })
  expect((await report(project)).checks['leftovers']).toMatchObject({
    state: 'warning',
    reason: expect.stringContaining('lease 192.168.210.0/24'),
    command: 'lago gc',
  })
})

test('a libvirt that hangs holds nobody up', async () => {
  const project = await makeProject(await makeTempDir(), {})
  const socketPath = path.join(project.dir, 'sock')
  const daemon = createServer(() => undefined) // accepts, and never says a word
  await new Promise<void>((resolve) => daemon.listen(socketPath, resolve))
  try {
    const { checks } = await report(project, [], { LAGO_LIBVIRT_URL: `qemu+unix:///system?socket=${socketPath}` })
    expect(checks['libvirt']).toMatchObject({
      state: 'failed',
      reason: 'an answer of libvirt did not end within 4 s',
    })
    expect(checks['qemu-img']).toMatchObject({ state: 'ok' })
  } finally {
    daemon.close()
  }
})
