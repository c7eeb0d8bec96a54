import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { acquireLock } from '../../../src/base/lock.js'
import { openSubnetLeases } from '../../../src/lease/subnet-leases.js'
import { formatSubnet, parseSubnet, type Subnet } from '../../../src/base/ipv4.js'
import type { LeaseOwner, Neighbour, SubnetLease, SubnetLeases, SubnetWish } from '../../../src/lease/types.js'
import { startScript } from '../../helpers/child-script.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const { task } = recordedTask()

const free: SubnetWish = { length: 24 }

function subnet(cidr: string): Subnet {
  const parsed = parseSubnet(cidr)
  if (parsed === undefined) throw new Error(`${cidr} is no subnet`)
  return parsed
}

function want(cidr: string): SubnetWish {
  return { subnet: subnet(cidr) }
}

function cidrs(leases: readonly SubnetLease[]): string[] {
  return leases.map((lease) => formatSubnet(lease.subnet))
}

function route(cidr: string): Neighbour {
  return { subnet: subnet(cidr), what: `the route to ${cidr} (eth0)`, mayContain: true }
}

function network(cidr: string): Neighbour {
  return { subnet: subnet(cidr), what: 'the libvirt network "default"', mayContain: false }
}

/** An empty lease directory, and prefixes that can lease from it. */
async function setUp(): Promise<{ dir: string; leases: SubnetLeases; prefix(name: string): Promise<LeaseOwner> }> {
  const root = await tempDir()
  const dir = path.join(root, 'subnets')
  return {
    dir,
    leases: openSubnetLeases(dir, { neighbours: async () => [] }),
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
    expect(await leases.acquire(task, owner, free)).toEqual({ subnet: subnet('192.168.200.0/24'), owner })
    expect(JSON.parse(await readFile(path.join(dir, '200.lease'), 'utf8'))).toEqual([owner.uuidPath, owner.uuid])
    expect((await readdir(dir)).sort()).toEqual(['200.lease', 'subnet-lease.lock'])
  })

  test('gives one prefix as many subnets as it asks for', async () => {
    const { leases, prefix } = await setUp()
    const owner = await prefix('a')
    await leases.acquire(task, owner, free)
    expect(cidrs([await leases.acquire(task, owner, free)])).toEqual(['192.168.201.0/24'])
  })

  test('fifty processes at once get fifty different subnets', async () => {
    const { dir, leases, prefix } = await setUp()
    const owners = await Promise.all(Array.from({ length: 50 }, async (_, i) => prefix(`p${i}`)))
    const script = new URL('./acquire-child.js', import.meta.url)
    const children = owners.map((owner) => startScript(script, [dir, owner.uuidPath]))
    const given = await Promise.all(children.map(async (child) => child.nextLine()))
    expect(new Set(given)).toEqual(new Set(Array.from({ length: 50 }, (_, i) => `192.168.${200 + i}.0/24`)))
    expect(await leases.list(task)).toHaveLength(50)
  })

  test('of a subnet that another prefix has says who has it', async () => {
    const { leases, prefix } = await setUp()
    const holder = await prefix('a')
    await leases.acquire(task, holder, want('192.168.200.0/24'))
    await expect(leases.acquire(task, await prefix('b'), want('192.168.200.0/24'))).rejects.toMatchObject({
      code: 'LAGO_SUBNET_TAKEN',
      message: `Can't acquire subnet 192.168.200.0/24, already taken by ${holder.uuidPath}`,
      hint: expect.stringContaining(path.dirname(holder.uuidPath)),
    })
  })

  test('gives a prefix its own subnet again, also when its network is up', async () => {
    const { dir, leases, prefix } = await setUp()
    const owner = await prefix('a')
    const own = await leases.acquire(task, owner, free)
    const whenUp = openSubnetLeases(dir, { neighbours: async () => [network('192.168.200.0/24')] })
    expect(await whenUp.acquire(task, owner, own)).toEqual(own)
  })

  test('of a full range says who holds what, and how to free it', async () => {
    const { leases, prefix } = await setUp()
    for (const name of ['a', 'b', 'c', 'd']) {
      const owner = await prefix(name)
      for (let i = 0; i < 14; i++) await leases.acquire(task, owner, free)
    }
    const full = leases.acquire(task, await prefix('e'), free)
    await expect(full).rejects.toMatchObject({
      code: 'LAGO_SUBNETS_EXHAUSTED',
      message: expect.stringMatching(
        /^Can't acquire subnet from range 192\.168\.200\.0\/24 - 192\.168\.255\.0\/24: 56 are leased \(\S+\/a: 192\.168\.200\.0\/24 and 13 more, .*\/d: 192\.168\.242\.0\/24 and 13 more\), 0 are used by this host itself$/,
      ),
      hint: expect.stringContaining('lago list --all'),
    })
  })
})

