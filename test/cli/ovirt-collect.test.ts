/** `lago ovirt collect` out of the disks of machines that do not run: what it fetches of which role, and where to. */
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { makeExtImage } from '../helpers/ext4-image.js'
import { makeProject, type LagoProject } from '../helpers/lago-project.js'
import { useTempDirs } from '../helpers/temp-dir.js'
import { DIRECTORY, makeTree, type Tree } from '../helpers/system-image.js'

const makeTempDir = useTempDirs()
let project: LagoProject

const ENGINE_LOGS: Tree = {
  '/var/log/ovirt-engine/boot.log': 'boot',
  '/var/log/ovirt-engine/console.log': '',
  '/var/log/ovirt-engine/dump': DIRECTORY,
  '/var/log/ovirt-engine/engine.log': 'engine',
  '/var/log/ovirt-engine/host-deploy': DIRECTORY,
  '/var/log/ovirt-engine/notifier': DIRECTORY,
  '/var/log/ovirt-engine/ovirt-image-uploader': DIRECTORY,
  '/var/log/ovirt-engine/ovirt-iso-uploader': DIRECTORY,
  '/var/log/ovirt-engine/server.log': 'server',
  '/var/log/ovirt-engine/setup/ovirt-engine-setup-20151029122052-7g9q2k.log': 'setup',
  '/var/log/messages': 'engine says',
}
const HOST_LOGS: Tree = {
  '/var/log/vdsm/backup': DIRECTORY,
  '/var/log/vdsm/connectivity.log': '',
  '/var/log/vdsm/mom.log': '',
  '/var/log/vdsm/supervdsm.log': '',
  '/var/log/vdsm/upgrade.log': '',
  '/var/log/vdsm/vdsm.log': 'vdsm',
  '/var/log/messages': 'host says',
}
const STORAGE_LOGS: Tree = { '/var/log/messages': 'storage says', '/srv/own': 'own' }

const HOSTS = ['host0', 'host1', 'host2', 'host3']

/** As the guide's suite has them: roles by metadata. */
function domain(name: string, more: object = {}): object {
  const disk = { name: 'root', type: 'file', dev: 'vda', format: 'raw', path: `images/${name}.raw` }
  return { memory: 64, vcpu: 1, nics: [{ net: 'lago' }], disks: [disk], ...more }
}

beforeEach(async () => {
  const dir = await makeTempDir()
  const roles = Object.fromEntries(HOSTS.map((name) => [name, domain(name, { metadata: { 'ovirt-role': 'host' } })]))
  const domains = {
    engine: domain('engine', { metadata: { 'ovirt-role': 'engine' } }),
    ...roles,
    'storage-iscsi': domain('storage-iscsi'),
    'storage-nfs': domain('storage-nfs'),
  }
  const nets = { lago: { type: 'nat', dhcp: { start: 100, end: 254 }, management: true } }
  const own = { ...domains, 'storage-nfs': domain('storage-nfs', { artifacts: ['/srv/own', '/srv/none'] }) }
  project = await makeProject(dir, {
    'init.json': JSON.stringify({ domains, nets }),
    'own.json': JSON.stringify({ domains: own, nets }),
  })
  await mkdir(path.join(dir, 'images'))
  for (const name of Object.keys(domains)) {
    const tree = name === 'engine' ? ENGINE_LOGS : name.startsWith('host') ? HOST_LOGS : STORAGE_LOGS
    const fromDir = path.join(dir, 'trees', name)
    await makeTree(fromDir, { '/etc/os-release': 'ID=mini\n', ...tree })
    await makeExtImage(path.join(dir, 'images', `${name}.raw`), { fromDir, sizeMiB: 8 })
  }
})

const lagocli = async (args: readonly string[], cwd = '.'): ReturnType<LagoProject['lago']> =>
  project.lago(args, { program: 'lagocli', cwd })

/** As `tree` prints it: every path below, directories with a slash. */
async function tree(below: string): Promise<string[]> {
  const dir = path.join(project.dir, below)
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries
    .map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)) + (entry.isDirectory() ? '/' : ''))
    .sort()
}

