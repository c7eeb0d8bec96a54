import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { acquireLock } from '../../../src/base/lock.js'
import { openSubnetLeases } from '../../../src/lease/subnet-leases.js'
import type { LeaseOwner, SubnetLeases } from '../../../src/lease/types.js'
import { startScript } from '../../helpers/child-script.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const { task } = recordedTask()

/** An empty lease directory, and prefixes that can lease from it. */
async function setUp(): Promise<{ dir: string; leases: SubnetLeases; prefix(name: string): Promise<LeaseOwner> }> {
  const root = await tempDir()
  const dir = path.join(root, 'subnets')
  return {
    dir,
    leases: openSubnetLeases(dir, { isUsedByHost: () => false }),
    async prefix(name) {
      const uuidPath = path.join(root, name, 'uuid')
      await mkdir(path.dirname(uuidPath))
      const uuid = Buffer.from(name).toString('hex').padEnd(32, '0')
      await writeFile(uuidPath, uuid)
      return { uuidPath, uuid }
    },
  }
}

describe('acquire', () => {
  test('gives the lowest free subnet, in upstream’s file', async () => {
    const { dir, leases, prefix } = await setUp()
    const owner = await prefix('a')
    expect(await leases.acquire(task, owner)).toEqual({ cidr: '192.168.200.0/24', gateway: '192.168.200.1', owner })
    expect(JSON.parse(await readFile(path.join(dir, '200.lease'), 'utf8'))).toEqual([owner.uuidPath, owner.uuid])
    expect((await readdir(dir)).sort()).toEqual(['200.lease', 'subnet-lease.lock'])
  })

  test('gives one prefix as many subnets as it asks for', async () => {
    const { leases, prefix } = await setUp()
    const owner = await prefix('a')
    await leases.acquire(task, owner)
    expect(await leases.acquire(task, owner)).toMatchObject({ cidr: '192.168.201.0/24' })
  })

  test('fifty processes at once get fifty different subnets', async () => {
    const { dir, leases, prefix } = await setUp()
    const owners = await Promise.all(Array.from({ length: 50 }, async (_, i) => prefix(`p${i}`)))
    const script = new URL('./acquire-child.js', import.meta.url)
    const children = owners.map((owner) => startScript(script, [dir, owner.uuidPath]))
    const cidrs = await Promise.all(children.map(async (child) => child.nextLine()))
    expect(new Set(cidrs)).toEqual(new Set(Array.from({ length: 50 }, (_, i) => `192.168.${200 + i}.0/24`)))
    expect(await leases.list(task)).toHaveLength(50)
  }, 60_000)

  test.each(['192.168.210.1', '192.168.210.0', '192.168.210.0/24', '192.168.210.77/24'])(
    'takes %s when asked',
    async (want) => {
      const { leases, prefix } = await setUp()
      expect(await leases.acquire(task, await prefix('a'), want)).toMatchObject({ gateway: '192.168.210.1' })
    },
  )

  test('of a subnet that another prefix has says who has it', async () => {
    const { leases, prefix } = await setUp()
    const holder = await prefix('a')
    await leases.acquire(task, holder, '192.168.200.1')
    await expect(leases.acquire(task, await prefix('b'), '192.168.200.1')).rejects.toMatchObject({
      code: 'LAGO_SUBNET_TAKEN',
      message: `Can't acquire subnet 192.168.200.0/24, already taken by ${holder.uuidPath}`,
      hint: expect.stringContaining(path.dirname(holder.uuidPath)),
    })
  })

  test('gives a prefix its own subnet again, also when its network is up', async () => {
    const { dir, leases, prefix } = await setUp()
    const owner = await prefix('a')
    await leases.acquire(task, owner, '192.168.200.1')
    const whenUp = openSubnetLeases(dir, { isUsedByHost: () => true })
    expect(await whenUp.acquire(task, owner, '192.168.200.1')).toMatchObject({ cidr: '192.168.200.0/24' })
  })

  test.each([
    [
      '192.168.199.1',
      'Subnet 192.168.199.1/24 is not valid. Subnet should be in the range 192.168.200.0/24 - 192.168.255.0/24.',
    ],
    [
      '10.0.200.1',
      'Subnet 10.0.200.1/24 is not valid. Subnet should be in the range 192.168.200.0/24 - 192.168.255.0/24.',
    ],
    [
      '192.168.200.0/16',
      'Subnet 192.168.200.0/16 is not valid. Subnet should be in the range 192.168.200.0/24 - 192.168.255.0/24.',
    ],
    ['192.168.200', 'Address 192.168.200 is not a valid ip address'],
    ['192.168.200.1/x', 'Address 192.168.200.1/x is not a valid ip address'],
    ['192.168.256.1', 'Address 192.168.256.1 is not a valid ip address'],
    ['None', 'Address None is not a valid ip address'],
    ['', 'Address  is not a valid ip address'],
  ])('refuses %j and makes nothing', async (want, message) => {
    const { dir, leases, prefix } = await setUp()
    const refused = leases.acquire(task, await prefix('a'), want)
    await expect(refused).rejects.toMatchObject({ code: 'LAGO_SUBNET_RANGE', message })
    expect(existsSync(dir)).toBe(false)
  })

  test('reaches both ends of the range', async () => {
    const { leases, prefix } = await setUp()
    const owner = await prefix('a')
    expect(await leases.acquire(task, owner, '192.168.200.1')).toMatchObject({ gateway: '192.168.200.1' })
    expect(await leases.acquire(task, owner, '192.168.255.1')).toMatchObject({ gateway: '192.168.255.1' })
  })

  test('of a full range says how many are held and by whom', async () => {
    const { leases, prefix } = await setUp()
    for (const name of ['a', 'b', 'c', 'd']) {
      const owner = await prefix(name)
      for (let i = 0; i < 14; i++) await leases.acquire(task, owner)
    }
    await expect(leases.acquire(task, await prefix('e'))).rejects.toMatchObject({
      code: 'LAGO_SUBNETS_EXHAUSTED',
      message: expect.stringMatching(
        /^Can't acquire subnet from range 192\.168\.200\.0\/24 - 192\.168\.255\.0\/24: 56 are leased \(by \S+\/a, \S+\/b, \S+\/c and 1 more\), 0 are used by this host itself$/,
      ),
      hint: expect.stringContaining('lago destroy'),
    })
  })

  test('passes over what the host uses, and refuses it when asked for', async () => {
    const { dir, prefix } = await setUp()
    const leases = openSubnetLeases(dir, { isUsedByHost: (cidr) => cidr === '192.168.200.0/24' })
    const owner = await prefix('a')
    expect(await leases.acquire(task, owner)).toMatchObject({ cidr: '192.168.201.0/24' })
    await expect(leases.acquire(task, owner, '192.168.200.1')).rejects.toMatchObject({
      code: 'LAGO_SUBNET_TAKEN',
      message: "Can't acquire subnet 192.168.200.0/24, this host has a route to it",
    })
  })
})

