import { expect, test } from '@jest/globals'
import { makeProject, TWO_EMPTY_VMS, type LagoProject } from '../helpers/lago-project.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

async function initialized(): Promise<LagoProject> {
  const project = await makeProject(await makeTempDir(), { LagoInitFile: TWO_EMPTY_VMS })
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
  return project
}

test('conditions are in every format of status while they are there, and nowhere after --clear', async () => {
  const { lago } = await initialized()
  const healthy = await lago(['-f', 'flat', 'status'])
  const set = await lago(['net', 'set', 'vm0:eth0', '--down', '--rate', '2MBps'])
  expect(set).toMatchObject({ exitCode: 0, stdout: '', stderr: expect.stringContaining('Set links of vm0:eth0') })
  const { stdout } = await lago(['-f', 'flat', 'status'])
  expect(stdout).toContain('VMs/vm0/NICs/eth0/link/rate: 16mbit\nVMs/vm0/NICs/eth0/link/state: down\n')
  expect(stdout).not.toContain('vm1/NICs/eth0/link')
  expect(JSON.parse((await lago(['-f', 'json', 'status'])).stdout)).toMatchObject({
    Prefix: { VMs: { vm0: { NICs: { eth0: { link: { state: 'down', rate: '16mbit' } } } } } },
  })
  expect((await lago(['-f', 'yaml', 'status'])).stdout).toMatch(/link:\n +rate: 16mbit\n +state: down\n/)
  expect((await lago(['status'])).stdout).toMatch(/\[link\]:\n +rate: 16mbit\n +state: down\n/)
  await lago(['net', 'set', 'lago', '--up'])
  expect((await lago(['-f', 'flat', 'status'])).stdout).not.toContain('link/state')
  await lago(['net', 'set', 'lago', '--clear'])
  expect((await lago(['-f', 'flat', 'status'])).stdout).toBe(healthy.stdout)
})

test('what is not understood is refused with what there is, and changes nothing', async () => {
  const { lago, read } = await initialized()
  const before = await read('.lago/default/virt/vm-vm0')
  for (const [args, pattern] of [
    [['net', 'set'], /LAGO_USAGE/],
    [['net', 'set', 'lago'], /nothing is said about how the link is to be \[LAGO_LINK_VALUE\]/],
    [['net', 'set', 'lago', '--up', '--down'], /--down and --up do not go together \[LAGO_USAGE\]/],
    [['net', 'set', 'lago', '--rate', '10mbps'], /"10mbps" is no rate[\s\S]*mbit for bits/],
    [['net', 'set', 'vm0', '--down'], /there is no net vm0, but a VM[\s\S]*name its nic: vm0:0 \(lago\)/],
    [['net', 'set', 'vm0:3', '--down'], /LAGO_NO_SUCH_NIC[\s\S]*its nics: vm0:0 \(lago\)/],
    [['net', 'set', 'lagi', '--down'], /LAGO_NO_SUCH_NET[\s\S]*nets: lago/],
    [['net', 'set', 'lago', '--delay', '5ms', '--down'], /LAGO_LINK_UNSUPPORTED/],
  ] as const) {
    const { exitCode, stdout, stderr } = await lago(args)
    expect([args, exitCode, stdout]).toEqual([args, 2, ''])
    expect(stderr).toMatch(pattern)
  }
  expect(await read('.lago/default/virt/vm-vm0')).toBe(before)
})
