/** Who may do what: groups, directories, the way to the disks, SELinux and AppArmor. */
import { chmod, mkdir } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { apparmor, selinux } from '../../../src/doctor/confinement.js'
import { leaseDir, storeDir } from '../../../src/doctor/directories.js'
import { groups } from '../../../src/doctor/groups.js'
import { findGuestUser } from '../../../src/doctor/guest-user.js'
import { qemuReach, reachFinding } from '../../../src/doctor/reach.js'
import { realFiles } from '../../../src/doctor/real-facts.js'
import {
  capabilitiesXml,
  DEBIAN,
  findingOf,
  GROUP,
  hostFacts,
  PASSWD,
  USER,
  type GivenHost,
} from '../../helpers/host-facts.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
type Answers = NonNullable<GivenHost['answers']>
const { task } = recordedTask()

describe('groups', () => {
  const given = (gids: readonly number[], members = ''): GivenHost => ({
    me: { ...USER, gids },
    files: { '/etc/group': `root:x:0:\nlibvirt:x:110:${members}\nkvm:x:107:ann\n` },
    stats: { '/dev/kvm': { mode: 0o660 } },
  })

  test.each([
    ['all are there', given([1000, 110, 107]), 'ok', 'ann is in libvirt, kvm', undefined],
    ['entered after the login', given([1000, 110]), 'warning', 'but not in this login', 'newgrp kvm'],
    [
      'not a member',
      given([1000, 107]),
      'failed',
      'ann is not in libvirt (its socket); log in again',
      'sudo usermod -aG libvirt ann',
    ],
    ['root', { me: { uid: 0 } }, 'ok', 'root needs none', undefined],
    ['no such groups', { me: USER }, 'warning', 'there is none of the groups', undefined],
  ] as const)('%s', async (_name, host, outcome, reason, command) => {
    const { remedy, ...finding } = await findingOf(groups, host)
    expect(finding).toMatchObject({ outcome, reason: expect.stringContaining(reason) })
    expect(remedy?.command).toBe(command)
  })

  test('a device that all may open needs no group, and a missing group of less weight is a warning', async () => {
    const open = { ...given([1000, 110]), stats: { '/dev/kvm': { mode: 0o666 } } }
    expect(await findingOf(groups, open)).toMatchObject({ outcome: 'ok' })
    const files = { '/etc/group': `${GROUP}lago:x:990:\n` }
    const member = { ...USER, gids: [1000, 107, 110] }
    expect(await findingOf(groups, { me: member, files })).toMatchObject({
      outcome: 'warning',
      remedy: { command: 'sudo usermod -aG lago ann' },
    })
  })
})

describe("qemu's user", () => {
  const files = { '/etc/passwd': PASSWD, '/etc/group': GROUP }

  test('is the one that libvirt tells, else the one that distributions have', async () => {
    const told = capabilitiesXml().replaceAll('64055', '1000')
    expect(await findGuestUser(task, hostFacts({ files, capabilities: told }))).toEqual({
      name: 'ann',
      uid: 1000,
      gids: [1000],
    })
    expect(await findGuestUser(task, hostFacts({ files }))).toEqual({
      name: 'libvirt-qemu',
      uid: 64055,
      gids: [107, 64055],
    })
    expect(await findGuestUser(task, hostFacts({ capabilities: capabilitiesXml() }))).toEqual({
      name: 'uid 64055',
      uid: 64055,
      gids: [64055],
    })
    expect(await findGuestUser(task, hostFacts({}))).toBeUndefined()
  })

  test("is the user with a session's libvirt, and not of this host with one elsewhere", async () => {
    const uri = (libvirtUri: string): GivenHost => ({ files, me: USER, settings: { libvirtUri } })
    expect(await findGuestUser(task, hostFacts(uri('qemu:///session')))).toEqual(USER)
    for (const elsewhere of ['qemu+ssh://far/system', 'test:///default'])
      expect(await findGuestUser(task, hostFacts(uri(elsewhere)))).toBeUndefined()
    expect(await findingOf(qemuReach, uri('test:///default'))).toMatchObject({ outcome: 'warning' })
    expect(await findingOf(groups, { ...uri('qemu:///session'), files: { '/etc/group': GROUP } })).toMatchObject({
      reason: expect.not.stringContaining('libvirt'),
    })
  })
})

