import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { injectIdentity } from '../../../../src/bootstrap/inject/inject.js'
import type { Identity } from '../../../../src/bootstrap/types.js'
import { debugfs } from '../../../helpers/ext4-image.js'
import { recordedTask } from '../../../helpers/recorded-task.js'
import { DEBIAN, DIRECTORY, systemImage } from '../../../helpers/system-image.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'
import { expectSound, hashOf, lookAt, withLook, type ImageRef } from '../../../helpers/written-image.js'

const tempDir = useTempDirs()
const { task, messages } = recordedTask()

async function identityIn(dir: string): Promise<Identity> {
  const keyPath = path.join(dir, 'host-key')
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', keyPath])
  return {
    vm: 'vm0',
    hostName: 'vm0',
    fqdn: 'vm0.lago.local',
    sshUser: 'user',
    sshPublicKey: 'ssh-ed25519 AAAAkey lago',
    rootPassword: undefined,
    hostKey: {
      privateKey: await readFile(keyPath, 'utf8'),
      publicKey: (await readFile(`${keyPath}.pub`, 'utf8')).trim(),
    },
    nics: [{ mac: '54:52:c0:a8:c8:02', ip: '192.168.200.2', mtu: 1500, isManagement: true }],
    distro: 'debian',
  }
}

const SECRETS = { rootPasswordHash: '$6$salt$hash' }

async function inject(image: ImageRef, identity: Identity): Promise<{ readonly hasHostKey: boolean }> {
  return injectIdentity(task, { ...image, rootPartition: undefined }, identity, SECRETS)
}

test('a Debian has its name, keys, password and network in it, also when it is done twice', async () => {
  const dir = await tempDir()
  const identity = await identityIn(dir)
  const image = await systemImage(dir, { ...DEBIAN, '/etc/iscsi': DIRECTORY, '/usr/bin/cloud-init': 'program' })
  debugfs(path.join(dir, 'base'), ['sif /etc/shadow gid 42'])
  for (const _ of [1, 2]) {
    expect(await inject(image, identity)).toEqual({ hasHostKey: true })
    await expectSound(task, image)
    await withLook(task, image, async (look) => {
      expect(await look('/etc/hostname')).toMatchObject({ content: 'vm0\n', mode: '644', owner: '0:0' })
      const hosts = '127.0.0.1\tlocalhost\n127.0.1.1 vm0.lago.local vm0\n::1 localhost\n'
      expect(await look('/etc/hosts')).toMatchObject({ content: hosts })
      const shadow = 'root:$6$salt$hash:19000:0:99999:7:::\nuser:!:19000:0:99999:7:::\n'
      expect(await look('/etc/shadow')).toMatchObject({ content: shadow, mode: '640', owner: '0:42' })
      const keys = { content: `${identity.sshPublicKey}\n`, mode: '600' }
      expect(await look('/root/.ssh/authorized_keys')).toMatchObject({ ...keys, owner: '0:0' })
      expect(await look('/home/user/.ssh/authorized_keys')).toMatchObject({ ...keys, owner: '1000:1001' })
      expect(await look('/home/user/.ssh')).toMatchObject({ mode: '700', owner: '1000:1001' })
      const privateKey = { content: identity.hostKey?.privateKey, mode: '600', owner: '0:0' }
      expect(await look('/etc/ssh/ssh_host_ed25519_key')).toMatchObject(privateKey)
      expect((await look('/etc/ssh/sshd_config'))?.content).toMatch(
        /^HostKey \/etc\/ssh\/ssh_host_ed25519_key\n# sshd\n/,
      )
      expect(await look('/etc/machine-id')).toMatchObject({ content: '', mode: '444' })
      expect(await look('/etc/cloud/cloud-init.disabled')).toMatchObject({ content: '' })
      expect(await look('/etc/systemd/network/05-lago-0.network')).toMatchObject({ mode: '644' })
      expect(await look('/etc/systemd/system/multi-user.target.wants/systemd-networkd.service')).toBeDefined()
      expect((await look('/etc/iscsi/initiatorname.iscsi'))?.content).toMatch(/:vm0:vm0\n$/)
    })
  }
  const secrets = [SECRETS.rootPasswordHash, identity.hostKey?.privateKey ?? 'unreachable']
  for (const secret of secrets) expect(messages().join('\n')).not.toContain(secret)
})

test('homes that a hostile passwd names lead nowhere but into the image, or nowhere at all', async () => {
  const dir = await tempDir()
  const identity = await identityIn(dir)
  const homes = `root:x:0:0:root:/../../..${dir}/a/../escape:/bin/sh\nuser:x:5000000000:1::/home/user:/bin/sh\n`
  const image = await systemImage(dir, { ...DEBIAN, '/etc/passwd': homes })
  await inject(image, identity)
  await expectSound(task, image)
  expect(existsSync(path.join(dir, 'escape'))).toBe(false)
  expect(await lookAt(task, image, `${dir}/escape/.ssh/authorized_keys`)).toMatchObject({ owner: '0:0' })
  expect(messages()).toContain('vm0: there is no user "user" in the image; only root gets the key')
})

test('an image where it would have no effect is left as it is', async () => {
  const dir = await tempDir()
  const image = await systemImage(dir, { ...DEBIAN, '/etc/fstab': '/dev/vdb /home ext4 defaults 0 0\n' })
  const before = await hashOf(image.path)
  await expect(inject(image, await identityIn(dir))).rejects.toMatchObject({ code: 'LAGO_INJECT' })
  expect(await hashOf(image.path)).toBe(before)
})

test('a file that is too large to be kept is no reason to lose it', async () => {
  const dir = await tempDir()
  const image = await systemImage(dir, { ...DEBIAN, '/root/.ssh/authorized_keys': 'x'.repeat(1024 ** 2 + 1) })
  const before = await hashOf(image.path)
  await expect(inject(image, await identityIn(dir))).rejects.toMatchObject({ code: 'LAGO_DISK_UNREADABLE' })
  expect(await hashOf(image.path)).toBe(before)
})

const MINI = path.join(os.homedir(), '.cache/lago/mini-repo/mini.qcow2')
const withMini = existsSync(MINI) ? test : test.skip

withMini('the mini guest', async () => {
  const dir = await tempDir()
  const identity = { ...(await identityIn(dir)), sshUser: 'root' }
  const image = { path: path.join(dir, 'top'), format: 'qcow2' } as const
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', MINI, image.path])
  expect(await inject(image, identity)).toEqual({ hasHostKey: true })
  await expectSound(task, image)
  await withLook(task, image, async (look) => {
    expect(await look('/etc/hostname')).toMatchObject({ content: 'vm0\n' })
    expect(await look('/root/.ssh/authorized_keys')).toMatchObject({
      mode: '600',
      content: `${identity.sshPublicKey}\n`,
    })
    expect((await look('/etc/shadow'))?.content).toMatch(/^root:\$6\$salt\$hash:19000:/)
    expect(await look('/etc/ssh/dropbear_host_ed25519_key')).toMatchObject({ mode: '600' })
  })
})
