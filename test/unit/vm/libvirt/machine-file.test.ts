import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { planEnv } from '../../../../src/plan/plan-env.js'
import { hasOwnerMark, isRestored } from '../../../../src/plan/owner-mark.js'
import type { DiskPlan, VmPlan } from '../../../../src/plan/types.js'
import { loadMachine, saveMachine } from '../../../../src/vm/libvirt/snapshots/machine-file.js'
import { domainSpec, emptyDisk, envSpec, netSpec, planFacts, templateDisk } from '../../../helpers/env-spec.js'
import { recordedTask } from '../../../helpers/recorded-task.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'

const { task } = recordedTask()
const tempDir = useTempDirs()

/** As libvirt 9 describes a running domain. */
function libvirtXml(prefixDir: string): string {
  return `<domain type='qemu' id='3'>
  <name>abcd-vm0</name>
  <metadata>
    <lago:env xmlns:lago="https://lago.dev/xmlns/env/1" uuid="abcd" vm="vm0"/>
  </metadata>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='unsafe' discard='unmap' iothread='1'/>
      <source file='${prefixDir}/images/vm0_root.qcow2' index='1'>
        <seclabel model='dac' relabel='yes'/>
      </source>
      <backingStore type='file' index='2'>
        <format type='raw'/>
        <source file='/store/mini'>
          <seclabel model='dac' relabel='no'/>
        </source>
        <backingStore/>
      </backingStore>
      <target dev='vda' bus='virtio'/>
      <serial>1</serial>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='unsafe'/>
      <source file='${prefixDir}/images/vm0_data.raw' index='1'/>
      <backingStore/>
      <target dev='vdb' bus='virtio'/>
    </disk>
    <serial type='pty'>
      <log file='${prefixDir}/logs/console-vm0.log' append='off'/>
    </serial>
  </devices>
</domain>
`
}

function vm(): VmPlan {
  const spec = envSpec(
    [domainSpec('vm0', { disks: [templateDisk('root', 'vda'), emptyDisk('data', 'vdb', 'raw')] })],
    [netSpec('lago', { management: true })],
  )
  const planned = planEnv(spec, planFacts(spec)).vms.get('vm0')
  if (planned === undefined) throw new Error('unreachable: vm0 was planned')
  return planned
}

function withDisk(plan: VmPlan, index: number, change: Partial<DiskPlan>): VmPlan {
  return { ...plan, disks: plan.disks.map((disk, at) => (at === index ? { ...disk, ...change } : disk)) }
}

async function saved(rootDir: string): Promise<string> {
  const xml = path.join(await tempDir(), 'machine.xml')
  await saveMachine(task, { domainXml: async () => libvirtXml(rootDir) }, vm(), { xml, rootDir })
  return xml
}

describe('a machine in a file', () => {
  test('comes back with the images of the plan, and everything else as it was', async () => {
    const xml = await saved('/prefix')
    const plan = withDisk(vm(), 0, { path: '/prefix/images/vm0_root.qcow2' })
    const text = await loadMachine(withDisk(plan, 1, { path: '/prefix/images/vm0_data.raw' }), {
      xml,
      rootDir: '/prefix',
    })
    expect(isRestored(text)).toBe(true)
    expect(hasOwnerMark(text, 'abcd')).toBe(true)
    expect(text).toContain('<serial>1</serial>')
    expect(text).toContain("<log file='/prefix/logs/console-vm0.log' append='off'/>")
    expect(text).toContain("<source file='/prefix/images/vm0_root.qcow2'/>")
    expect(text.match(/<backingStore type='file'>/g)).toHaveLength(1)
    expect(text).toContain("<seclabel model='dac' relabel='no'/>")
  })

  test('follows its prefix to another place, also where XML writes the path in another way', async () => {
    const xml = await saved('/a&amp;b')
    const text = await loadMachine(vm(), { xml: await rewritten(xml), rootDir: "/else'where" })
    expect(text).toContain("<log file='/else&apos;where/logs/console-vm0.log'")
    expect(text).not.toContain('a&amp;b')

    async function rewritten(file: string): Promise<string> {
      await saveMachine(task, { domainXml: async () => libvirtXml('/a&amp;b') }, vm(), { xml: file, rootDir: '/a&b' })
      expect(await readFile(file, 'utf8')).not.toContain('a&amp;b')
      return file
    }
  })

  test('takes an overlay in the place of a raw image', async () => {
    const xml = await saved('/prefix')
    const overlay = { path: '/prefix/images/$1 new.qcow2', driver: 'qcow2' as const }
    const text = await loadMachine(withDisk(vm(), 1, overlay), { xml, rootDir: '/prefix' })
    const block = text.split('<disk ')[2] ?? ''
    expect(block).toContain("type='qcow2'")
    expect(block).toContain("<source file='/prefix/images/$1 new.qcow2'/>")
    expect(block).not.toContain('vm0_data.raw')
    expect(block).not.toContain('<backingStore')
  })

  test('is private: it may hold what was given to the guest', async () => {
    const { mode } = await stat(await saved('/prefix'))
    expect(mode & 0o777).toBe(0o600)
  })
})
