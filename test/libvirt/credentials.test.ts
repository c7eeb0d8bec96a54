import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { inspect } from 'node:util'
import { afterEach, expect, test } from '@jest/globals'
import { openLibvirt, type LibvirtOptions } from '../../src/libvirt/connection.js'
import { VIR_ERR_AUTH_FAILED } from '../../src/libvirt/constants.js'
import { isLibvirtError } from '../../src/libvirt/errors.js'
import type { LibvirtConnection } from '../../src/libvirt/types.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const tempDir = useTempDirs()
const { task, messages } = recordedTask()
let libvirt: LibvirtConnection | undefined

afterEach(async () => {
  await libvirt?.close()
})

test('user and password are given when libvirt asks for them', async () => {
  libvirt = await openGuarded({ user: 'bob', password: 'pässword-1' })
  expect(await libvirt.capabilities(task)).toContain('<capabilities>')
})

test.each([
  { user: 'bob', password: 'wrong-password' },
  { user: 'eve', password: 'pässword-1' },
  { user: undefined, password: 'pässword-1' },
  { user: 'bob', password: undefined },
])('user $user is refused, and the password is not told', async ({ user, password }) => {
  libvirt = await openGuarded({ user, password })
  const error: unknown = await libvirt.capabilities(task).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'LAGO_LIBVIRT_CONNECT', hint: /--libvirt-user/ })
  if (user !== undefined && password !== undefined) expect(isLibvirtError(error, VIR_ERR_AUTH_FAILED)).toBe(true)
  const told = inspect([error, libvirt, messages()], { depth: Infinity, showHidden: true })
  expect(told).not.toContain('wrong-password')
  expect(told).not.toContain('pässword-1')
})

/** The test driver's own check of users, as its file format has it. */
async function openGuarded(who: Omit<LibvirtOptions, 'uri'>): Promise<LibvirtConnection> {
  const filePath = path.join(await tempDir(), 'host.xml')
  await writeFile(filePath, `<node><auth><user password='pässword-1'>bob</user></auth></node>`)
  return openLibvirt({ ...who, uri: `test://${filePath}` })
}