describe('qemu-access', () => {
  const files = { '/etc/passwd': PASSWD, '/etc/group': GROUP }
  const closed = { '/home': {}, '/home/ann': { uid: 1000, gid: 1000, mode: 0o040700 }, '/home/ann/env': { uid: 1000 } }
  const given: GivenHost = { files, stats: closed, me: USER, capabilities: capabilitiesXml() }
  const dirs = ['/home/ann/env/.lago']
  const getfacl = (acl: string): Answers => ({
    'getfacl --omit-header --numeric --absolute-names /home/ann': { stdout: acl },
  })

  test('names the directory that blocks, and lets only that user through', async () => {
    expect(
      await findingOf(qemuReach, { ...given, answers: getfacl('user::rwx\n'), programs: ['setfacl'] }, { dirs }),
    ).toEqual({
      outcome: 'failed',
      reason: 'libvirt-qemu cannot enter /home/ann on the way to /home/ann/env/.lago and /var/lib/lago/store',
      remedy: {
        command: 'setfacl -m u:libvirt-qemu:x /home/ann',
        safe: [['setfacl', '-m', 'u:libvirt-qemu:x', '/home/ann']],
      },
    })
  })

  test('without setfacl the directory is opened to all, which --fix does not do', async () => {
    const answers = { 'ls -ld /home/ann': { stdout: 'drwx------ 2 ann ann 4096 /home/ann\n' } }
    const { remedy } = await findingOf(qemuReach, { ...given, answers }, { dirs })
    expect(remedy).toEqual({ command: 'chmod o+x /home/ann' })
    const roots = { ...given, answers, stats: { ...closed, '/home/ann': { mode: 0o040700 } } }
    expect((await findingOf(qemuReach, roots, { dirs })).remedy).toEqual({ command: 'sudo chmod o+x /home/ann' })
  })

  test('names of directories are quoted as a shell wants them', async () => {
    const odd = "/srv/it's; $(reboot)"
    const host = { ...given, stats: { [odd]: { uid: 1000, mode: 0o040700 } }, programs: ['setfacl'] }
    const answers = { [`ls -ld ${odd}`]: { stdout: 'drwx------ 2 ann' } }
    expect((await findingOf(qemuReach, { ...host, answers }, { dirs: [odd] })).remedy?.command).toBe(
      `setfacl -m u:libvirt-qemu:x '/srv/it'\\''s; $(reboot)'`,
    )
  })

  test.each([
    ['an entry for the user', 'user::rwx\nuser:64055:--x\ngroup::---\nmask::--x\nother::---\n', 'ok'],
    [
      'an entry that the mask takes away',
      'user::rwx\nuser:64055:--x\t#effective:---\ngroup::---\nmask::---\n',
      'failed',
    ],
    ['an entry without the right', 'user::rwx\nuser:64055:r--\ngroup:107:--x\nmask::r-x\n', 'failed'],
    ['an entry for its group', 'user::rwx\ngroup::---\ngroup:107:--x\nmask::--x\n', 'ok'],
    ['an entry for another', 'user::rwx\nuser:1001:--x\ngroup::---\nmask::--x\n', 'failed'],
  ])('by an ACL: %s', async (_name, acl, outcome) => {
    expect(await findingOf(qemuReach, { ...given, answers: getfacl(acl) }, { dirs })).toMatchObject({ outcome })
  })

  test('an ACL that cannot be read proves nothing', async () => {
    const answers = { 'ls -ld /home/ann': { stdout: 'drwx--x---+ 2 ann ann 4096 /home/ann\n' } }
    const host = { ...given, files: { ...files, '/etc/os-release': DEBIAN }, answers }
    expect(await findingOf(qemuReach, host, { dirs })).toMatchObject({
      outcome: 'warning',
      reason: 'cannot be told: /home/ann has an ACL, and there is no getfacl',
      remedy: { command: 'sudo apt-get install --yes acl' },
    })
  })

  test('is given where all or its group may pass, and to root', async () => {
    for (const entry of [{ mode: 0o040711 }, { mode: 0o040710, gid: 107 }, { mode: 0o040100, uid: 64055 }])
      expect(
        await findingOf(qemuReach, { ...given, stats: { ...closed, '/home/ann': entry } }, { dirs }),
      ).toMatchObject({
        outcome: 'ok',
      })
    const rootly = { ...given, capabilities: capabilitiesXml().replaceAll('64055', '0') }
    expect(await findingOf(qemuReach, rootly, { dirs })).toMatchObject({ outcome: 'ok' })
  })

  test('on real directories, as the kernel sees it', async () => {
    const dir = path.join(await makeTempDir(), 'closed')
    await mkdir(dir, { mode: 0o700 })
    await chmod(path.dirname(dir), 0o711)
    const stranger = { name: 'qemu', uid: 4_000_001, gids: [4_000_001] }
    expect(await reachFinding(task, realFiles(), stranger, [path.join(dir, 'images')])).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining(`qemu cannot enter ${dir} `),
    })
    await chmod(dir, 0o711)
    expect(await reachFinding(task, realFiles(), stranger, [path.join(dir, 'images')])).toMatchObject({ outcome: 'ok' })
    expect(realFiles().me).toMatchObject({ uid: os.userInfo().uid })
  })
})