describe('a stale lease is reclaimed', () => {
  test.each([
    ['its uuid file is gone', async (owner: LeaseOwner) => rm(owner.uuidPath)],
    ['its prefix is gone', async (owner: LeaseOwner) => rm(path.dirname(owner.uuidPath), { recursive: true })],
    ['its uuid file says otherwise', async (owner: LeaseOwner) => writeFile(owner.uuidPath, 'f'.repeat(32))],
    [
      'its prefix is a file now',
      async (owner: LeaseOwner) => {
        await rm(path.dirname(owner.uuidPath), { recursive: true })
        await writeFile(path.dirname(owner.uuidPath), '')
      },
    ],
  ])('when %s', async (_, makeStale) => {
    const { leases, prefix } = await setUp()
    const owner = await prefix('a')
    await leases.acquire(task, owner)
    await makeStale(owner)
    expect(await leases.list(task)).toEqual([])
    expect(await leases.acquire(task, await prefix('b'))).toMatchObject({ cidr: '192.168.200.0/24' })
  })

  test.each([
    ['empty', ''],
    ['cut short', '["/a/uuid", "0123'],
    ['not a list', '{"a": 1}'],
    ['a list of other things', '[1, 2]'],
    ['a longer list', '["/a/uuid", "b", "c"]'],
    ['null', 'null'],
    ['a path that cannot be', '["/a\\u0000b", "c"]'],
    ['binary', '\u0000\u0001'],
  ])('when its file is %s', async (_, content) => {
    const { dir, leases, prefix } = await setUp()
    await mkdir(dir)
    await writeFile(path.join(dir, '200.lease'), content)
    expect(await leases.list(task)).toEqual([])
    expect(await leases.acquire(task, await prefix('a'), '192.168.200.1')).toMatchObject({ cidr: '192.168.200.0/24' })
  })
})

