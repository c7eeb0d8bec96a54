/** Networks of every kind, with other lengths than a /24, on a real libvirt, with a machine that is on all of them. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { makeProject, type LagoProject } from '../helpers/lago-project.js'
import { hostState, MINI_ENV, miniVm } from '../helpers/real-host.js'

const run = promisify(execFile)
const HOST_BRIDGE = 'lagotest-br0'
let project: LagoProject
let before: Awaited<ReturnType<typeof hostState>>

const nets = {
  mgmt: {
    management: true,
    subnet: '10.73.0.0/20',
    gw: '10.73.15.254',
    dhcp: { start: '10.73.1.0', end: '10.73.1.99' },
    dns_records: { mirror: '10.73.9.9' },
    ipv6: 'fd73:1:2:3::/64',
  },
  inside: { type: 'isolated', subnet: '/28', dhcp: { start: 8, end: 14 } },
  routed: { type: 'routed', gw: '10.74.0.1', subnet: '/30', dhcp: { start: 2, end: 2 } },
  own: { type: 'bridge', mtu: 9000 },
  lan: { type: 'bridge', bridge: HOST_BRIDGE },
}

beforeAll(async () => {
  before = await hostState()
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lago-nets-'))
  const nics = Object.keys(nets).map((net) => ({ net }))
  const initFile = { domains: { vm0: miniVm(nics) }, nets }
  project = await makeProject(dir, { LagoInitFile: JSON.stringify(initFile) }, MINI_ENV)
})

afterAll(async () => {
  await project.lago(['destroy', '--yes'])
  await run('ip', ['link', 'delete', 'dev', HOST_BRIDGE]).catch(() => undefined) // it may never have come to be
  await rm(project.dir, { recursive: true, force: true })
})

test('a bridge of the host that is not there stops the start before anything stays, and is named', async () => {
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
  const refused = await project.lago(['start'])
  expect(refused).toMatchObject({ exitCode: 2 })
  expect(refused.stderr).toContain(`cannot start net lan: this host has no bridge ${HOST_BRIDGE}`)
  expect(refused.stderr).toContain('[LAGO_NO_BRIDGE]')
  expect(await hostState(before)).toEqual(before)
})

test('the machine has an address of each net that gives them, and the bridges are there', async () => {
  await run('ip', ['link', 'add', 'name', HOST_BRIDGE, 'type', 'bridge'])
  await run('ip', ['link', 'set', 'dev', HOST_BRIDGE, 'up'])
  expect(await project.lago(['start', '--wait'])).toMatchObject({ exitCode: 0 })
  const { stdout } = await project.lago(['shell', 'vm0', 'ip', '-4', '-o', 'addr'])
  expect(stdout).toMatch(/inet 10\.73\.0\.2\/20 /)
  expect(stdout).toMatch(/inet 192\.168\.2\d\d\.2\/28 /)
  expect(stdout).toMatch(/inet 10\.74\.0\.2\/30 /)
  const bridges = await run('ip', ['-j', '-d', 'link', 'show', 'type', 'bridge'])
  const uuid = await project.read('.lago/default/uuid')
  const found = JSON.parse(bridges.stdout) as { ifname: string; mtu: number; ifalias?: string }[]
  expect(found).toContainEqual(
    expect.objectContaining({
      ifname: `${uuid.slice(0, 4)}-own`,
      mtu: 9000,
      ifalias: `lago ${uuid} ${project.dir}/.lago/default`,
    }),
  )
  expect(found.find(({ ifname }) => ifname === HOST_BRIDGE)?.ifalias).toBeUndefined()
})

test('names are answered on the management net, in both families', async () => {
  const answer = async (name: string): Promise<string> =>
    (await project.lago(['shell', 'vm0', 'nslookup', name, '10.73.15.254'])).stdout
  expect(await answer('mirror')).toContain('10.73.9.9')
  expect(await answer('vm0')).toContain('fd73:1:2:3::a49:2') // 10.73.0.2
})

test('another environment that names an overlapping subnet is told who has it', async () => {
  const other = path.join(project.dir, 'other')
  const initFile = { domains: { vm0: miniVm([{ net: 'a' }]) }, nets: { a: { subnet: '10.73.8.0/24' } } }
  await writeFile(path.join(project.dir, 'Other'), JSON.stringify(initFile))
  const refused = await project.lago(['init', other, 'Other'])
  expect(refused).toMatchObject({ exitCode: 2 })
  expect(refused.stderr).toContain(
    `net a: Can't acquire subnet 10.73.8.0/24, already taken by ${project.dir}/.lago/default/uuid as part of 10.73.0.0/20`,
  )
})

test('a network of libvirt that is only defined keeps its addresses', async () => {
  const xml = "<network><name>lagotest-defined</name><ip address='10.75.0.1' netmask='255.255.0.0'/></network>"
  const file = path.join(project.dir, 'net.xml')
  await writeFile(file, xml)
  await run('virsh', ['-c', 'qemu:///system', 'net-define', file])
  try {
    const initFile = { domains: { vm0: miniVm([{ net: 'a' }]) }, nets: { a: { gw: '10.75.9.1' } } }
    await writeFile(path.join(project.dir, 'Other'), JSON.stringify(initFile))
    const refused = await project.lago(['init', path.join(project.dir, 'other'), 'Other'])
    expect(refused.stderr).toContain('10.75.9.0/24, which overlaps the libvirt network "lagotest-defined" of this host')
  } finally {
    await run('virsh', ['-c', 'qemu:///system', 'net-undefine', 'lagotest-defined'])
  }
})

test('afterwards the bridge of the host is as it was, and everything else is gone', async () => {
  expect(await project.lago(['destroy', '--yes'])).toMatchObject({ exitCode: 0 })
  const { interfaces, ...others } = await hostState()
  expect({ ...others, interfaces: interfaces?.filter((name) => name !== HOST_BRIDGE) }).toEqual(before)
  expect(interfaces).toContain(HOST_BRIDGE)
})
