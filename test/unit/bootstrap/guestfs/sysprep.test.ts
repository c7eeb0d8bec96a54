/** A stand-in takes the part of virt-sysprep: it knows its words, and refuses files that others could read. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { sysprepDisk } from '../../../../src/bootstrap/guestfs/sysprep.js'
import type { Identity } from '../../../../src/bootstrap/types.js'
import { useGuestfsBench, type GuestfsBench } from '../../../helpers/guestfs-bench.js'
import type { GuestfsRun } from '../../../helpers/guestfs-tool.js'
import { identityOf } from '../../../helpers/identity.js'

const makeBench = useGuestfsBench(['setpriv', 'true'])
const PASSWORD = ' not to "be\\ seen\\'

async function sysprep(bench: GuestfsBench, facts: Partial<Identity> = {}, kvmWorks = true): Promise<GuestfsRun> {
  await sysprepDisk(bench.task, bench.disk, identityOf(facts), { kvmWorks })
  const [run, ...more] = await bench.runs()
  if (run === undefined || more.length > 0) throw new Error('not run once')
  return run
}

/** With names for the paths, which are others at every call. */
function readable({ options, files }: GuestfsRun): string[] {
  const names = Object.entries(files).map(([file, content]) => [file, `<${content.trimEnd()}>`] as const)
  return options.map((option) => names.reduce((text, [file, name]) => text.replace(file, name), option.join(' ')))
}

const KEY = identityOf().sshPublicKey
const BASE = ['selinux-relabel', 'hostname vm0', `ssh-inject root:file:<${KEY}>`]
const ISCSI = [
  'mkdir /etc/iscsi',
  'write /etc/iscsi/initiatorname.iscsi:InitiatorName=iqn.2014-07.org.lago:vm0:vm0\n',
  'chmod 0644:/etc/iscsi/initiatorname.iscsi',
]
const WANTS = '/etc/systemd/system/multi-user.target.wants'
const SERVICES = [`delete ${WANTS}/kdump.service`, `delete ${WANTS}/postfix.service`]

function grub(config: string): string[] {
  return [`run-command test ! -e ${config} || sed -i s/timeout=5/timeout=0/ ${config}`, 'no-logfile']
}

function ifcfg(index: number, mac: string): string[] {
  const file = `/etc/sysconfig/network-scripts/ifcfg-eth${index}`
  return [
    'mkdir /etc/sysconfig/network-scripts',
    `write ${file}:HWADDR=${mac}\nBOOTPROTO=dhcp\nONBOOT=yes\nTYPE=Ethernet\nNAME=eth${index}\n`,
    `chmod 0644:${file}`,
  ]
}

function interfaces(index: number, mac: string): string[] {
  const file = `/etc/network/interfaces.d/ifcfg-eth${index}.cfg`
  const name = `eth${index}`
  return [
    'mkdir /etc/network/interfaces.d',
    `write ${file}:auto ${name}\niface ${name} inet6 auto\niface ${name} inet dhcp\n    hwaddress ${mac}\n`,
    `chmod 0644:${file}`,
  ]
}

const MACS = identityOf().nics.map(({ mac }) => mac) as [string, string]
const IFCFG = [...ifcfg(0, MACS[0]), ...ifcfg(1, MACS[1])]
const INTERFACES = [
  'mkdir /etc/network',
  'write /etc/network/interfaces:auto lo\niface lo inet loopback\nsource /etc/network/interfaces.d/*.cfg\n',
  'chmod 0644:/etc/network/interfaces',
  ...interfaces(0, MACS[0]),
  ...interfaces(1, MACS[1]),
]

