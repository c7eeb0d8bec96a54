/** `lago doctor` and the check before a start, on a real libvirt; nothing is started. */
import { spawn } from 'node:child_process'
import { chmod } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { openLibvirt } from '../../src/libvirt/connection.js'
import { ownerMark } from '../../src/plan/owner-mark.js'
import { renderXml } from '../../src/base/xml.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { makeProject, outcomeOf, TWO_EMPTY_VMS, type LagoProject } from '../helpers/lago-project.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const REAL = { LAGO_LIBVIRT_URL: 'qemu:///system' }

async function initialized(initFile: string): Promise<LagoProject> {
  const project = await makeProject(await makeTempDir(), { LagoInitFile: initFile }, REAL)
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
  return project
}

test('what must be there for the other tests is found to be there', async () => {
  const { lago } = await makeProject(await makeTempDir(), {}, REAL)
  const { stdout, exitCode } = await lago(['doctor', '--json'])
  const { checks } = JSON.parse(stdout) as { checks: Record<string, { state: string; reason: string }> }
  for (const id of ['libvirt', 'qemu', 'qemu-img', 'dnsmasq', 'ssh', 'qemu-access', 'memory'])
    expect([id, checks[id]?.state]).toEqual([id, 'ok'])
  expect(checks['libvirt']?.reason).toMatch(/answers? at qemu:\/\/\/system/)
  expect(checks['kvm']?.reason).toMatch(/a Linux kernel|\/dev\/kvm|no kernel was found/)
  expect(exitCode).toBeLessThan(2)
})

test('an environment that cannot fit is refused in the words of the doctor, before a network is made', async () => {
  const { lago } = await initialized(TWO_EMPTY_VMS.replaceAll('memory: 64', 'memory: 90000000'))
  const { stdout } = await lago(['doctor', '--json'])
  const { checks } = JSON.parse(stdout) as { checks: Record<string, { state: string; reason: string }> }
  expect(checks['memory']).toMatchObject({
    state: 'failed',
    reason: expect.stringContaining('2 VMs of the environment'),
  })
  const start = await lago(['start'])
  expect(start).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('[LAGO_NOT_READY]') })
  // how much is free differs from one moment to the next
  expect(start.stderr).toContain(checks['memory']?.reason.split(';')[0] ?? 'a reason')
  expect(start.stderr).not.toContain('Create network')
  expect((await lago(['-f', 'flat', 'status'])).stdout).not.toMatch(/status: (up|running)/)
  expect(await lago(['destroy', '--yes'])).toMatchObject({ exitCode: 0 })
})

test('a directory that keeps out the user that libvirt tells is named, with the command', async () => {
  const { lago, dir } = await initialized(TWO_EMPTY_VMS)
  await chmod(dir, 0o700)
  const start = await lago(['start'])
  expect(start).toMatchObject({ exitCode: 2 })
  expect(start.stderr).toMatch(new RegExp(`cannot enter ${dir} on the way to .*\\[LAGO_NOT_READY\\]`))
  expect(start.stderr).toMatch(new RegExp(`hint: (chmod o\\+x|setfacl -m \\S+) ${dir}; start --force`))
  const { stdout } = await lago(['doctor'])
  expect(stdout).toMatch(new RegExp(`^qemu-access +failed +\\S+ cannot enter ${dir} `, 'm'))
  expect(await lago(['destroy', '--yes'])).toMatchObject({ exitCode: 0 })
})

test('a network that bears our mark, and whose environment is gone, is told', async () => {
  const libvirt = openLibvirt({ uri: REAL.LAGO_LIBVIRT_URL })
  const { task } = recordedTask()
  const name = 'dead-lago-test'
  try {
    // without an address: neither dnsmasq nor firewall rules
    const mark = renderXml(ownerMark({ uuid: 'dead'.repeat(8), prefixDir: '/nonexistent' }, { net: 'lago' }))
    await libvirt.createNetwork(task, `<network><name>${name}</name>${mark}<bridge name='dead-lago-br'/></network>`)
    const { lago } = await makeProject(await makeTempDir(), {}, REAL)
    expect((await lago(['doctor'])).stdout).toMatch(
      new RegExp(`^leftovers +warning +\\d+ whose environment is gone: .*network ${name}`, 'm'),
    )
  } finally {
    await libvirt.destroyNetwork(task, name)
    await libvirt.close()
  }
})

// a mount namespace of its own is for root
const asRoot = process.getuid?.() === 0 ? test : test.skip

asRoot('where the daemon does not run, the command that starts it is named', async () => {
  const { dir, env } = await makeProject(await makeTempDir(), {}, REAL)
  const script = 'mount -t tmpfs none /run/libvirt && exec "$@"'
  const lago = fileURLToPath(new URL('../../../bin/lago.js', import.meta.url))
  const child = spawn('unshare', ['--mount', 'sh', '-c', script, 'sh', process.execPath, lago, 'doctor'], {
    cwd: dir,
    env: { PATH: process.env['PATH'], ...env },
  })
  const { exitCode, stdout } = await outcomeOf(child)
  expect(stdout).toMatch(/^libvirt +failed +(libvirtd|virtqemud) is installed and does not run: /m)
  expect(stdout).toMatch(/\n {2}libvirt.*:\n {4}(sudo )?(systemctl enable --now|virtlogd -d &&) /)
  expect(stdout).toMatch(/^qemu-img +ok /m)
  expect(exitCode).toBe(2)
})
