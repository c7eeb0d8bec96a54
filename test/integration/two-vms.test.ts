/**
 * Two mini guests on one NAT network of a real libvirt, through the program as a user runs it. The tests are the life
 * of one environment, in order; each builds on those before it.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { makeProject, outcomeOf, type LagoProject } from '../helpers/lago-project.js'
import { hostState, MINI_ENV, miniVm } from '../helpers/real-host.js'

const run = promisify(execFile)
let project: LagoProject
let before: Awaited<ReturnType<typeof hostState>>
let uuid: string

beforeAll(async () => {
  before = await hostState()
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lago-two-vms-'))
  const initFile = {
    domains: { vm0: miniVm([{ net: 'lago' }, { net: 'storage' }]), vm1: miniVm([{ net: 'lago' }]) },
    nets: {
      lago: { type: 'nat', management: true, dhcp: { start: 100, end: 254 } },
      storage: { type: 'nat', dhcp: { start: 100, end: 254 } },
    },
  }
  project = await makeProject(dir, { LagoInitFile: JSON.stringify(initFile) }, MINI_ENV)
})

afterAll(async () => {
  await project.lago(['destroy', '--yes'])
  await rm(project.dir, { recursive: true, force: true })
})

const shell = async (...words: string[]): Promise<string> => {
  const outcome = await project.lago(['shell', ...words])
  expect(outcome).toMatchObject({ exitCode: 0 })
  return outcome.stdout
}

test('init and start bring both machines up, with the states that status tells', async () => {
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0, stdout: '' })
  uuid = await project.read('.lago/default/uuid')
  const start = await project.lago(['start'])
  expect(start).toMatchObject({ exitCode: 0, stdout: '' })
  const { stdout } = await project.lago(['-f', 'json', 'status'])
  expect(JSON.parse(stdout)).toMatchObject({
    Prefix: {
      Networks: { lago: { status: 'up', management: true }, storage: { status: 'up', management: false } },
      VMs: { vm0: { status: 'running', distro: 'mini' }, vm1: { status: 'running' } },
    },
  })
})

test("qemu's user, and no other, is let through to the images of machines that run", async () => {
  const prefixDir = path.join(project.dir, '.lago/default')
  for (const dir of [prefixDir, path.join(prefixDir, 'images')]) {
    const { mode } = await stat(dir)
    expect(mode & 0o066).toBe(0)
    // only root, and whoever has the package acl, can let in one user alone
    if (process.geteuid?.() === 0) expect(mode & 0o777).toBe(0o710)
  }
})

test('the prefix key opens a machine that knows its name', async () => {
  expect(await shell('vm0', 'hostname')).toBe('vm0\n')
  expect(await shell('vm1', 'hostname')).toBe('vm1\n')
})

test('machines reach each other by name, and every nic has the address that was planned', async () => {
  expect(await shell('vm0', 'ping', '-c', '1', 'vm1')).toContain('1 packets received')
  const planned = JSON.parse(await project.read('.lago/default/virt/vm-vm0')) as { nics: { ip: string }[] }
  const addresses = await shell('vm0', 'ip', '-4', 'addr')
  for (const { ip } of planned.nics) expect(addresses).toContain(` ${ip}/24 `)
})

test('shell gives the exit code, forwards standard input and runs a local script', async () => {
  expect(await project.lago(['shell', 'vm0', 'exit', '7'])).toMatchObject({ exitCode: 7, stdout: '' })
  expect((await project.lago(['shell', 'vm0', 'cat'], { input: 'from here' })).stdout).toBe('from here')
  await writeFile(path.join(project.dir, 'script.sh'), 'echo "on $(hostname): $0"\nexit 3\n')
  expect(await project.lago(['shell', 'm1', 'script.sh'])).toMatchObject({ exitCode: 3, stdout: 'on vm1: bash\n' })
  expect((await project.lago(['shell', 'vm0', '-c', 'echo', '"$HOME"'])).stdout).toBe('/root\n')
  expect((await project.lago(['shell', 'vm0'], { input: 'echo $((6 * 7))\n' })).stdout).toBe('42\n')
})

test('a machine is reached by its password when the key is not the one it knows', async () => {
  const key = path.join(project.dir, '.lago/default/id_rsa')
  const [kept, keptPublic] = [await readFile(key), await readFile(`${key}.pub`)]
  await rm(key)
  await run('ssh-keygen', ['-q', '-t', 'rsa', '-m', 'PEM', '-N', '', '-f', key])
  expect(await shell('vm0', 'hostname')).toBe('vm0\n')
  await rm(key)
  await writeFile(key, kept, { mode: 0o600 })
  await writeFile(`${key}.pub`, keptPublic)
})

test("libvirt names, addresses and MACs are upstream's", async () => {
  const { stdout: domains } = await run('virsh', ['-q', 'list', '--name'])
  expect(domains).toContain(`${uuid.slice(0, 8)}-vm0`)
  const { stdout: nets } = await run('virsh', ['-q', 'net-list', '--name'])
  expect(nets).toContain(`${uuid.slice(0, 4)}-lago`)
  const { stdout: xml } = await run('virsh', ['dumpxml', `${uuid.slice(0, 8)}-vm0`])
  expect(xml).toMatch(/<mac address='54:52:c0:a8:[0-9a-f]{2}:02'\/>/)
})

test('stopping one machine keeps the networks that the other uses, and stops those that it does not', async () => {
  expect(await project.lago(['stop', 'vm0'])).toMatchObject({ exitCode: 0 })
  const { stdout } = await project.lago(['-f', 'flat', 'status'])
  expect(stdout).toContain('VMs/vm0/status: down')
  expect(stdout).toContain('VMs/vm1/status: running')
  expect(stdout).toContain('Networks/lago/status: up')
  expect(stdout).toContain('Networks/storage/status: down')
})

test('a start that fails undoes what it began and leaves what was up alone', async () => {
  const disk = path.join(project.dir, '.lago/default/images/vm0_root.qcow2')
  const kept = await readFile(disk)
  await rm(disk)
  const start = await project.lago(['start', 'vm0'])
  expect(start).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('[LAGO_') })
  await writeFile(disk, kept, { mode: 0o600 })
  const { stdout } = await project.lago(['-f', 'flat', 'status'])
  expect(stdout).toContain('VMs/vm0/status: down')
  expect(stdout).toContain('VMs/vm1/status: running')
  expect(stdout).toContain('Networks/lago/status: up')
  expect(stdout).toContain('Networks/storage/status: down')
})

test('SIGINT in the middle of a start takes back what this start began', async () => {
  const child = project.spawnLago(['start', 'vm0'])
  const outcome = outcomeOf(child)
  child.stderr?.on('data', (chunk: Buffer) => {
    if (chunk.toString().includes('Starting VM vm0: \n')) child.kill('SIGINT')
  })
  expect(await outcome).toMatchObject({ exitCode: 130 })
  const { stdout } = await project.lago(['-f', 'flat', 'status'])
  expect(stdout).toContain('VMs/vm0/status: down')
  expect(stdout).toContain('VMs/vm1/status: running')
  expect(stdout).toContain('Networks/storage/status: down')
})

test('the same environment comes back after stop and start, with the same key and address', async () => {
  expect(await project.lago(['stop'])).toMatchObject({ exitCode: 0 })
  expect(await project.lago(['start'])).toMatchObject({ exitCode: 0 })
  for (const vm of ['vm0', 'vm1']) {
    expect(await shell(vm, 'hostname')).toBe(`${vm}\n`)
    const { nics } = JSON.parse(await project.read(`.lago/default/virt/vm-${vm}`)) as { nics: { ip: string }[] }
    const key = path.join(project.dir, '.lago/default/id_rsa')
    const options = ['BatchMode=yes', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR']
    const flags = options.flatMap((option) => ['-o', option])
    const { stdout } = await run('ssh', ['-F', 'none', '-i', key, ...flags, `root@${nics[0]?.ip}`, 'hostname'])
    expect(stdout).toBe(`${vm}\n`)
  }
})

test('destroy leaves the host as it was before init', async () => {
  expect(await project.lago(['destroy', '--yes'])).toMatchObject({ exitCode: 0 })
  expect(existsSync(path.join(project.dir, '.lago'))).toBe(false)
  expect(await project.ls('subnets')).toEqual(['environments', 'subnet-lease.lock'])
  expect(await hostState(before)).toEqual(before)
})
