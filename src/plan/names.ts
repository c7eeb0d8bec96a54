/** Every name that libvirt and the kernel see (spec 5.2). Built here and nowhere else. */
import { createHash } from 'node:crypto'
import type { NetType } from '../spec/types.js'

/** Linux, IFNAMSIZ without the final zero; libvirt names of nets keep to it because bridge devices can bear them. */
const MAX_DEVICE_NAME = 15

/** Where upstream cuts the name of a NAT net's bridge. */
const BRIDGE_NAME_CUT = 12

export function domainLibvirtName(uuid: string, vmName: string): string {
  return prefixedName(uuid, vmName)
}

export function netLibvirtName(uuid: string, netName: string): string {
  return prefixedName(uuid, netName, MAX_DEVICE_NAME)
}

/** What the names of an environment's nets and bridges begin with: four characters of its uuid, which another may have. */
export function netNamesStart(uuid: string): string {
  return uuidPart(uuid, MAX_DEVICE_NAME)
}

/**
 * The bridge device of each of an environment's nets: a bridge net's is the host's or its libvirt name, any other's is
 * upstream's cut of it (`6f1a-lago-ni`), and where that would be another net's as well, a hash of it.
 */
export function bridgeNames(
  uuid: string,
  nets: Iterable<{ readonly name: string; readonly type: NetType; readonly bridge?: string | undefined }>,
): ReadonlyMap<string, string> {
  const wanted = [...nets].map(({ name, type, bridge }) => ({
    name,
    device: bridge ?? wantedBridge(netLibvirtName(uuid, name), type),
    type,
  }))
  const isShared = (device: string): boolean => wanted.filter((other) => other.device === device).length > 1
  return new Map(
    wanted.map(({ name, device, type }) => {
      return [name, type !== 'bridge' && isShared(device) ? hashedName(uuid, `${name}-nic`, MAX_DEVICE_NAME) : device]
    }),
  )
}

/**
 * `<8 characters of uuid>-<name>`; with `maxLength` the start of the uuid is 4 characters below 16, and a name that
 * does not fit is replaced by the start of its SHA-1.
 */
export function prefixedName(uuid: string, name: string, maxLength?: number): string {
  const whole = `${uuidPart(uuid, maxLength)}-${name}`
  return maxLength === undefined || whole.length <= maxLength ? whole : hashedName(uuid, name, maxLength)
}

function hashedName(uuid: string, name: string, maxLength: number): string {
  if (maxLength < 6) throw new Error(`unreachable: no name fits into ${maxLength} characters`)
  return `${uuidPart(uuid, maxLength)}-${createHash('sha1').update(name).digest('hex')}`.slice(0, maxLength)
}

function uuidPart(uuid: string, maxLength: number | undefined): string {
  return uuid.slice(0, maxLength === undefined || maxLength >= 16 ? 8 : 4)
}

function wantedBridge(libvirtName: string, type: NetType): string {
  return type === 'bridge' ? libvirtName : `${libvirtName}-nic`.slice(0, BRIDGE_NAME_CUT)
}
