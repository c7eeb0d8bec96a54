import { readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, expect, test } from '@jest/globals'
import { hasBeenMet, isHostKeyKnown, noteMeeting, pinHostKey } from '../../../src/guest/host-key.js'
import type { SshTarget } from '../../../src/guest/ssh-command.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const KEY = 'AAAAC3NzaC1lZDI1NTE5AAAAIFVtNLLR7ZSxLoP9e50VvzyZtP6vDSmKnGHkAz0O3g49'
const tempDir = useTempDirs()
let target: SshTarget

beforeEach(async () => {
  target = {
    vm: 'vm0',
    ip: '192.168.200.2',
    user: 'root',
    password: undefined,
    keyPath: '/p/id_rsa',
    knownHostsPath: path.join(await tempDir(), 'known_hosts-vm0'),
    connectTimeoutMs: 1000,
    connectTries: 1,
  }
})

test('of a guest that is not known there is neither', async () => {
  expect(await isHostKeyKnown(target)).toBe(false)
  expect(await hasBeenMet(target)).toBe(false)
  await noteMeeting(target)
  await expect(stat(target.knownHostsPath)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a pinned key is known before the guest has been met', async () => {
  await pinHostKey(target.knownHostsPath, 'vm0', `ssh-ed25519 ${KEY} vm0`)
  expect((await stat(target.knownHostsPath)).mode & 0o777).toBe(0o600)
  expect([await isHostKeyKnown(target), await hasBeenMet(target)]).toEqual([true, false])
  await noteMeeting(target)
  expect([await isHostKeyKnown(target), await hasBeenMet(target)]).toEqual([true, true])
  expect(await readFile(target.knownHostsPath, 'utf8')).toBe(`vm0 ssh-ed25519 ${KEY}\n`)
})

test('a key that ssh has stored is that of a guest that has been met', async () => {
  await writeFile(target.knownHostsPath, `vm0 ssh-ed25519 ${KEY}\n`)
  expect(await hasBeenMet(target)).toBe(true)
})

test.each(['vm1 ssh-ed25519 ' + KEY, '# not met yet', 'vm0 ssh-ed25519 short'])(
  'a file without the key of this guest is refused: %s',
  async (text) => {
    await writeFile(target.knownHostsPath, `${text}\n`)
    const changed = { code: 'LAGO_HOST_KEY_CHANGED', message: expect.stringContaining(target.knownHostsPath) }
    await expect(isHostKeyKnown(target)).rejects.toMatchObject(changed)
    await expect(hasBeenMet(target)).rejects.toMatchObject(changed)
  },
)
