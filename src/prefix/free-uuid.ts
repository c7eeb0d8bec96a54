/** The uuid of a new environment. Nets and bridges bear so little of it that two environments of a host could clash. */
import { randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { netNamesStart } from '../plan/names.js'
import type { Register } from '../register/register.js'

export interface FreeUuidOptions {
  /** Default: a random one, 32 hexadecimal digits. */
  readonly draw?: () => string
  /** Default `/sys/class/net`. */
  readonly devicesDir?: string
}

/** When so many draws in a row were another's, all names are as good as taken, and `start` will tell. */
const MOST_DRAWS = 100

/** One whose names of nets and bridges are neither those of an environment in the register nor of a device of the host. */
export async function freeUuid(register: Register, options: FreeUuidOptions = {}): Promise<string> {
  const { draw = randomUuid, devicesDir = '/sys/class/net' } = options
  const devices = await readdir(devicesDir).catch(() => [])
  const isTaken = async (start: string): Promise<boolean> =>
    devices.some((device) => device.startsWith(`${start}-`)) || (await register.find(start).catch(() => [])).length > 0
  for (let draws = 1; ; draws++) {
    const uuid = draw()
    if (draws === MOST_DRAWS || !(await isTaken(netNamesStart(uuid)))) return uuid
  }
}

function randomUuid(): string {
  return randomUUID().replaceAll('-', '')
}
