import { execFileSync } from 'node:child_process'
import { truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { lookAtImage, type ImageFacts, type SystemFacts } from '../../../src/bootstrap/image-facts.js'
import { debugfs, makeExtImage, partition } from '../../helpers/ext4-image.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { DEBIAN, DIRECTORY, makeTree, systemImage, type Tree } from '../../helpers/system-image.js'
import { useTempDirs } from '../../helpers/temp-dir.js'
import type { ImageRef } from '../../helpers/written-image.js'

const tempDir = useTempDirs()
const { task } = recordedTask()
const MIB = 1024 ** 2

async function factsOf(image: ImageRef): Promise<ImageFacts> {
  return lookAtImage(task, { ...image, rootPartition: undefined })
}

async function systemOf(tree: Tree): Promise<SystemFacts> {
  const facts = await factsOf(await systemImage(await tempDir(), tree))
  if (facts.rootFs === undefined) throw new Error(facts.why)
  return facts.system
}

/** Debian's, with some of it replaced or added. */
async function debianWith(tree: Tree): Promise<SystemFacts> {
  return systemOf({ ...DEBIAN, ...tree })
}

test('a Debian is known for what it is', async () => {
  expect(await factsOf(await systemImage(await tempDir(), DEBIAN))).toEqual({
    rootFs: { whyNotWritable: undefined },
    system: {
      os: { id: 'debian', version: '12' },
      init: { kind: 'systemd', version: 252 },
      cloudInit: 'absent',
      network: 'networkd',
      seLinux: 'none',
      hasGuestAgent: false,
      sshServer: 'openssh',
      mountPoints: [],
    },
  })
})

test('an empty one has no facts, and is no error', async () => {
  expect(await systemOf({})).toEqual({
    os: undefined,
    init: { kind: 'unknown' },
    cloudInit: 'absent',
    network: 'none',
    seLinux: 'none',
    hasGuestAgent: false,
    sshServer: undefined,
    mountPoints: [],
  })
})

const BUSYBOX: Tree = { '/bin/busybox': 'program', '/sbin/init': { to: '/bin/busybox' } }

const INITS: readonly (readonly [string, Tree, SystemFacts['init']])[] = [
  [
    'Fedora’s systemd',
    {
      '/usr/lib/systemd/systemd': 'x',
      '/sbin/init': { to: '../usr/lib/systemd/systemd' },
      '/usr/lib/systemd/libsystemd-shared-255.4-1.fc40.so': '',
    },
    { kind: 'systemd', version: 255 },
  ],
  [
    'a systemd of old',
    {
      '/lib/systemd/systemd': 'x',
      '/sbin/init': { to: '/lib/systemd/systemd' },
      '/lib/systemd/libsystemd-shared-99999.so': '',
    },
    { kind: 'systemd', version: undefined },
  ],
  [
    'sysvinit beside a systemd that is not used',
    { '/lib/systemd/systemd': 'x', '/sbin/init': 'another', '/etc/inittab': '' },
    { kind: 'sysvinit' },
  ],
  ['Alpine', { ...BUSYBOX, '/sbin/openrc': 'program', '/etc/inittab': '' }, { kind: 'openrc' }],
  ['busybox', BUSYBOX, { kind: 'busybox' }],
  [
    'EL 6',
    { '/sbin/init': 'program', '/sbin/initctl': 'program', '/etc/init/rc.conf': '', '/etc/inittab': '' },
    { kind: 'upstart' },
  ],
]

test.each(INITS)('init of %s', async (_, tree, init) => {
  expect((await systemOf(tree)).init).toEqual(init)
})

const CLOUD: Tree = {
  '/usr/bin/cloud-init': 'program',
  '/etc/systemd/system/cloud-init.target.wants/cloud-init.service': { to: '/lib/systemd/system/cloud-init.service' },
}

const CLOUD_INITS: readonly (readonly [string, Tree, SystemFacts['cloudInit']])[] = [
  ['enabled', CLOUD, 'enabled'],
  ['switched off by its file', { ...CLOUD, '/etc/cloud/cloud-init.disabled': '' }, 'disabled'],
  ['wanted by nobody', { '/usr/bin/cloud-init': 'program' }, 'disabled'],
  ['masked', { ...CLOUD, '/etc/systemd/system/cloud-init.service': { to: '/dev/null' } }, 'disabled'],
  ['told where to look', { ...CLOUD, '/etc/cloud/cloud.cfg': 'datasource_list: [ NoCloud, None ]\n' }, 'enabled'],
  ['told to look elsewhere', { ...CLOUD, '/etc/cloud/cloud.cfg': 'datasource_list: [ Ec2, None ]\n' }, 'other-sources'],
  [
    'told at last to look elsewhere, line by line',
    {
      ...CLOUD,
      '/etc/cloud/cloud.cfg': 'datasource_list: [ NoCloud ]\n',
      '/etc/cloud/cloud.cfg.d/90_dpkg.cfg':
        '# to update this file\ndatasource_list: # here\n  - Ec2\n  - GCE\nother: [ NoCloud ]\n',
      '/etc/cloud/cloud.cfg.d/99.disabled': 'datasource_list: [ NoCloud ]\n',
    },
    'other-sources',
  ],
  [
    'with a list on several lines',
    { ...CLOUD, '/etc/cloud/cloud.cfg': 'datasource_list: [\n Ec2,\n NoCloud\n]\n' },
    'enabled',
  ],
]

test.each(CLOUD_INITS)('cloud-init that is %s', async (_, tree, expected) => {
  expect((await debianWith(tree)).cloudInit).toBe(expected)
})

test('cloud-init of Alpine is started by a run level', async () => {
  const alpine = { ...BUSYBOX, '/sbin/openrc': 'program', '/usr/bin/cloud-init': 'program' }
  expect((await systemOf(alpine)).cloudInit).toBe('disabled')
  const started = { ...alpine, '/etc/runlevels/boot/cloud-init-local': { to: '/etc/init.d/cloud-init-local' } }
  expect((await systemOf(started)).cloudInit).toBe('enabled')
})

const WANTED = '/etc/systemd/system/multi-user.target.wants'
const STACKS: readonly (readonly [string, Tree, SystemFacts['network']])[] = [
  [
    'netplan, which writes for networkd',
    {
      '/usr/sbin/netplan': 'program',
      '/etc/netplan': DIRECTORY,
      [`${WANTED}/systemd-networkd.service`]: { to: '/lib/x' },
    },
    'netplan',
  ],
  [
    'networkd before an ifupdown that is there as well',
    {
      [`${WANTED}/systemd-networkd.service`]: { to: '/lib/x' },
      '/usr/sbin/ifup': 'program',
      '/etc/network': DIRECTORY,
    },
    'networkd',
  ],
  [
    'NetworkManager',
    { '/usr/sbin/NetworkManager': 'program', [`${WANTED}/NetworkManager.service`]: { to: '/lib/x' } },
    'NetworkManager',
  ],
  [
    'an ifupdown before a NetworkManager that is not started',
    { '/usr/sbin/NetworkManager': 'program', '/usr/sbin/ifup': 'program', '/etc/network': DIRECTORY },
    'ifupdown',
  ],
  ['the scripts of EL', { '/etc/init.d/network': 'script' }, 'ifcfg'],
  ['networkd, for want of another', {}, 'networkd'],
]

test.each(STACKS)('the network of Debian with %s', async (_, tree, network) => {
  expect((await debianWith(tree)).network).toBe(network)
})

test('the network of Alpine', async () => {
  const tree = { ...BUSYBOX, '/etc/network/interfaces': '' }
  expect((await systemOf({ ...tree, '/sbin/ifup': { to: '/bin/busybox' } })).network).toBe('busybox-ifup')
  expect((await systemOf({ ...tree, '/sbin/ifup': { to: 'ifupdown' }, '/sbin/ifupdown': 'x' })).network).toBe(
    'busybox-ifup',
  )
})

const SE_LINUX = [
  ['SELINUX=enforcing\nSELINUXTYPE=targeted\n', 'enforcing'],
  ['# SELINUX=disabled\nSELINUX=permissive\n', 'permissive'],
  ['SELINUX=disabled\n', 'off'],
  ['SELINUXTYPE=targeted\n', 'enforcing'],
] as const

test.each(SE_LINUX)('SELinux with %j', async (config, expected) => {
  expect((await systemOf({ '/etc/selinux/config': config })).seLinux).toBe(expected)
})

test('agent, dropbear, other file systems, and texts of a hostile image', async () => {
  const found = await systemOf({
    '/usr/sbin/qemu-ga': 'program',
    '/usr/sbin/dropbear': 'program',
    '/etc/os-release': `ID='odd\x1b[31m${'x'.repeat(500)}'\n`,
    '/etc/fstab':
      '# /dev/vda2 /commented ext4\nUUID=1 / ext4 defaults 0 1\n/dev/vdb1\t/home/ ext4 defaults\n/dev/vdc /mnt/my\\040data xfs\n' +
      'LABEL=x /media/x auto rw,noauto 0 0\n/dev/vdd none swap sw\nodd // ext4\n/dev/vde /\x1b[2Jx ext4\n',
  })
  expect(found.hasGuestAgent).toBe(true)
  expect(found.sshServer).toBe('dropbear')
  expect(found.os?.id).toHaveLength(100)
  expect(found.os?.id).toMatch(/^oddx+$/)
  expect(found.mountPoints).toEqual(['/home', '/mnt/my data', '/x'])
})

describe('what cannot be read is a fact, not an error', () => {
  test('other file systems are named', async () => {
    const dir = await tempDir()
    const disk = path.join(dir, 'disk')
    await writeFile(disk, '')
    await truncate(disk, 64 * MIB)
    partition(disk, 'label: dos\nstart=1MiB, size=8MiB\nstart=10MiB, size=20MiB\nstart=40MiB, size=8MiB\n')
    const put = (offset: number, input: string): void =>
      void execFileSync('dd', [`of=${disk}`, `seek=${offset}`, 'oflag=seek_bytes', 'conv=notrunc', 'status=none'], {
        input,
      })
    put(10 * MIB, 'XFSB')
    put(40 * MIB + 512 + 24, 'LVM2 001')
    const why = 'there is no ext2, ext3 or ext4 with an /etc on it, but LVM, xfs'
    expect(await factsOf({ path: disk, format: 'raw' })).toEqual({ rootFs: undefined, why, contents: ['LVM', 'xfs'] })
  })

  test('an empty disk', async () => {
    const dir = await tempDir()
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path.join(dir, 'disk'), '1M'])
    const why = 'there is no ext2, ext3 or ext4 with an /etc on it'
    expect(await factsOf({ path: path.join(dir, 'disk'), format: 'qcow2' })).toEqual({
      rootFs: undefined,
      why,
      contents: [],
    })
  })

  test('a damaged one, and a file without end', async () => {
    const dir = await tempDir()
    const image = await systemImage(dir, DEBIAN)
    debugfs(path.join(dir, 'base'), ['sif /etc/passwd block[2] 0xfffffff', 'sif /etc/os-release size 0xffffffff'])
    const why = expect.stringMatching(/too large: \d+ bytes|damaged/)
    expect(await factsOf(image)).toEqual({ rootFs: undefined, why, contents: ['ext'] })
  })
})

