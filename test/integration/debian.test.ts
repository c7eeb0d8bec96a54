/**
 * A real distribution on a real libvirt, through the program as a user runs it: a Debian that cloud-init sets up, and one
 * that is set up before its first start. The tests are the life of one environment, in order; each builds on those before
 * it. The image comes from `scripts/make-template debian`.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { makeAptRepository } from '../helpers/debian-package.js'
import { serveDir, useHttpServers } from '../helpers/http-server.js'
import { leasedSubnet, makeProject, type LagoProject } from '../helpers/lago-project.js'
import { DEBIAN_ENV, hostState } from '../helpers/real-host.js'

jest.setTimeout(600_000)
const servers = useHttpServers()
let project: LagoProject
let before: Awaited<ReturnType<typeof hostState>>

// journald's own sync of systemd 252 returns before the disk has it, and `stop` is a power cut.
const DEPLOY = `
set -e
only='-o Dir::Etc::sourcelist=/root/served.list -o Dir::Etc::sourceparts=-'
apt-get $only -q update
apt-get $only -q -y install says-it
says-it | systemd-cat -t says-it
journalctl --sync
sync
`

function vm(name: string, given: object): object {
  const root = { name: 'root', type: 'template', template_name: 'debian-bookworm', dev: 'vda', format: 'qcow2' }
  const nics = [{ net: 'lago' }, { net: 'san' }]
  const metadata = { 'deploy-scripts': [path.join(project.dir, 'deploy.sh')] }
  return { memory: 512, vcpu: 1, nics, disks: [root], artifacts: ['/var/log/journal'], metadata, ...given }
}

beforeAll(async () => {
  before = await hostState()
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lago-debian-'))
  project = await makeProject(dir, { 'deploy.sh': DEPLOY }, DEBIAN_ENV)
  const userData = { write_files: [{ path: '/etc/from-user-data', content: 'hello' }] }
  const dhcp = { start: 100, end: 254 }
  const initFile = {
    domains: { cloud: vm('cloud', { 'user-data': userData }), plain: vm('plain', { bootstrap: 'inject' }) },
    nets: {
      lago: { type: 'nat', management: true, dhcp, dns_domain_name: 'lago.local' },
      san: { type: 'nat', dhcp },
    },
  }
  await writeFile(path.join(dir, 'LagoInitFile'), JSON.stringify(initFile))
})

afterAll(async () => {
  await project.lago(['destroy', '--yes'])
  await rm(project.dir, { recursive: true, force: true })
})

async function shell(name: string, command: string): Promise<string> {
  const { exitCode, stdout, stderr } = await project.lago(['shell', name, command])
  if (exitCode !== 0) throw new Error(`${command} on ${name} ended with ${exitCode}: ${stdout}${stderr}`)
  return stdout.trim()
}

async function statusOf(name: string): Promise<{ NICs: Record<string, { ip: string }> }> {
  const { stdout } = await project.lago(['-f', 'json', 'status'])
  return JSON.parse(stdout).Prefix.VMs[name]
}

test('both come up to a shell, with the host keys that were made for them', async () => {
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
  const keys = await Promise.all(
    ['cloud', 'plain'].map(async (name) => project.read(`.lago/default/virt/known_hosts-${name}`)),
  )
  expect(await project.lago(['start', '--wait'])).toMatchObject({ exitCode: 0 })
  expect(await shell('cloud', 'cloud-init status --wait')).toContain('status: done')
  for (const [index, name] of ['cloud', 'plain'].entries()) {
    const [key] = /ssh-ed25519 AAAA\S+/.exec(keys[index] ?? '') ?? []
    expect(await shell(name, 'cat /etc/ssh/ssh_host_ed25519_key.pub')).toContain(key)
  }
})

test.each(['cloud', 'plain'])(
  '%s has its name, its addresses on two nics, and all that it starts has started',
  async (name) => {
    expect(await shell(name, 'hostname')).toBe(name)
    const { NICs } = await statusOf(name)
    const addresses = await shell(name, 'ip -o -4 addr')
    expect(Object.keys(NICs)).toEqual(['eth0', 'eth1'])
    for (const [nic, { ip }] of Object.entries(NICs)) expect(addresses).toMatch(new RegExp(`${nic}\\s+inet ${ip}/24`))
    expect(await shell(name, 'systemctl is-system-running --wait')).toBe('running')
  },
)

test('user-data reaches cloud-init, and nobody else', async () => {
  expect(await shell('cloud', 'cat /etc/from-user-data')).toBe('hello')
  expect(await shell('plain', 'cloud-init status || true')).toContain('disabled')
})

test('a deploy script installs a package from a repository on the host', async () => {
  const served = path.join(project.dir, 'served')
  await makeAptRepository(served, 'says-it', 'it is said')
  const server = await servers.http(serveDir(served), { host: `${await leasedSubnet(project)}.1` })
  await writeFile(path.join(project.dir, 'served.list'), `deb [trusted=yes] ${server.url} ./\n`)
  for (const name of ['cloud', 'plain'])
    expect(await project.lago(['copy-to-vm', name, 'served.list', '/root/served.list'])).toMatchObject({ exitCode: 0 })
  expect(await project.lago(['deploy'])).toMatchObject({ exitCode: 0 })
  expect(await shell('cloud', 'says-it')).toBe('it is said')
})

async function journal(dir: string): Promise<string> {
  const all = await readdir(path.join(project.dir, dir, '_var_log_journal'), { recursive: true, withFileTypes: true })
  const files = all.filter((entry) => entry.isFile() && entry.name === 'system.journal')
  const texts = await Promise.all(
    files.map(async (entry) => readFile(path.join(entry.parentPath, entry.name), 'latin1')),
  )
  return texts.join('')
}

test('the journals are collected from one that runs and one that is down', async () => {
  expect(await project.lago(['stop', 'plain'])).toMatchObject({ exitCode: 0 })
  expect(await project.lago(['collect', '--output', 'out'])).toMatchObject({ exitCode: 0 })
  for (const name of ['cloud', 'plain']) expect(await journal(`out/${name}`)).toContain('MESSAGE=it is said')
})

test('a snapshot has memory and disks, and revert brings back both', async () => {
  await shell('cloud', 'echo kept | tee /dev/shm/kept /root/kept')
  expect(await project.lago(['snapshot', 'one'])).toMatchObject({ exitCode: 0 })
  const bootId = await shell('cloud', 'rm /dev/shm/kept /root/kept; cat /proc/sys/kernel/random/boot_id')
  expect(await project.lago(['revert', 'one'])).toMatchObject({ exitCode: 0 })
  expect(await shell('cloud', 'cat /dev/shm/kept /root/kept /proc/sys/kernel/random/boot_id')).toBe(
    `kept\nkept\n${bootId}`,
  )
})

test('shutdown is heard, and destroy leaves the host as it was', async () => {
  expect(await project.lago(['shutdown', '--timeout', '120'])).toMatchObject({ exitCode: 0 })
  expect(await project.lago(['destroy', '--yes'])).toMatchObject({ exitCode: 0 })
  expect(await hostState(before)).toEqual(before)
})
