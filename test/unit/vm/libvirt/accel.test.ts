import { chmod, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { chooseAccel, type AccelFacts, type AccelVerdict } from '../../../../src/vm/libvirt/accel.js'
import { recordedTask } from '../../../helpers/recorded-task.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const { task } = recordedTask()

const GREETS = 'echo "Booting"; printf "Linux ver"; echo "sion 6.1.0 (gcc)"; exec sleep 1000'
const HANGS = 'exec sleep 1000'
const REFUSES = 'echo "starting" >&2; echo "Could not access KVM kernel module" >&2; exit 3'
const BABBLES = 'head -c 100000 /dev/urandom; exec sleep 1000'

describe('auto', () => {
  test('is KVM when a Linux kernel starts in the probe guest', async () => {
    const host = await hostWith({ emulator: GREETS })
    expect(await chooseAccel(task, 'auto', host.facts)).toEqual({
      accel: 'kvm',
      domainType: 'kvm',
      reason: 'a Linux kernel started',
    })
    await host.expectNoProcess()
  })

  test.each([
    { emulator: HANGS, deadlineMs: 300, reason: /^\S+ opens, but no Linux kernel line within 0.3 s$/ },
    { emulator: BABBLES, deadlineMs: 300, reason: /no Linux kernel line within 0.3 s/ },
    { emulator: REFUSES, reason: /opens, but the emulator ended \(exit code 3\) before a kernel's first line$/ },
    { emulator: 'exit 0', reason: /the emulator ended \(exit code 0\)/ },
  ])('is emulation when the emulator does: $emulator', async ({ emulator, deadlineMs = 10_000, reason }) => {
    const host = await hostWith({ emulator, deadlineMs })
    expect(await chooseAccel(task, 'auto', host.facts)).toEqual(emulated(reason))
    await host.expectNoProcess()
  })

  test('is emulation when the emulator cannot be run', async () => {
    const host = await hostWith({ emulator: GREETS })
    await chmod(host.emulatorPath, 0o644)
    expect(await chooseAccel(task, 'auto', host.facts)).toEqual(emulated(/the emulator could not be run: .*EACCES/))
  })

  test('is emulation without a KVM device, and nothing is tried', async () => {
    const host = await hostWith({ emulator: GREETS })
    const facts = { ...host.facts, devKvmPath: path.join(host.dir, 'no-kvm') }
    expect(await chooseAccel(task, 'auto', facts)).toEqual(emulated(/^there is no .*no-kvm$/))
    expect(await host.runs()).toBe(0)
  })

  test('is emulation when the device cannot be opened for reading and writing', async () => {
    const host = await hostWith({ emulator: GREETS })
    const facts = { ...host.facts, devKvmPath: host.dir } // a directory is refused even to root
    expect(await chooseAccel(task, 'auto', facts)).toEqual(emulated(/cannot be opened: EISDIR/))
  })

  test('is emulation when libvirt does not offer KVM, and nothing is tried', async () => {
    const host = await hostWith({ emulator: GREETS, domainTypes: ['qemu'] })
    expect(await chooseAccel(task, 'auto', host.facts)).toEqual(
      emulated(/libvirt does not offer KVM for x86_64 guests/),
    )
    expect(await host.runs()).toBe(0)
  })

  test('is emulation without a kernel to try, and says how to decide by hand', async () => {
    const host = await hostWith({ emulator: GREETS })
    const facts = { ...host.facts, bootDir: path.join(host.dir, 'no-boot') }
    expect(await chooseAccel(task, 'auto', facts)).toEqual(emulated(/no kernel was found .*accel=kvm/))
  })

  test('passes the abort on and leaves no process', async () => {
    const host = await hostWith({ emulator: HANGS, deadlineMs: 60_000 })
    const { task, abort, message } = recordedTask()
    const choice = chooseAccel(task, 'auto', host.facts)
    await message(/^run: /)
    abort(new Error('enough'))
    await expect(choice).rejects.toThrow('enough')
    await host.expectNoProcess()
    expect(await readdir(host.facts.cacheDir)).toEqual([])
  })
})

describe('what is asked for', () => {
  test('tcg is emulation, and nothing is tried', async () => {
    const host = await hostWith({ emulator: GREETS })
    expect(await chooseAccel(task, 'tcg', host.facts)).toEqual(emulated(/^it is asked for$/))
    expect(await host.runs()).toBe(0)
  })

  test('kvm is KVM, and nothing is tried', async () => {
    const host = await hostWith({ emulator: HANGS })
    expect(await chooseAccel(task, 'kvm', host.facts)).toMatchObject({ accel: 'kvm', domainType: 'kvm' })
    expect(await host.runs()).toBe(0)
  })

  test.each([
    {
      wanted: 'kvm' as const,
      domainTypes: ['qemu'],
      message: 'libvirt does not offer KVM for x86_64 guests; it offers: qemu',
    },
    {
      wanted: 'tcg' as const,
      domainTypes: ['kvm'],
      message: 'libvirt does not offer emulation for x86_64 guests; it offers: kvm',
    },
    {
      wanted: 'auto' as const,
      domainTypes: [],
      message: 'libvirt does not offer emulation for x86_64 guests; it offers: nothing',
    },
  ])('$wanted fails when libvirt offers only $domainTypes', async ({ wanted, domainTypes, message }) => {
    const host = await hostWith({ emulator: GREETS, domainTypes })
    await expect(chooseAccel(task, wanted, host.facts)).rejects.toMatchObject({ code: 'LAGO_NO_EMULATOR', message })
  })

  test.each(['auto', 'tcg'] as const)('%s on a driver that has a type of its own is that type', async (wanted) => {
    const host = await hostWith({ emulator: GREETS, domainTypes: ['test'] })
    expect(await chooseAccel(task, wanted, host.facts)).toMatchObject({ accel: 'tcg', domainType: 'test' })
  })
})

describe('the kernel', () => {
  test('is the configured one before all others', async () => {
    const host = await hostWith({ emulator: GREETS })
    const probeKernelPath = await host.file('configured')
    await chooseAccel(task, 'auto', { ...host.facts, probeKernelPath, kernels: [await host.file('template')] })
    expect(await host.arguments()).toContain(`-kernel ${probeKernelPath} `)
  })

  test('that is configured and missing is an error, not another kernel', async () => {
    const host = await hostWith({ emulator: GREETS })
    const facts = { ...host.facts, probeKernelPath: path.join(host.dir, 'missing') }
    await expect(chooseAccel(task, 'auto', facts)).rejects.toMatchObject({ code: 'LAGO_USAGE', message: /missing$/ })
  })

  test('is the first candidate that is there', async () => {
    const host = await hostWith({ emulator: GREETS })
    const kernels = [path.join(host.dir, 'missing'), await host.file('template'), await host.file('other')]
    await chooseAccel(task, 'auto', { ...host.facts, kernels })
    expect(await host.arguments()).toContain(`-kernel ${kernels[1]} `)
  })

  test('is else the newest of the host', async () => {
    const host = await hostWith({ emulator: GREETS })
    for (const [name, time] of Object.entries({ 'vmlinuz-2': 3_000, 'vmlinuz-10': 2_000, 'initrd.img-3': 9_000 }))
      await utimes(await host.file(name), time, time)
    await symlink('/no/such/kernel', path.join(host.dir, 'vmlinuz-9'))
    await utimes(path.join(host.dir, 'vmlinuz-1'), 1_000, 1_000)
    await chooseAccel(task, 'auto', host.facts)
    expect(await host.arguments()).toContain(`-kernel ${path.join(host.dir, 'vmlinuz-2')} `)
  })

  test.each([
    { arch: 'x86_64', expected: 'console=ttyS0 earlyprintk=serial,ttyS0 panic=-1' },
    { arch: 'aarch64', expected: 'console=ttyAMA0 earlycon panic=-1' },
  ])('of $arch is told the serial port', async ({ arch, expected }) => {
    const host = await hostWith({ emulator: GREETS, arch })
    await chooseAccel(task, 'auto', host.facts)
    expect(await host.arguments()).toContain(`-append ${expected} `)
  })
})

describe('the verdict', () => {
  test.each([
    { emulator: GREETS, accel: 'kvm' },
    { emulator: REFUSES, accel: 'tcg' },
  ])('$accel is kept until the host boots again', async ({ emulator, accel }) => {
    const host = await hostWith({ emulator })
    const first = await chooseAccel(task, 'auto', host.facts)
    expect(first.accel).toBe(accel)
    expect(await chooseAccel(task, 'auto', host.facts)).toEqual(first)
    expect(await host.runs()).toBe(1)
    await writeFile(host.facts.bootIdPath, 'another boot\n')
    await chooseAccel(task, 'auto', host.facts)
    expect(await host.runs()).toBe(2)
  })

  test('is kept for an hour when only the time was over: the host may have been busy', async () => {
    const host = await hostWith({ emulator: HANGS, deadlineMs: 1 })
    await chooseAccel(task, 'auto', host.facts)
    const filePath = path.join(host.facts.cacheDir, (await readdir(host.facts.cacheDir))[0] ?? '')
    const stored = JSON.parse(await readFile(filePath, 'utf8')) as object // written by the call above
    const reasonAt = async (atMs: number): Promise<string> => {
      await writeFile(filePath, JSON.stringify({ ...stored, atMs, finding: 'as it was kept' }))
      return (await chooseAccel(task, 'auto', host.facts)).reason
    }
    expect(await reasonAt(Date.now() - 3_000_000)).toBe('as it was kept')
    expect(await reasonAt(Date.now() - 3_700_000)).toMatch(/no Linux kernel line within 0.001 s$/)
    expect(await reasonAt(Date.now() + 3_600_000)).toMatch(/no Linux kernel line within/) // the clock was set
  })

  test('is not kept for another emulator or another kernel', async () => {
    const host = await hostWith({ emulator: GREETS })
    await chooseAccel(task, 'auto', host.facts)
    await utimes(host.emulatorPath, 5_000, 5_000)
    await chooseAccel(task, 'auto', host.facts)
    expect(await host.runs()).toBe(2)
    await chooseAccel(task, 'auto', { ...host.facts, kernels: [await host.file('template')] })
    expect(await host.runs()).toBe(3)
  })

  test.each(['', 'not JSON', 'null', '[]', '{"key":null}', '"text"'])(
    'in a broken file is passed over: %p',
    async (text) => {
      const host = await hostWith({ emulator: GREETS })
      await chooseAccel(task, 'auto', host.facts)
      const [name = ''] = await readdir(host.facts.cacheDir)
      await writeFile(path.join(host.facts.cacheDir, name), text)
      expect(await chooseAccel(task, 'auto', host.facts)).toMatchObject({ accel: 'kvm' })
      expect(await host.runs()).toBe(2)
    },
  )

  test('with a right key and a wrong body is passed over', async () => {
    const host = await hostWith({ emulator: GREETS })
    await chooseAccel(task, 'auto', host.facts)
    const filePath = path.join(host.facts.cacheDir, (await readdir(host.facts.cacheDir))[0] ?? '')
    const stored = JSON.parse(await readFile(filePath, 'utf8')) as object // written by the call above
    await writeFile(filePath, JSON.stringify({ ...stored, works: 'yes' }))
    await chooseAccel(task, 'auto', host.facts)
    expect(await host.runs()).toBe(2)
  })

  test('is given even where it cannot be kept', async () => {
    const host = await hostWith({ emulator: GREETS })
    const cacheDir = path.join(await host.file('a-file'), 'cache')
    expect(await chooseAccel(task, 'auto', { ...host.facts, cacheDir })).toMatchObject({ accel: 'kvm' })
    const bootIdPath = path.join(host.dir, 'no-boot-id')
    expect(await chooseAccel(task, 'auto', { ...host.facts, bootIdPath })).toMatchObject({ accel: 'kvm' })
    expect(await host.runs()).toBe(2)
  })
})

interface FakeHost {
  readonly dir: string
  readonly facts: AccelFacts & { readonly bootIdPath: string }
  readonly emulatorPath: string
  file(name: string): Promise<string>
  /** How often the emulator was started, and its arguments of the last time, with a blank at the end. */
  runs(): Promise<number>
  arguments(): Promise<string>
  expectNoProcess(): Promise<void>
}

/** A host whose emulator is a shell script. */
async function hostWith({
  emulator,
  arch = 'x86_64',
  domainTypes = ['qemu', 'kvm'],
  deadlineMs = 10_000,
}: {
  emulator: string
  arch?: string
  domainTypes?: readonly string[]
  deadlineMs?: number
}): Promise<FakeHost> {
  const dir = await tempDir()
  const cacheDir = await tempDir()
  const file = async (name: string, content = ''): Promise<string> => {
    await writeFile(path.join(dir, name), content)
    return path.join(dir, name)
  }
  const logPath = await file('runs.log')
  const emulatorPath = await file('emulator', `#!/bin/sh\necho "$$ $* " >>'${logPath}'\n${emulator}\n`)
  await chmod(emulatorPath, 0o755)
  await file('vmlinuz-1')
  const lines = async (): Promise<string[]> => (await readFile(logPath, 'utf8')).split('\n').slice(0, -1)
  return {
    dir,
    emulatorPath,
    file,
    facts: {
      capabilities: { arch, emulator: emulatorPath, domainTypes },
      cacheDir,
      probeKernelPath: undefined,
      devKvmPath: await file('kvm'),
      bootIdPath: await file('boot_id', 'this boot\n'),
      bootDir: dir,
      deadlineMs,
    },
    runs: async () => (await lines()).length,
    arguments: async () => (await lines()).at(-1) ?? '',
    async expectNoProcess() {
      for (const pid of (await lines()).map((line) => Number(line.split(' ')[0])))
        expect(() => process.kill(pid, 0)).toThrow(expect.objectContaining({ code: 'ESRCH' }))
    },
  }
}

function emulated(reason: RegExp): AccelVerdict {
  return { accel: 'tcg', domainType: 'qemu', reason: expect.stringMatching(reason) as unknown as string } // a matcher
}