describe('release', () => {
  test('frees all of its owner’s and nobody else’s', async () => {
    const { leases, prefix } = await setUp()
    const [a, b] = [await prefix('a'), await prefix('b')]
    for (const owner of [a, b, a]) await leases.acquire(task, owner)
    expect(await leases.release(task, a)).toMatchObject([{ cidr: '192.168.200.0/24' }, { cidr: '192.168.202.0/24' }])
    expect(await leases.list(task)).toMatchObject([{ cidr: '192.168.201.0/24', owner: b }])
  })

  test('leaves a copy of the prefix alone, which has the same uuid elsewhere', async () => {
    const { leases, prefix } = await setUp()
    const a = await prefix('a')
    await leases.acquire(task, a)
    expect(await leases.release(task, { uuidPath: '/elsewhere/uuid', uuid: a.uuid })).toEqual([])
    expect(await leases.list(task)).toHaveLength(1)
  })

  test('works when the uuid file is gone, and twice', async () => {
    const { leases, prefix } = await setUp()
    const a = await prefix('a')
    await leases.acquire(task, a)
    await rm(a.uuidPath)
    expect(await leases.release(task, a)).toHaveLength(1)
    expect(await leases.release(task, a)).toEqual([])
  })

  test('makes no directory', async () => {
    const { dir, leases, prefix } = await setUp()
    expect(await leases.release(task, await prefix('a'))).toEqual([])
    expect(await leases.list(task)).toEqual([])
    expect(existsSync(dir)).toBe(false)
  })
})

test('the wait for the lock ends with the name of the holder', async () => {
  const { dir, prefix } = await setUp()
  await mkdir(dir)
  const lock = await acquireLock(task, { path: path.join(dir, 'subnet-lease.lock'), what: 'x', waitMs: 0 })
  const leases = openSubnetLeases(dir, { lockWaitMs: 0 })
  const owner = await prefix('a')
  await expect(leases.acquire(task, owner)).rejects.toMatchObject({
    code: 'LAGO_LOCKED',
    message: expect.stringMatching(/^the lease directory \S+ is held by this process/),
  })
  await expect(leases.release(task, owner)).rejects.toMatchObject({ code: 'LAGO_LOCKED' })
  await lock[Symbol.asyncDispose]()
})

test('the directory is made for a group, with the setgid bit of its parent', async () => {
  const { dir, leases, prefix } = await setUp()
  await chmod(path.dirname(dir), 0o2755)
  await leases.acquire(task, await prefix('a'))
  expect((await stat(dir)).mode & 0o7777).toBe(0o2775)
})

test.each([
  ['below a file', async (dir: string) => writeFile(path.dirname(dir), '')],
  ['where a file is', async (dir: string) => mkdir(path.dirname(dir)).then(async () => writeFile(dir, ''))],
  ['where nobody may write', async (dir: string) => symlink('/sys/kernel', path.dirname(dir))],
])('a directory that cannot be made, %s, is named', async (_, spoil) => {
  const { dir: root, prefix } = await setUp()
  const dir = path.join(root, 'leases')
  await spoil(dir)
  await expect(openSubnetLeases(dir).acquire(task, await prefix('a'))).rejects.toMatchObject({
    code: 'LAGO_PERMISSION',
    message: expect.stringContaining(dir),
    hint: expect.stringContaining('--lease_dir'),
  })
})
