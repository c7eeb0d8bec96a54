import { execFileSync } from 'node:child_process'
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { load } from 'js-yaml'
import { renderMetaData } from '../../../../src/bootstrap/cloud-init/meta-data.js'
import { renderNetworkConfig } from '../../../../src/bootstrap/cloud-init/network-config.js'
import { writeSeed, type SeedRequest } from '../../../../src/bootstrap/cloud-init/seed.js'
import { renderUserData } from '../../../../src/bootstrap/cloud-init/user-data.js'
import { identityOf } from '../../../helpers/identity.js'
import { recordedTask } from '../../../helpers/recorded-task.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const PATH = process.env['PATH']
afterEach(() => {
  process.env['PATH'] = PATH
})

const PASSWORD = 'not to be seen'

function request(facts: Partial<SeedRequest> = {}): SeedRequest {
  return { identity: identityOf(), instanceId: '0123abcd-vm0', userData: undefined, ...facts }
}

async function read(image: string): Promise<Record<string, string>> {
  const out = path.join(await makeTempDir(), 'out')
  execFileSync('xorriso', ['-osirrox', 'on', '-indev', image, '-extract', '/', out], { stdio: 'pipe' })
  await chmod(out, 0o755)
  const names = (await readdir(out)).sort()
  const texts = names.map(async (name) => [name, await readFile(path.join(out, name), 'utf8')] as const)
  return Object.fromEntries(await Promise.all(texts))
}

test('a seed has the three documents, and is its owner’s alone', async () => {
  const seed = path.join(await makeTempDir(), 'vm0.iso')
  await writeSeed(recordedTask().task, seed, request({ userData: { packages: ['vim'] } }))
  const identity = identityOf()
  expect(await read(seed)).toEqual({
    'meta-data': renderMetaData(identity, '0123abcd-vm0'),
    'network-config': renderNetworkConfig(identity.nics),
    'user-data': renderUserData({ identity, rootPasswordHash: undefined, userData: { packages: ['vim'] } }),
  })
  expect((await stat(seed)).mode & 0o777).toBe(0o600)
})

test('a password is there as a hash, and nowhere else', async () => {
  const seed = path.join(await makeTempDir(), 'vm0.iso')
  const { task, messages } = recordedTask()
  await writeSeed(task, seed, request({ identity: identityOf({ rootPassword: PASSWORD }) }))
  const [, ...yaml] = (await read(seed))['user-data']?.split('\n') ?? []
  const config = load(yaml.join('\n')) as { chpasswd: { list: [string] } }
  expect(config).toMatchObject({ ssh_pwauth: true, chpasswd: { expire: false } })
  expect(config.chpasswd.list[0]).toMatch(/^root:\$6\$[^$]+\$[^$:]+$/)
  expect((await readFile(seed)).includes(PASSWORD)).toBe(false)
  expect(messages().join('\n')).not.toContain(PASSWORD)
})

test('the same request gives the same seed', async () => {
  const dir = await makeTempDir()
  for (const name of ['one', 'other']) await writeSeed(recordedTask().task, path.join(dir, name), request())
  expect((await readFile(path.join(dir, 'one'))).equals(await readFile(path.join(dir, 'other')))).toBe(true)
})

test('a seed that is there is replaced, a link and not what it leads to', async () => {
  const dir = await makeTempDir()
  const [seed, target] = [path.join(dir, 'vm0.iso'), path.join(dir, 'target')]
  await writeFile(target, 'the user’s', { mode: 0o644 })
  await symlink(target, seed)
  await writeSeed(recordedTask().task, seed, request())
  expect(await readFile(target, 'utf8')).toBe('the user’s')
  expect((await stat(seed)).mode & 0o777).toBe(0o600)
  expect((await readdir(dir)).sort()).toEqual(['target', 'vm0.iso'])
})

describe('a seed that cannot be written leaves things as they were', () => {
  test('because its place is taken', async () => {
    const dir = await makeTempDir()
    await mkdir(path.join(dir, 'vm0.iso', 'kept'), { recursive: true })
    const failed = { code: 'LAGO_FILE', message: expect.stringContaining('vm0.iso') }
    await expect(writeSeed(recordedTask().task, path.join(dir, 'vm0.iso'), request())).rejects.toMatchObject(failed)
    expect(await readdir(dir)).toEqual(['vm0.iso'])
  })

  test('because there is no directory for it', async () => {
    const seed = path.join(await makeTempDir(), 'none', 'vm0.iso')
    await expect(writeSeed(recordedTask().task, seed, request())).rejects.toMatchObject({ code: 'LAGO_FILE' })
  })

  test.each([
    ['of the user-data', 'LAGO_USER_DATA', request({ userData: '#cloud-config\n- a\n' })],
    ['of the password', 'LAGO_PASSWORD', request({ identity: identityOf({ rootPassword: '' }) })],
  ])('because %s', async (_, code, asked) => {
    const dir = await makeTempDir()
    await writeFile(path.join(dir, 'vm0.iso'), 'old')
    await expect(writeSeed(recordedTask().task, path.join(dir, 'vm0.iso'), asked)).rejects.toMatchObject({ code })
    expect(await readFile(path.join(dir, 'vm0.iso'), 'utf8')).toBe('old')
    expect(await readdir(dir)).toEqual(['vm0.iso'])
  })

  test('because openssl is missing, which only a password needs', async () => {
    const dir = await makeTempDir()
    process.env['PATH'] = '/nonexistent'
    const withPassword = request({ identity: identityOf({ rootPassword: 'not yet hashed' }) })
    const missing = { code: 'LAGO_COMMAND_MISSING', hint: 'install the package openssl' }
    await expect(writeSeed(recordedTask().task, path.join(dir, 'a'), withPassword)).rejects.toMatchObject(missing)
    await writeSeed(recordedTask().task, path.join(dir, 'b'), request())
    expect(await readdir(dir)).toEqual(['b'])
  })

  test('because the task was aborted', async () => {
    const dir = await makeTempDir()
    const { task, abort } = recordedTask()
    abort(new Error('enough'))
    await expect(writeSeed(task, path.join(dir, 'a'), request())).rejects.toThrow('enough')
    expect(await readdir(dir)).toEqual([])
  })
})