describe('store-dir and lease-dir', () => {
  const store = '/var/lib/lago/store'
  test('are there, or are made when they are needed', async () => {
    expect(await findingOf(storeDir, { stats: { [store]: {} } })).toMatchObject({ outcome: 'ok' })
    expect(
      await findingOf(leaseDir, { me: USER, stats: { '/var/lib/lago': {} }, writable: ['/var/lib/lago'] }),
    ).toMatchObject({
      outcome: 'ok',
      reason: expect.stringContaining('is made when it is needed'),
    })
  })

  test('that cannot be made are made by root, for the user', async () => {
    expect(await findingOf(storeDir, { me: USER })).toMatchObject({
      outcome: 'failed',
      remedy: {
        command: `sudo install -d -o ann -m 755 ${store}`,
        safe: [['sudo', '-n', 'install', '-d', '-o', 'ann', '-m', '755', store]],
      },
    })
  })

  test('that may only be read: templates can be used, leases cannot be had', async () => {
    const stats = { [store]: {}, '/var/lib/lago/subnets': { gid: 990, mode: 0o042775 } }
    const files = { '/etc/group': 'lago:x:990:\n' }
    expect(await findingOf(storeDir, { me: USER, stats })).toMatchObject({
      outcome: 'warning',
      reason: `ann may not write to ${store}: templates that are not in it cannot be fetched`,
    })
    expect(await findingOf(leaseDir, { me: USER, stats, files })).toMatchObject({
      outcome: 'failed',
      reason: 'ann may not write to /var/lib/lago/subnets: no network can be made',
      remedy: { command: 'sudo usermod -aG lago ann' },
    })
  })

  test("that are nobody else's to share get an entry for the user, with the program for it", async () => {
    const given = { me: USER, stats: { [store]: {} } }
    const entry = `sudo setfacl -m u:ann:rwx ${store}`
    expect((await findingOf(storeDir, { ...given, programs: ['setfacl'] })).remedy?.command).toBe(entry)
    expect((await findingOf(storeDir, given)).remedy?.command).toBe(entry)
    const debian = { ...given, files: { '/etc/os-release': DEBIAN } }
    expect((await findingOf(storeDir, debian)).remedy?.command).toBe(`sudo apt-get install --yes acl && ${entry}`)
  })

  test('that everybody may write to are a warning, unless they are sticky', async () => {
    const open = { stats: { [store]: { mode: 0o040777 } } }
    expect(await findingOf(storeDir, open)).toMatchObject({
      outcome: 'warning',
      remedy: { command: `chmod o-w ${store}` },
    })
    expect(await findingOf(storeDir, { stats: { [store]: { mode: 0o041777 } } })).toMatchObject({ outcome: 'ok' })
  })

  test('a file in the way is told', async () => {
    expect(await findingOf(storeDir, { files: { [store]: '' } })).toMatchObject({
      outcome: 'failed',
      reason: `${store} is not a directory`,
    })
  })
})

describe('selinux', () => {
  const enforce = (value: string, capabilities?: string): GivenHost => ({
    files: { '/sys/fs/selinux/enforce': value },
    ...(capabilities === undefined ? {} : { capabilities }),
  })
  test.each([
    ['not on', {}, 'ok', 'not on'],
    ['permissive', enforce('0'), 'ok', 'permissive'],
    ['enforcing, with labels', enforce('1', capabilitiesXml(['selinux'])), 'warning', 'libvirt labels disks'],
    ['enforcing, without labels', enforce('1', capabilitiesXml()), 'failed', 'qemu will be refused'],
    ['enforcing, without libvirt', enforce('1'), 'warning', 'libvirt does not tell'],
  ] as const)('%s', async (_name, given, outcome, reason) => {
    expect(await findingOf(selinux, given)).toMatchObject({ outcome, reason: expect.stringContaining(reason) })
  })
})

describe('apparmor', () => {
  const enabled = (capabilities?: string): GivenHost => ({
    files: { '/sys/module/apparmor/parameters/enabled': 'Y\n' },
    ...(capabilities === undefined ? {} : { capabilities }),
    settings: { storeDir: '/srv/store' },
  })
  const confined = enabled(capabilitiesXml(['apparmor']))

  test('confines guests, whose disks its helper can read', async () => {
    expect(await findingOf(apparmor, {})).toMatchObject({ outcome: 'ok', reason: expect.stringContaining('not on') })
    expect(await findingOf(apparmor, enabled(capabilitiesXml()))).toMatchObject({ outcome: 'ok' })
    expect(await findingOf(apparmor, confined)).toMatchObject({ outcome: 'ok' })
  })

  test('is told of directories that its helper does not know', async () => {
    expect(await findingOf(apparmor, { ...confined, me: USER }, { dirs: ['/data/env'] })).toMatchObject({
      outcome: 'warning',
      reason: expect.stringContaining('/data/env'),
      remedy: {
        command:
          "echo '  /data/env/** rk,' | sudo tee -a /etc/apparmor.d/local/usr.lib.libvirt.virt-aa-helper && " +
          'sudo systemctl reload apparmor',
      },
    })
  })

  test('is not vouched for when libvirt does not tell', async () => {
    expect(await findingOf(apparmor, enabled())).toMatchObject({ outcome: 'warning' })
  })
})
