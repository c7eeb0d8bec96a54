import { execFileSync } from 'node:child_process'
import { chmod, mkdir, stat, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { findProgram } from '../../../src/base/process.js'
import { findBlockedDir, findQemuUser, hostUser, letPass, type HostUser } from '../../../src/disk/access.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const me = os.userInfo()
const stranger: HostUser = { name: 'qemu', uid: 4_000_001, gids: [4_000_001] }
const inMyGroup: HostUser = { ...stranger, gids: [4_000_001, me.gid] }

/** dir/a/b/disk.qcow2; modes of a and b as given. */
async function imageBelow(modeA: number, modeB: number): Promise<{ a: string; b: string; imagePath: string }> {
  const dir = await tempDir()
  await chmod(dir, 0o755)
  const [a, b] = [path.join(dir, 'a'), path.join(dir, 'a', 'b')]
  await mkdir(b, { recursive: true })
  const imagePath = path.join(b, 'disk.qcow2')
  await writeFile(imagePath, '')
  await chmod(b, modeB)
  await chmod(a, modeA)
  return { a, b, imagePath }
}

async function blockedDir(imagePath: string, user: HostUser): ReturnType<typeof findBlockedDir> {
  return findBlockedDir(recordedTask().task, imagePath, user)
}

describe('findBlockedDir', () => {
  test('finds nothing where everybody may pass', async () => {
    const { imagePath } = await imageBelow(0o711, 0o755)
    expect(await blockedDir(imagePath, stranger)).toBeUndefined()
  })

  test('names the directory and the command that mends it', async () => {
    const { b, imagePath } = await imageBelow(0o755, 0o700)
    expect(await blockedDir(imagePath, stranger)).toEqual({ dir: b, command: `chmod o+x ${b}` })
  })

  test('names the topmost of several, and mends all at once', async () => {
    const { a, b, imagePath } = await imageBelow(0o750, 0o700)
    expect(await blockedDir(imagePath, stranger)).toEqual({ dir: a, command: `chmod o+x ${a} ${b}` })
  })

  test('lets a member of the group pass where the group may', async () => {
    const { imagePath } = await imageBelow(0o710, 0o710)
    expect(await blockedDir(imagePath, inMyGroup)).toBeUndefined()
  })

  test('lets the group be barred where all others may pass', async () => {
    const { a, imagePath } = await imageBelow(0o701, 0o701)
    expect(await blockedDir(imagePath, inMyGroup)).toMatchObject({ dir: a })
  })

  test('lets root pass everywhere', async () => {
    const { imagePath } = await imageBelow(0o700, 0o700)
    expect(await blockedDir(imagePath, { name: 'root', uid: 0, gids: [0] })).toBeUndefined()
  })

  test('looks behind links', async () => {
    const { b, imagePath } = await imageBelow(0o755, 0o700)
    const link = path.join(await tempDir(), 'link')
    await symlink(imagePath, link)
    expect(await blockedDir(link, stranger)).toMatchObject({ dir: b })
  })

  test('judges an image that is not there by its directories', async () => {
    const { b } = await imageBelow(0o755, 0o700)
    expect(await blockedDir(path.join(b, 'no', 'such'), stranger)).toMatchObject({ dir: b })
  })
})

const hasAcl = (await findProgram('setfacl')) !== undefined

describe('letPass', () => {
  const { PATH } = process.env
  const isRoot = process.geteuid?.() === 0
  afterEach(() => void (process.env['PATH'] = PATH))

  const modeOf = async (dir: string): Promise<number> => (await stat(dir)).mode & 0o7777

  /** As on a host without the package acl. */
  const withoutAcl = async (): Promise<string> => (process.env['PATH'] = await tempDir())

  const rightsIn = (dir: string): string[] =>
    execFileSync('getfacl', ['-cpn', '--', dir], { encoding: 'utf8' }).trim().split('\n')

  const ifAcl = hasAcl ? test : test.skip // the package acl; ./scripts/test installs it
  ifAcl('lets the one user through by an ACL, to whom it is no news the second time', async () => {
    const { b, imagePath } = await imageBelow(0o755, 0o700)
    const { task, messages } = recordedTask()
    for (const round of ['first', 'second']) {
      await letPass(task, b, stranger)
      expect([round, rightsIn(b)]).toEqual([
        round,
        ['user::rwx', `user:${stranger.uid}:--x`, 'group::---', 'mask::--x', 'other::---'],
      ])
    }
    expect(messages().filter((text) => text.includes('setfacl'))).toEqual([
      `run: setfacl -m u:${stranger.uid}:--x -- ${b}`,
    ])
    expect(await blockedDir(imagePath, stranger)).toBeUndefined()
    expect(await blockedDir(imagePath, { ...stranger, uid: stranger.uid + 1 })).toMatchObject({ dir: b })
  })

  ifAcl('an ACL whose mask takes the right away lets nobody in, until it is given anew', async () => {
    const { b, imagePath } = await imageBelow(0o755, 0o700)
    await letPass(recordedTask().task, b, stranger)
    await chmod(b, 0o700) // which sets the mask
    expect(await blockedDir(imagePath, stranger)).toMatchObject({ dir: b })
    await letPass(recordedTask().task, b, stranger)
    expect(await blockedDir(imagePath, stranger)).toBeUndefined()
  })

  const asRoot = isRoot ? test : test.skip // nobody else may give a directory to a group of others
  asRoot('without ACLs the directory is given to the group, and others stay out', async () => {
    const { b, imagePath } = await imageBelow(0o755, 0o700)
    await withoutAcl()
    await letPass(recordedTask().task, b, stranger)
    expect(await modeOf(b)).toBe(0o710)
    expect(await stat(b)).toMatchObject({ uid: me.uid, gid: stranger.gids[0] })
    expect(await blockedDir(imagePath, stranger)).toBeUndefined()
  })

  test('a group that has rights to the directory keeps them: then everybody may pass, and nobody list or write', async () => {
    const { b, imagePath } = await imageBelow(0o755, 0o750)
    await withoutAcl()
    await letPass(recordedTask().task, b, stranger)
    expect(await modeOf(b)).toBe(0o751)
    expect(await stat(b)).toMatchObject({ gid: me.gid })
    expect(await blockedDir(imagePath, stranger)).toBeUndefined()
  })

  test.each(['755', '711'])('where everybody may pass (%s) nothing is changed and no program is run', async (octal) => {
    const mode = Number.parseInt(octal, 8)
    const { b } = await imageBelow(0o755, mode)
    const { task, messages } = recordedTask()
    await withoutAcl()
    await letPass(task, b, stranger)
    expect(await modeOf(b)).toBe(mode)
    expect(messages().filter((text) => text.includes('setfacl'))).toEqual([])
  })
})

test("hostUser gives a user by its number, with the label's group first and the tables' behind it", async () => {
  const dir = await tempDir()
  const paths = [path.join(dir, 'passwd'), path.join(dir, 'group')] as const
  await writeFile(paths[0], 'root:x:0:0::/root:/bin/sh\nlibvirt-qemu:x:64055:107::/var/lib/libvirt:/bin/false\n')
  await writeFile(paths[1], 'kvm:x:107:\nlibvirt-qemu:x:64055:libvirt-qemu\nother:x:7:root\n')
  expect(await hostUser({ uid: 64055, gid: 64055 }, ...paths)).toEqual({
    name: 'libvirt-qemu',
    uid: 64055,
    gids: [64055, 107],
  })
  expect(await hostUser({ uid: 77, gid: 78 }, ...paths)).toEqual({ name: '77', uid: 77, gids: [78] })
})

describe('findQemuUser', () => {
  async function tables(passwd: string, group: string): Promise<[string, string]> {
    const dir = await tempDir()
    const paths: [string, string] = [path.join(dir, 'passwd'), path.join(dir, 'group')]
    await writeFile(paths[0], passwd)
    await writeFile(paths[1], group)
    return paths
  }

  test.each([
    [
      'Debian',
      'root:x:0:0::/root:/bin/sh\nlibvirt-qemu:x:64055:107:Libvirt Qemu,,,:/var/lib/libvirt:/bin/false\n',
      'libvirt-qemu',
      64055,
    ],
    ['Fedora', 'root:x:0:0::/root:/bin/sh\nqemu:x:107:107:qemu user:/:/sbin/nologin\n', 'qemu', 107],
  ])('knows %s’s, with its groups', async (_, passwd, name, uid) => {
    const paths = await tables(passwd, `kvm:x:107:\ndisk:x:6:me,${name}\nother:x:7:x${name}\n`)
    expect(await findQemuUser(...paths)).toEqual({ name, uid, gids: [107, 6] })
  })

  test('is undefined on a host without one', async () => {
    expect(await findQemuUser(...(await tables('root:x:0:0::/root:/bin/sh\n', '')))).toBeUndefined()
  })
})
