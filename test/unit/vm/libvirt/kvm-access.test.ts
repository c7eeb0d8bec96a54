import { chmod, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { kvmAccessProblem } from '../../../../src/vm/libvirt/kvm-access.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

test.each([
  ['other', 0o600, true],
  ['other', 0o666, false],
  ['group', 0o660, false],
  ['group', 0o640, true],
  ['owner', 0o600, false],
  ['owner', 0o400, true],
] as const)('a device of mode with %s rights, %o: slow %p', async (who, mode, isProblem) => {
  const device = path.join(await makeTempDir(), 'kvm')
  await writeFile(device, '')
  await chmod(device, mode)
  const { uid, gid } = await stat(device)
  const user = { name: 'qemu', uid: who === 'owner' ? uid : uid + 1, gids: who === 'group' ? [gid] : [gid + 1] }
  const problem = await kvmAccessProblem(user, device)
  if (isProblem) expect(problem).toContain(`try: chgrp kvm ${device} && chmod 660 ${device}`)
  else expect(problem).toBeUndefined()
})

test('no device, no problem', async () => {
  const missing = path.join(await makeTempDir(), 'kvm')
  expect(await kvmAccessProblem({ name: 'qemu', uid: 1, gids: [1] }, missing)).toBeUndefined()
})