const ENGINE_TREE = [
  'engine/',
  'engine/_var_log_ovirt-engine/',
  'engine/_var_log_ovirt-engine/boot.log',
  'engine/_var_log_ovirt-engine/console.log',
  'engine/_var_log_ovirt-engine/dump/',
  'engine/_var_log_ovirt-engine/engine.log',
  'engine/_var_log_ovirt-engine/host-deploy/',
  'engine/_var_log_ovirt-engine/notifier/',
  'engine/_var_log_ovirt-engine/ovirt-image-uploader/',
  'engine/_var_log_ovirt-engine/ovirt-iso-uploader/',
  'engine/_var_log_ovirt-engine/server.log',
  'engine/_var_log_ovirt-engine/setup/',
  'engine/_var_log_ovirt-engine/setup/ovirt-engine-setup-20151029122052-7g9q2k.log',
]
const hostTree = (name: string): string[] => [
  `${name}/`,
  ...['', 'backup/', 'connectivity.log', 'mom.log', 'supervdsm.log', 'upgrade.log', 'vdsm.log'].map(
    (below) => `${name}/_var_log_vdsm/${below}`,
  ),
]

describe('of a prefix of era 0.x', () => {
  test('it is the tree of the guide, by an output relative to where one stands', async () => {
    expect(await lagocli(['init', '--skip-bootstrap', 'p', 'init.json'])).toMatchObject({ exitCode: 0 })
    const collect = await lagocli(['ovirt', 'collect', '--output', 'test_logs'], 'p')
    expect(collect).toMatchObject({ exitCode: 0, stdout: '' })
    const expected = [...ENGINE_TREE, ...HOSTS.flatMap(hostTree), 'storage-iscsi/', 'storage-nfs/']
    expect(await tree('p/test_logs')).toEqual(expected.sort())
    expect(await project.read('p/test_logs/engine/_var_log_ovirt-engine/engine.log')).toBe('engine')
    expect(await project.read('p/test_logs/host2/_var_log_vdsm/vdsm.log')).toBe('vdsm')
  })

  test('again, the former is renamed; what is not a collect is left alone', async () => {
    await lagocli(['init', '--skip-bootstrap', 'p', 'init.json'])
    const output = path.join(project.dir, 'logs/post-001_initialize_engine.py')
    for (let run = 0; run < 2; run++)
      expect(await lagocli(['ovirt', 'collect', '--output', output], 'p')).toMatchObject({ exitCode: 0 })
    const [now, former = ''] = await project.ls('logs')
    expect([now, former]).toEqual(['post-001_initialize_engine.py', expect.stringMatching(/\.py\.\d{4}-\d\d-\d\d_/)])
    expect(await tree(`logs/${former}`)).toEqual(await tree('logs/post-001_initialize_engine.py'))
    await writeFile(path.join(output, 'mine'), '')
    const refused = await lagocli(['ovirt', 'collect', '--output', output], 'p')
    expect(refused.exitCode).toBe(1)
    expect(refused.stderr).toContain('[LAGO_COLLECT_TARGET]')
  })

  test('own artifacts come beside; --no-skip tells what is missing, and all else is there', async () => {
    await lagocli(['init', '--skip-bootstrap', 'p', 'own.json'])
    const collect = await lagocli(['ovirt', 'collect', '--no-skip', '--output', 'out'], 'p')
    expect(collect.exitCode).toBe(1)
    expect(collect.stderr).toContain('Failed to extract files: /srv/none (storage-nfs) [LAGO_GUEST_NO_FILE]')
    expect(await tree('p/out/storage-nfs')).toEqual(['_srv_own'])
    expect(await tree('p/out/engine')).toHaveLength(ENGINE_TREE.length - 1)
  })
})

test('of a prefix of era 1.x it is all of /var/log, of engine and hosts', async () => {
  expect(await project.lago(['init', '--skip-bootstrap', 'w', 'init.json'])).toMatchObject({ exitCode: 0 })
  const run = await project.lago(['ovirt', 'collect', '--output', 'out'], { cwd: 'w' })
  expect(run).toMatchObject({ exitCode: 0, stdout: '' })
  expect(await tree('w/out/host0')).toContain('_var_log/messages')
  expect(await tree('w/out/host0')).toContain('_var_log/vdsm/vdsm.log')
  expect(await tree('w/out/engine')).toContain('_var_log/ovirt-engine/engine.log')
  expect(await project.ls('w/out')).toEqual(['engine', ...HOSTS, 'storage-iscsi', 'storage-nfs'])
  expect(await tree('w/out/storage-nfs')).toEqual([])
  expect(run.stderr).not.toContain('deprecated')
})

test('without --output it is a wrong command line', async () => {
  const run = await project.lago(['ovirt', 'collect'])
  expect(run.exitCode).toBe(2)
  expect(run.stderr).toContain('collect needs a directory to write to')
})
