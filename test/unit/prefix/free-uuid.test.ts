/** A new environment takes no uuid by which its nets would have the names of another's. */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { freeUuid } from '../../../src/prefix/free-uuid.js'
import { openRegister } from '../../../src/register/register.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

const REGISTERED = 'cddaa63dc4a14baba9d0a0d4a3ff1122'
const DEVICE = '6f1aa63dc4a14baba9d0a0d4a3ff1122'
const FREE = '0b5ca63dc4a14baba9d0a0d4a3ff1122'
const sharingFour = (uuid: string): string => `${uuid.slice(0, 4)}${'0'.repeat(28)}`

/** A host with one environment in its register, and the bridge of another. */
async function host(): Promise<{ dir: string; devicesDir: string }> {
  const dir = await makeTempDir()
  await openRegister(path.join(dir, 'register')).note({ uuid: REGISTERED, dir: '/srv/prefix' })
  for (const device of ['lo', 'eth0', '6f1a-lago-ni']) await mkdir(path.join(dir, 'net', device), { recursive: true })
  return { dir: path.join(dir, 'register'), devicesDir: path.join(dir, 'net') }
}

/** Draws these, one after the other, and the last one for ever. */
function drawing(...uuids: readonly string[]): { draw: () => string; drawn: string[] } {
  const drawn: string[] = []
  const draw = (): string => {
    const uuid = uuids[Math.min(drawn.length, uuids.length - 1)] ?? ''
    drawn.push(uuid)
    return uuid
  }
  return { draw, drawn }
}

test.each([
  ['of an environment in the register', REGISTERED],
  ['of a device of the host', DEVICE],
])('the names %s are passed over', async (_, taken) => {
  const { dir, devicesDir } = await host()
  const { draw } = drawing(sharingFour(taken), sharingFour(taken), FREE)
  expect(await freeUuid(openRegister(dir), { draw, devicesDir })).toBe(FREE)
})

test('a free one is taken as it is drawn', async () => {
  const { dir, devicesDir } = await host()
  const { draw, drawn } = drawing(FREE, DEVICE)
  expect(await freeUuid(openRegister(dir), { draw, devicesDir })).toBe(FREE)
  expect(drawn).toEqual([FREE])
})

test('where all are taken, one of them is given in the end: the environment may have no nets', async () => {
  const { dir, devicesDir } = await host()
  const { draw } = drawing(DEVICE)
  expect(await freeUuid(openRegister(dir), { draw, devicesDir })).toBe(DEVICE)
})

test('a host of which neither can be read has free ones', async () => {
  const none = path.join(await makeTempDir(), 'none')
  expect(await freeUuid(openRegister(none), { devicesDir: none })).toMatch(/^[0-9a-f]{32}$/)
})
