/** Mounts the system on an image in a session of guestfish, each file system at its place (spec 6.4). */
import { isLagoError, LagoError } from '../../base/errors.js'
import type { Task } from '../../base/task.js'
import type { Guestfish } from './session.js'

export interface GuestImage {
  readonly path: string
  readonly format: 'qcow2' | 'raw'
}

/**
 * What libguestfs takes for an installed system; else the file system that `wanted` names, wholly or in part; else the
 * first that has an `/etc`. Throws `LAGO_DISK_UNREADABLE` when there is none.
 */
export async function mountRoot(
  task: Task,
  fish: Guestfish,
  image: GuestImage,
  wanted: string | undefined,
): Promise<void> {
  await launch(task, fish, image)
  const [system] = lines(await fish.run(task, ['inspect-os']))
  if (system === undefined) return mountByLook(task, fish, image, wanted)
  const places = pairs(await fish.run(task, ['inspect-get-mountpoints', system]))
  for (const [place, device] of [...places].sort(([one], [other]) => one.length - other.length)) {
    const mounting = fish.run(task, ['mount-ro', device, place])
    if (place === '/') await mounting
    else await mounting.catch(leftOut(task, `the file system for ${place}`)) // its fstab may name what is not there
  }
}

/** A host whose /dev/kvm is there and does not work makes the first attempt fail. */
async function launch(task: Task, fish: Guestfish, image: GuestImage): Promise<void> {
  const add = async (): Promise<void> => {
    await fish.run(task, ['add-drive', image.path, 'readonly:true', `format:${image.format}`])
    await fish.run(task, ['launch'])
  }
  try {
    await add()
  } catch (error) {
    if (!isLagoError(error, 'LAGO_DISK_UNREADABLE')) throw error
    task.log('debug', `once more without KVM: ${error.message}`)
    await fish.run(task, ['set-backend-setting', 'force_tcg', '1'])
    await add()
  }
}

async function mountByLook(task: Task, fish: Guestfish, image: GuestImage, wanted: string | undefined): Promise<void> {
  const devices = pairs(await fish.run(task, ['list-filesystems'])).map(([device]) => device)
  const named = devices.filter((device) => wanted !== undefined && device.includes(wanted))
  const first = named.find((device) => device === wanted) ?? named[0]
  for (const device of new Set(first === undefined ? devices : [first, ...devices])) {
    if (!(await isMounted(task, fish, device))) continue
    if (device === first || (await isTrue(task, fish, ['is-dir', '/etc']))) return
    await fish.run(task, ['umount', '/'])
  }
  throw new LagoError(
    'LAGO_DISK_UNREADABLE',
    `libguestfs found no file system with an /etc on ${image.path}, only ${devices.join(', ') || 'nothing at all'}`,
    { hint: 'name one in the metadata of the disk as root-partition', data: { path: image.path, devices } },
  )
}

async function isMounted(task: Task, fish: Guestfish, device: string): Promise<boolean> {
  return fish.run(task, ['mount-ro', device, '/']).then(() => true, leftOut(task, device))
}

function leftOut(task: Task, what: string): (error: unknown) => false {
  return (error) => {
    if (!isLagoError(error, 'LAGO_DISK_UNREADABLE')) throw error
    task.log('debug', `left out ${what}: ${error.message}`)
    return false
  }
}

export async function isTrue(task: Task, fish: Guestfish, words: readonly string[]): Promise<boolean> {
  return (await fish.run(task, words)).trim() === 'true'
}

function lines(output: string): string[] {
  return output.split('\n').filter((line) => line !== '')
}

/** `key: value` on each line; the value has no blank. */
function pairs(output: string): [string, string][] {
  return lines(output).flatMap((line) => {
    const [, key, value] = /^(.*): (\S+)$/.exec(line) ?? []
    return key === undefined || value === undefined ? [] : [[key, value]]
  })
}