describe('what else uses addresses', () => {
  const beside = async (
    neighbours: readonly Neighbour[],
    range?: string,
  ): Promise<(wish: SubnetWish) => Promise<string>> => {
    const { dir, prefix } = await setUp()
    const leases = openSubnetLeases(dir, {
      neighbours: async () => neighbours,
      ...(range === undefined ? {} : { range }),
    })
    const owner = await prefix('a')
    return async (wish) => cidrs([await leases.acquire(task, owner, wish)]).join()
  }

  test.each([
    ['a route', route('192.168.200.0/24'), '192.168.201.0/24'],
    ['a route to one machine', route('192.168.200.7/32'), '192.168.201.0/24'],
    ['a wider route, where there is room beside it', route('192.168.200.0/22'), '192.168.204.0/24'],
    ['a network of libvirt', network('192.168.200.0/23'), '192.168.202.0/24'],
  ])('%s is passed over', async (_, neighbour, expected) => {
    expect(await (await beside([neighbour]))(free)).toBe(expected)
  })

  test('a subnet within a wider route is taken where there is no other', async () => {
    expect(await (await beside([route('192.168.0.0/16'), route('192.168.200.0/24')]))(free)).toBe('192.168.201.0/24')
  })

  test.each([
    ['a route', route('192.168.200.128/25'), 'the route to 192.168.200.128/25 (eth0)'],
    ['a network of libvirt', network('192.168.200.0/24'), 'the libvirt network "default"'],
    ['a wider network of libvirt', network('192.168.192.0/20'), 'the libvirt network "default"'],
  ])('%s clashes with what is asked for, and both are named', async (_, neighbour, what) => {
    const acquire = await beside([neighbour])
    await expect(acquire(want('192.168.200.0/24'))).rejects.toMatchObject({
      code: 'LAGO_SUBNET_TAKEN',
      message: `Can't acquire subnet 192.168.200.0/24, which overlaps ${what} of this host`,
    })
  })

  test('a wider route does not', async () => {
    expect(await (await beside([route('192.168.0.0/16')]))(want('192.168.200.0/24'))).toBe('192.168.200.0/24')
  })

  test('a range that is too small for a length is told', async () => {
    const acquire = await beside([route('10.64.0.0/30')], '10.64.0.0/29')
    expect(await acquire({ length: 30 })).toBe('10.64.0.4/30')
    await expect(acquire({ length: 30 })).rejects.toMatchObject({
      message: expect.stringMatching(
        /^Can't acquire subnet with a \/30 from range 10\.64\.0\.0\/29: 1 are leased \(\S+\/a: 10\.64\.0\.4\/30\), 1 are used by this host itself \(the route to 10\.64\.0\.0\/30 \(eth0\)\)$/,
      ),
    })
  })
})

