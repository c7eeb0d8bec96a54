import { readdir, readFile, symlink } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { openLibvirt } from '../../src/libvirt/connection.js'
import { chooseAccel } from '../../src/vm/libvirt/accel.js'
import { readCapabilities } from '../../src/vm/libvirt/capabilities.js'
import { MINI_ENV } from '../helpers/real-host.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const tempDir = useTempDirs()
const { task } = recordedTask()

// Which verdict is right depends on the host; that there is one, with a reason and no leftovers, does not.
test('auto comes to a verdict on the real emulator and leaves no process', async () => {
  await using libvirt = openLibvirt({ uri: 'qemu:///system' })
  const capabilities = readCapabilities(await libvirt.capabilities(task))
  expect(capabilities.arch).toBe(os.machine())
  const dir = await tempDir()
  const kernelPath = path.join(dir, 'vmlinuz') // a name of its own, by which the emulator's process is known
  await symlink(MINI_ENV['LAGO_PROBE_KERNEL'] ?? '', kernelPath)

  const verdict = await chooseAccel(task, 'auto', { capabilities, cacheDir: dir, probeKernelPath: kernelPath })

  expect(['kvm', 'tcg']).toContain(verdict.accel)
  expect(verdict.reason).not.toBe('')
  expect(await processesWith(kernelPath)).toEqual([])
})

async function processesWith(argument: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const commands = pids.map(async (pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')) // it may have ended
  return (await Promise.all(commands)).filter((command) => command.split('\0').includes(argument))
}