test('one that is not to be written to says why', async () => {
  const dir = await tempDir()
  const image = await systemImage(dir, DEBIAN)
  debugfs(path.join(dir, 'base'), ['ssv state 0'])
  expect(await factsOf(image)).toMatchObject({ rootFs: { whyNotWritable: 'it was not cleanly unmounted' } })
})

test('the partition that the metadata names is the one that is looked at', async () => {
  const dir = await tempDir()
  await makeTree(path.join(dir, 'one'), { '/etc/os-release': 'ID=one\n' })
  await makeTree(path.join(dir, 'two'), { '/etc/os-release': 'ID=two\n' })
  const disk = await makeExtImage(path.join(dir, 'disk'), {
    fromDir: path.join(dir, 'one'),
    sizeMiB: 16,
    offsetBytes: MIB,
  })
  const other = await makeExtImage(path.join(dir, 'other'), { fromDir: path.join(dir, 'two'), sizeMiB: 16 })
  execFileSync('dd', [`if=${other}`, `of=${disk}`, 'bs=1M', 'seek=20', 'conv=notrunc', 'status=none'])
  partition(disk, 'label: dos\nstart=1MiB, size=16MiB\nstart=20MiB, size=16MiB\n')
  const facts = await lookAtImage(task, { path: disk, format: 'raw', rootPartition: '/dev/sda2' })
  expect(facts).toMatchObject({ system: { os: { id: 'two' } } })
})

test('an image that is no image is an error', async () => {
  const place = path.join(await tempDir(), 'none')
  await expect(factsOf({ path: place, format: 'qcow2' })).rejects.toMatchObject({ code: 'LAGO_DISK_UNREADABLE' })
})
