/** Prefixes that the Python program has made, of both eras: read, started, stopped, collected from, destroyed. */
import { execFileSync } from 'node:child_process'
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { makeExtImage } from '../helpers/ext4-image.js'
import { makeProject, type LagoProject } from '../helpers/lago-project.js'
import { makeTree, type Tree } from '../helpers/system-image.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const FIXTURES = fileURLToPath(new URL('../../../test/fixtures/', import.meta.url))

/** The fixture as it lay in `dir`, with images of these trees in the place of those that it names. */
async function layOut(dir: string, fixture: string, images: Readonly<Record<string, Tree>>): Promise<void> {
  await cp(path.join(FIXTURES, fixture), dir, { recursive: true })
  for (const file of await readdir(path.join(dir, 'virt'))) {
    const text = await readFile(path.join(dir, 'virt', file), 'utf8')
    await writeFile(
      path.join(dir, 'virt', file),
      text.replaceAll('@PREFIX@', dir).replace('/srv/tools.iso', `${dir}/iso`),
    )
  }
  for (const name of ['images', 'logs', 'iso'])
    await (name === 'iso' ? writeFile(path.join(dir, name), '') : mkdir(path.join(dir, name)))
  execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-m', 'PEM', '-N', '', '-f', path.join(dir, 'id_rsa')])
  for (const [name, tree] of Object.entries(images)) {
    const [fromDir, raw] = [`${dir}.tree-${name}`, `${dir}.raw`]
    await makeTree(fromDir, { '/etc/os-release': 'ID=old\n', ...tree })
    await makeExtImage(raw, { fromDir, sizeMiB: 8 })
    const format = path.extname(name).slice(1)
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', format, raw, path.join(dir, 'images', name)])
    await rm(fromDir, { recursive: true })
    await rm(raw)
  }
}

async function statusOf(project: LagoProject, cwd: string): Promise<unknown> {
  const { stdout } = await project.lago(['-f', 'json', 'status'], { cwd })
  return (JSON.parse(stdout) as { Prefix: unknown }).Prefix
}

test('one of 0.5 is a prefix by its file .lago alone', async () => {
  const project = await makeProject(await makeTempDir(), {})
  const dir = path.join(project.dir, 'deployment')
  await layOut(dir, 'upstream-prefix-0.5', {
    'engine_root.qcow2': { '/var/log/ovirt-engine/engine.log': 'engine' },
    'host0_root.qcow2': { '/var/log/vdsm/vdsm.log': 'vdsm' },
    'host0_my_data.raw': {},
    'storage-nfs_root.qcow2': {},
  })
  expect(await statusOf(project, 'deployment')).toMatchObject({
    'Base directory': dir,
    UUID: '3f1c2a8e9bd011e5a2a8525400abcdef',
    Networks: { lago: { gateway: '192.168.250.1', management: true, status: 'down' }, storage: { management: false } },
    VMs: {
      engine: { distro: 'el6', 'root password': '123456', status: 'down', NICs: { eth0: { ip: '192.168.250.2' } } },
      host0: { distro: 'el7', NICs: { eth0: { network: 'storage' }, eth1: { network: 'lago', ip: '192.168.250.4' } } },
    },
  })
  for (const verb of ['start', 'stop']) {
    const run = await project.lago([verb], { cwd: 'deployment' })
    expect(run.exitCode === 0 ? '' : run.stderr).toBe('')
    if (verb === 'start') expect(run.stderr).toMatch(/Create network storage[^]*Starting VM engine/)
  }
  expect(await project.lago(['ovirt', 'collect', '--output', 'logs'], { cwd: '.' })).toMatchObject({ exitCode: 0 })
  expect(await project.read('logs/engine/_var_log_ovirt-engine/engine.log')).toBe('engine')
  expect(await project.read('logs/host0/_var_log_vdsm/vdsm.log')).toBe('vdsm')
  expect(await project.ls('logs/storage-nfs')).toEqual([])
  expect(await project.lago(['list', '--all'])).toMatchObject({ stdout: expect.stringContaining(`${dir}: down`) })
  expect(await project.lago(['destroy', '--yes'], { cwd: 'deployment' })).toMatchObject({ exitCode: 0 })
  expect(await project.ls('deployment')).toEqual([])
})

test('one of 1.0 is in its workdir', async () => {
  const project = await makeProject(await makeTempDir(), {})
  const dir = path.join(project.dir, '.lago/default')
  await mkdir(path.dirname(dir))
  await layOut(dir, 'upstream-prefix', {
    'engine_root.qcow2': { '/var/log/messages': 'engine says' },
    'engine_nfs.raw': {},
    'host0_root.qcow2': { '/var/log/messages': 'host says' },
  })
  await writeFile(path.join(dir, 'initialized'), '')
  await symlink('default', path.join(project.dir, '.lago/current'))
  expect(await statusOf(project, '.')).toMatchObject({
    UUID: '8d2b6f5c9a1e11ea9c3a525400123456',
    VMs: { engine: { distro: 'el7', status: 'down' }, host0: { NICs: { eth1: { network: 'storage' } } } },
  })
  for (const verb of ['start', 'stop']) {
    const run = await project.lago([verb])
    expect(run.exitCode === 0 ? '' : run.stderr).toBe('')
  }
  expect(await project.lago(['collect', '--output', 'logs'])).toMatchObject({ exitCode: 0 })
  expect(await project.read('logs/engine/_var_log/messages')).toBe('engine says')
  expect(await project.ls('logs/host0')).toEqual([])
  expect(await project.lago(['destroy', '--yes'])).toMatchObject({ exitCode: 0 })
  expect(await project.ls('.lago')).toEqual([])
})