describe('what goes into an image', () => {
  test.each([
    [undefined, BASE],
    ['cirros', BASE],
    ['fc30', BASE],
    ['constructor', BASE],
    ['el6', [...BASE, ...ISCSI, ...IFCFG]],
    ['el7', [...BASE, ...ISCSI, ...IFCFG, ...SERVICES, ...grub('/boot/grub2/grub.cfg')]],
    ['fc24', [...BASE, ...ISCSI, ...SERVICES, ...grub('/boot/grub2/grub.cfg')]],
    ['fc26', [...BASE, ...ISCSI, ...SERVICES, ...grub('/boot/grub2/grub.cfg')]],
    ['debian', [...BASE, ...INTERFACES, ...grub('/boot/grub/grub.cfg')]],
  ])('of %s', async (distro, expected) => {
    expect(readable(await sysprep(await makeBench(), { distro }))).toEqual(expected)
  })

  test('the key is for the user who logs in, too; a host key is root’s alone', async () => {
    const hostKey = { privateKey: '-----BEGIN\nsecret\n-----END\n', publicKey: 'ssh-ed25519 AAAA vm0' }
    const run = await sysprep(await makeBench(), { sshUser: 'cloud', hostKey })
    const file = '/etc/ssh/ssh_host_ed25519_key'
    expect(readable(run)).toEqual([
      ...BASE,
      `ssh-inject cloud:file:<${KEY}>`,
      'mkdir /etc/ssh',
      `write ${file}:-----BEGIN\nsecret\n-----END\n`,
      `chmod 0600:${file}`,
      'mkdir /etc/ssh',
      `write ${file}.pub:ssh-ed25519 AAAA vm0\n`,
      `chmod 0644:${file}.pub`,
    ])
  })

  test('a password comes from a file, and is seen nowhere', async () => {
    const bench = await makeBench()
    const run = await sysprep(bench, { rootPassword: PASSWORD })
    expect(readable(run)).toContain(`root-password file:<${PASSWORD}>`)
    const [file = ''] = Object.entries(run.files).find(([, content]) => content === `${PASSWORD}\n`) ?? []
    expect(file).not.toBe('')
    expect(bench.messages().join('\n')).not.toContain(PASSWORD)
  })

  test('the disk is named with its format, so that none is guessed', async () => {
    const bench = await makeBench()
    expect(await sysprep(bench)).toMatchObject({ tool: 'virt-sysprep', disk: bench.disk.path, format: 'qcow2' })
  })

  test.each([true, false])('the machine is emulated where KVM does not work; it does: %s', async (kvmWorks) => {
    expect(await sysprep(await makeBench(), {}, kvmWorks)).toMatchObject({ forcesTcg: !kvmWorks })
  })
})

describe('no file is left', () => {
  test('when all went well', async () => {
    const bench = await makeBench()
    const { files } = await sysprep(bench, { rootPassword: PASSWORD })
    expect(Object.keys(files)).toHaveLength(2)
    expect(await bench.left()).toEqual([])
  })

  test('when it failed', async () => {
    const bench = await makeBench({ fails: 'refuses' })
    await expect(sysprep(bench)).rejects.toMatchObject({ code: 'LAGO_BOOTSTRAP' })
    expect(await bench.left()).toEqual([])
  })

  test('when it was aborted, and the program is gone', async () => {
    const bench = await makeBench({ fails: 'hang' })
    const running = sysprep(bench)
    const pid = await bench.pid()
    bench.abort(new Error('enough'))
    await expect(running).rejects.toThrow('enough')
    expect(await bench.left()).toEqual([])
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })
})

describe('a failure', () => {
  test('is told with what the program complained of', async () => {
    const bench = await makeBench({ fails: 'refuses' })
    await expect(sysprep(bench)).rejects.toMatchObject({
      code: 'LAGO_BOOTSTRAP',
      message: `virt-sysprep could not prepare ${bench.disk.path} of vm0: ssh-inject: the user debian does not exist on the guest`,
      hint: expect.stringContaining('libguestfs-test-tool'),
      data: { vm: 'vm0', tool: 'virt-sysprep', exitCode: 1 },
    })
  })

  test('without a complaint is told with its last lines', async () => {
    const bench = await makeBench({ fails: 'crashes' })
    const message = expect.stringMatching(/of vm0: Fatal error: exception Out_of_memory$/)
    await expect(sysprep(bench)).rejects.toMatchObject({ code: 'LAGO_BOOTSTRAP', message })
  })

  test('for want of space is one of its own', async () => {
    await expect(sysprep(await makeBench({ fails: 'full' }))).rejects.toMatchObject({ code: 'LAGO_NO_SPACE' })
  })

  test('for want of a usable password comes before anything is run', async () => {
    const bench = await makeBench()
    const lines = { rootPassword: 'one\nroot:other' }
    await expect(sysprep(bench, lines)).rejects.toMatchObject({ code: 'LAGO_PASSWORD' })
    expect(await bench.runs()).toEqual([])
  })

  test('for want of the program names its package', async () => {
    await expect(sysprep(await makeBench('not installed'))).rejects.toMatchObject({
      code: 'LAGO_COMMAND_MISSING',
      message: 'the program "virt-sysprep" is not on this host',
      hint: 'install the package guestfs-tools (of Debian 12, of Fedora; earlier ones: libguestfs-tools)',
    })
  })

  test('for want of a place for the files is told with the place', async () => {
    const script = fileURLToPath(new URL('./try-sysprep.js', import.meta.url))
    const env = { ...process.env, TMPDIR: '/nonexistent' }
    const { stdout } = await promisify(execFile)(process.execPath, [script], { env })
    expect(stdout).toMatch(/^LAGO_FILE there is no such file or directory: \/nonexistent\/lago-guestfs-/)
  })
})