describe('subnets that upstream does not know', () => {
  test.each([
    ['elsewhere', '10.20.0.0/20', ['10.20.0.0-20.lease']],
    ['a part of one of its own', '192.168.210.64/28', ['192.168.210.64-28.lease', '210.lease']],
    ['several of its own', '192.168.254.0/23', ['192.168.254.0-23.lease', '254.lease', '255.lease']],
    ['at the edge of its range', '192.168.192.0/20', ['192.168.192.0-20.lease', '200.lease', '201.lease']],
  ])('%s: %s has files that keep it off', async (_, cidr, names) => {
    const { dir, leases, prefix } = await setUp()
    const owner = await prefix('a')
    await leases.acquire(task, owner, want(cidr))
    expect(await readdir(dir)).toEqual(expect.arrayContaining(names))
    expect(cidrs(await leases.list(task))).toEqual([cidr])
    expect(await leases.acquire(task, owner, want(cidr))).toMatchObject({ subnet: subnet(cidr) })
    await leases.release(task, owner)
    expect(await readdir(dir)).toEqual(['subnet-lease.lock'])
  })

  test.each([
    ['the same', '10.20.0.0/20'],
    ['one around it', '10.20.0.0/16'],
    ['one in it', '10.20.15.252/30'],
  ])('%s is refused to others', async (_, cidr) => {
    const { leases, prefix } = await setUp()
    await leases.acquire(task, await prefix('a'), want('10.20.0.0/20'))
    await expect(leases.acquire(task, await prefix('b'), want(cidr))).rejects.toMatchObject({
      code: 'LAGO_SUBNET_TAKEN',
      message: expect.stringMatching(/\/a\/uuid/),
    })
  })

  test('two prefixes do not share a /24 of upstream’s, and one may have several parts of it', async () => {
    const { leases, prefix } = await setUp()
    const [a, b] = [await prefix('a'), await prefix('b')]
    await leases.acquire(task, a, want('192.168.200.0/28'))
    await expect(leases.acquire(task, b, want('192.168.200.16/28'))).rejects.toMatchObject({
      code: 'LAGO_SUBNET_TAKEN',
    })
    await leases.acquire(task, a, want('192.168.200.16/28'))
    expect(cidrs([await leases.acquire(task, b, free)])).toEqual(['192.168.201.0/24'])
    expect(cidrs(await leases.list(task))).toEqual(['192.168.200.0/28', '192.168.200.16/28', '192.168.201.0/24'])
  })

  test.each([16, 20, 23, 25, 28, 30])('a free /%i of another range overlaps none', async (length) => {
    const { dir, prefix } = await setUp()
    const leases = openSubnetLeases(dir, { neighbours: async () => [], range: '10.64.0.0/10' })
    const owner = await prefix('a')
    await leases.acquire(task, owner, free)
    const given = await leases.acquire(task, await prefix('b'), { length })
    await expect(leases.acquire(task, owner, given)).rejects.toMatchObject({ code: 'LAGO_SUBNET_TAKEN' })
    expect(given.subnet.length).toBe(length)
    expect(cidrs(await leases.list(task))).toContain('10.64.0.0/24')
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
    await leases.acquire(task, owner, free)
    await makeStale(owner)
    expect(await leases.list(task)).toEqual([])
    expect(await leases.acquire(task, await prefix('b'), free)).toMatchObject({ subnet: subnet('192.168.200.0/24') })
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
    expect(await leases.acquire(task, await prefix('a'), want('192.168.200.0/24'))).toMatchObject({
      subnet: subnet('192.168.200.0/24'),
    })
  })
})

test('a directory where a lease is to be is named', async () => {
  const { dir, leases, prefix } = await setUp()
  await mkdir(path.join(dir, '200.lease'), { recursive: true })
  expect(await leases.list(task)).toEqual([])
  await expect(leases.acquire(task, await prefix('a'), free)).rejects.toMatchObject({
    code: 'LAGO_PERMISSION',
    message: expect.stringMatching(/200\.lease cannot be written: a directory is in its way$/),
  })
})

describe('release', () => {
  test('frees all of its owner’s and nobody else’s', async () => {
    const { leases, prefix } = await setUp()
    const [a, b] = [await prefix('a'), await prefix('b')]
    for (const owner of [a, b, a]) await leases.acquire(task, owner, free)
    expect(cidrs(await leases.release(task, a))).toEqual(['192.168.200.0/24', '192.168.202.0/24'])
    expect(await leases.list(task)).toEqual([{ subnet: subnet('192.168.201.0/24'), owner: b }])
  })

  test('leaves a copy of the prefix alone, which has the same uuid elsewhere', async () => {
    const { leases, prefix } = await setUp()
    const a = await prefix('a')
    await leases.acquire(task, a, free)
    expect(await leases.release(task, { uuidPath: '/elsewhere/uuid', uuid: a.uuid })).toEqual([])
    expect(await leases.list(task)).toHaveLength(1)
  })

  test('works when the uuid file is gone, and twice', async () => {
    const { leases, prefix } = await setUp()
    const a = await prefix('a')
    await leases.acquire(task, a, free)
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
  await expect(leases.acquire(task, owner, free)).rejects.toMatchObject({
    code: 'LAGO_LOCKED',
    message: expect.stringMatching(/^the lease directory \S+ is held by this process/),
  })
  await expect(leases.release(task, owner)).rejects.toMatchObject({ code: 'LAGO_LOCKED' })
  await lock[Symbol.asyncDispose]()
})

test('the directory is made for a group, with the setgid bit of its parent', async () => {
  const { dir, leases, prefix } = await setUp()
  await chmod(path.dirname(dir), 0o2755)
  await leases.acquire(task, await prefix('a'), free)
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
  await expect(openSubnetLeases(dir).acquire(task, await prefix('a'), free)).rejects.toMatchObject({
    code: 'LAGO_PERMISSION',
    message: expect.stringContaining(dir),
    hint: expect.stringContaining('--lease_dir'),
  })
})
