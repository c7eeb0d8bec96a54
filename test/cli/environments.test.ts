/** `lago list --all`, `ttl` and `gc`, without a machine that runs. */
import { chown, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { makeProject, type LagoProject } from '../helpers/lago-project.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const disk = '{name: data, type: empty, dev: vda, format: qcow2, size: 1M}'
const INIT_FILE = `{domains: {vm0: {memory: 64, nics: [{net: lago}], disks: [${disk}]}}, nets: {lago: {}}}`

async function project(): Promise<LagoProject> {
  return makeProject(await makeTempDir(), { LagoInitFile: INIT_FILE }, { LAGO_SUBNET_RANGE: '10.82.0.0/16' })
}

/** Two environments in two workdirs. */
async function two(...options: string[]): Promise<LagoProject> {
  const made = await project()
  for (const workdir of ['one', 'two'])
    expect(await made.lago(['init', ...options, workdir, 'LagoInitFile'])).toMatchObject({ exitCode: 0 })
  return made
}

async function listed({ lago }: LagoProject): Promise<Record<string, unknown>[]> {
  return JSON.parse((await lago(['-f', 'json', 'list', '--all'])).stdout) as Record<string, unknown>[]
}

describe('list --all', () => {
  test('shows what the host has from anywhere, for people and for programs', async () => {
    const made = await two()
    expect(await listed(made)).toMatchObject([
      { path: path.join(made.dir, 'one/default'), state: 'down', vms: 1, running_vms: 0, expires_at: null },
      { path: path.join(made.dir, 'two/default') },
    ])
    const { stdout } = await made.lago(['list', '--all'])
    expect(stdout).toMatch(/one\/default: down, 0 of 1 VMs, [0-9.]+ MiB disk, ([0-9]+ min )?[0-9]+ s old, of \S+\n/)
  })

  test('forgets what was destroyed or moved away', async () => {
    const made = await two()
    await made.lago(['-w', 'one', 'destroy', '--yes'])
    await rename(path.join(made.dir, 'two'), path.join(made.dir, 'elsewhere'))
    expect(await listed(made)).toEqual([])
    await made.lago(['-w', 'elsewhere', 'ttl', '1h']) // any verb that changes it
    expect(await listed(made)).toMatchObject([{ path: path.join(made.dir, 'elsewhere/default') }])
  })
})

describe('ttl', () => {
  test('is given by init, shown, changed and taken away', async () => {
    const { lago } = await project()
    const atMs = Date.now()
    expect(await lago(['init', '--ttl', '2h'])).toMatchObject({ exitCode: 0 })
    const until = Date.parse((await lago(['ttl'])).stdout.trim())
    expect(until - atMs).toBeGreaterThanOrEqual(2 * 3_600_000)
    expect(until).toBeLessThanOrEqual(Date.now() + 2 * 3_600_000)
    const { stdout } = await lago(['-f', 'json', 'status'])
    expect(JSON.parse(stdout)).toHaveProperty('Prefix.Expires', new Date(until).toISOString())
    expect(await lago(['ttl', 'never'])).toMatchObject({ exitCode: 0 })
    expect((await lago(['ttl'])).stdout).toBe('never\n')
    expect((await lago(['-f', 'json', 'status'])).stdout).not.toContain('Expires')
  })

  test.each([
    [['init', '--ttl', 'soon'], '"soon" is not a span of time as 2h, 90m, 1h30m or 3d'],
    [['start', '--ttl', '0h'], '"0h" is not a span of time'],
  ])('%j is refused before anything is done', async (argv, message) => {
    const { lago, ls } = await project()
    const refused = await lago(argv)
    expect(refused).toMatchObject({ exitCode: 2 })
    expect(refused.stderr).toContain(message)
    expect(await ls('.')).not.toContain('.lago')
  })
})

describe('gc', () => {
  test('--expired ends what is wanted no longer, and nothing else', async () => {
    const made = await two('--ttl', '2h')
    const past = new Date(Date.now() - 60_000).toISOString()
    await writeFile(path.join(made.dir, 'one/default/expires'), past)
    const shown = await made.lago(['gc', '--expired'])
    expect(shown).toMatchObject({ exitCode: 0 })
    expect(shown.stdout).toContain(path.join(made.dir, 'one/default'))
    expect(shown.stdout).not.toContain(path.join(made.dir, 'two'))
    expect(shown.stderr).toContain('lago gc --expired --yes')
    expect(await listed(made)).toHaveLength(2)
    expect(await made.lago(['gc', '--yes'])).toMatchObject({ exitCode: 0, stdout: '' })
    expect(await listed(made)).toHaveLength(2)
    expect(await made.lago(['gc', '--expired', '--yes'])).toMatchObject({ exitCode: 0 })
    expect(await listed(made)).toMatchObject([{ path: path.join(made.dir, 'two/default') }])
    expect(await made.ls('.')).not.toContain('one') // as destroy leaves it
    expect(await made.ls('subnets')).toEqual(['10.82.1.0-24.lease', 'environments', 'subnet-lease.lock'])
  })

  test('follows no link that somebody has put into an environment', async () => {
    const made = await two('--ttl', '2h')
    const victim = path.join(made.dir, 'victim')
    await mkdir(victim)
    await writeFile(path.join(victim, 'thesis.txt'), '')
    await rm(path.join(made.dir, 'one/default/virt'), { recursive: true })
    await symlink(victim, path.join(made.dir, 'one/default/virt'))
    await writeFile(path.join(made.dir, 'one/default/expires'), new Date(0).toISOString())
    expect(await made.lago(['gc', '--expired', '--yes'])).toMatchObject({ exitCode: 0 })
    expect(await made.ls('victim')).toEqual(['thesis.txt'])
    expect(await listed(made)).toHaveLength(1)
  })

  const asRoot = process.getuid?.() === 0 ? test : test.skip // to give a directory away

  asRoot('leaves environments of other users to them', async () => {
    const made = await two('--ttl', '2h')
    await writeFile(path.join(made.dir, 'one/default/expires'), new Date(0).toISOString())
    await chown(path.join(made.dir, 'one/default'), 65_534, 65_534)
    const run = await made.lago(['gc', '--expired', '--yes'])
    expect(run).toMatchObject({ exitCode: 0 })
    expect(run.stderr).toContain("one/default is wanted no longer; it is nobody's to end")
    expect(await listed(made)).toHaveLength(2)
  })

  test('frees the leases of an environment that was deleted by hand', async () => {
    const made = await two()
    await rm(path.join(made.dir, 'one'), { recursive: true })
    const { stdout } = await made.lago(['-f', 'json', 'gc', '--yes'])
    expect(JSON.parse(stdout)).toMatchObject([
      { kind: 'lease', name: '10.82.0.0/24', dir: path.join(made.dir, 'one/default') },
      { kind: 'record', name: path.join(made.dir, 'one/default') },
    ])
    expect(await made.ls('subnets')).toEqual(['10.82.1.0-24.lease', 'environments', 'subnet-lease.lock'])
    expect(await made.ls('subnets/environments')).toHaveLength(1)
  })

  test('without a libvirt that answers removes nothing', async () => {
    const made = await two()
    await rm(path.join(made.dir, 'one'), { recursive: true })
    const refused = await made.lago(['--libvirt_url', 'qemu+unix:///system?socket=/nonexistent', 'gc', '--yes'])
    expect(refused).toMatchObject({ exitCode: 2 })
    expect(refused.stderr).toContain('LAGO_LIBVIRT_CONNECT')
    expect(await readFile(path.join(made.dir, 'subnets/10.82.0.0-24.lease'), 'utf8')).toContain('one/default')
  })
})
