import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { findBlockedDir, findQemuUser, type HostUser } from '../../../src/disk/access.js'
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

describe('findBlockedDir', () => {
  test('finds nothing where everybody may pass', async () => {
    const { imagePath } = await imageBelow(0o711, 0o755)
    expect(await findBlockedDir(imagePath, stranger)).toBeUndefined()
  })

  test('names the directory and the command that mends it', async () => {
    const { b, imagePath } = await imageBelow(0o755, 0o700)
    expect(await findBlockedDir(imagePath, stranger)).toEqual({ dir: b, command: `chmod o+x ${b}` })
  })

  test('names the topmost of several, and mends all at once', async () => {
    const { a, b, imagePath } = await imageBelow(0o750, 0o700)
    expect(await findBlockedDir(imagePath, stranger)).toEqual({ dir: a, command: `chmod o+x ${a} ${b}` })
  })

  test('lets a member of the group pass where the group may', async () => {
    const { imagePath } = await imageBelow(0o710, 0o710)
    expect(await findBlockedDir(imagePath, inMyGroup)).toBeUndefined()
  })

  test('lets the group be barred where all others may pass', async () => {
    const { a, imagePath } = await imageBelow(0o701, 0o701)
    expect(await findBlockedDir(imagePath, inMyGroup)).toMatchObject({ dir: a })
  })

  test('lets root pass everywhere', async () => {
    const { imagePath } = await imageBelow(0o700, 0o700)
    expect(await findBlockedDir(imagePath, { name: 'root', uid: 0, gids: [0] })).toBeUndefined()
  })

  test('looks behind links', async () => {
    const { b, imagePath } = await imageBelow(0o755, 0o700)
    const link = path.join(await tempDir(), 'link')
    await symlink(imagePath, link)
    expect(await findBlockedDir(link, stranger)).toMatchObject({ dir: b })
  })

  test('judges an image that is not there by its directories', async () => {
    const { b } = await imageBelow(0o755, 0o700)
    expect(await findBlockedDir(path.join(b, 'no', 'such'), stranger)).toMatchObject({ dir: b })
  })
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
