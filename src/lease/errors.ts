/** What a user reads when a subnet cannot be had: both sides of the clash, and how to end it. */
import path from 'node:path'
import { isSystemError, LagoError } from '../base/errors.js'
import { formatSubnet, overlaps, type Subnet } from '../base/ipv4.js'
import type { Neighbour, SubnetLease } from './types.js'

export function leasedBy(subnet: Subnet, holder: SubnetLease): LagoError {
  const cidr = formatSubnet(subnet)
  const held = formatSubnet(holder.subnet)
  const which = held === cidr ? '' : ` as part of ${held}`
  const { uuidPath } = holder.owner
  return new LagoError('LAGO_SUBNET_TAKEN', `Can't acquire subnet ${cidr}, already taken by ${uuidPath}${which}`, {
    hint: `destroy the environment in ${path.dirname(uuidPath)}, or choose another subnet in the init file`,
    data: { subnet: cidr, holder: uuidPath, held },
  })
}

export function usedByHost(subnet: Subnet, { what }: Neighbour): LagoError {
  const cidr = formatSubnet(subnet)
  return new LagoError('LAGO_SUBNET_TAKEN', `Can't acquire subnet ${cidr}, which overlaps ${what} of this host`, {
    hint: 'see "ip route" and "virsh net-list --all", or choose another subnet in the init file',
    data: { subnet: cidr, neighbour: what },
  })
}

const HOLDERS_SHOWN = 8

export interface FullRange {
  /** As configured. */
  readonly range: string
  readonly length: number
  readonly leases: readonly SubnetLease[]
  /** Those within the range. */
  readonly neighbours: readonly Neighbour[]
}

export function exhausted({ range, length, leases, neighbours }: FullRange): LagoError {
  const holders = new Map<string, string[]>()
  for (const { subnet, owner } of leases) {
    const prefix = path.dirname(owner.uuidPath)
    holders.set(prefix, [...(holders.get(prefix) ?? []), formatSubnet(subnet)])
  }
  const others = neighbours.filter((other) => !leases.some((lease) => overlaps(lease.subnet, other.subnet)))
  const leased = listed([...holders].map(([prefix, subnets]) => `${prefix}: ${shortened(subnets)}`))
  const used = listed(others.map(({ what }) => what))
  const isTooSmall = leases.length === 0 && neighbours.length === 0
  const counts = isTooSmall
    ? 'it has no room for one'
    : `${leases.length} are leased${leased}, ${others.length} are used by this host itself${used}`
  const what = length === 24 ? 'subnet' : `subnet with a /${length}`
  return new LagoError('LAGO_SUBNETS_EXHAUSTED', `Can't acquire ${what} from range ${range}: ${counts}`, {
    hint:
      '"lago list --all" shows whose they are, "lago -p PREFIX destroy" frees them, "lago gc" those of nobody; ' +
      '--subnet-range gives more',
    data: { length, holders: Object.fromEntries(holders), usedByHost: others.map(({ what }) => what) },
  })
}

function shortened([first = '', second = '', ...others]: readonly string[]): string {
  if (second === '') return first
  return others.length === 0 ? `${first} ${second}` : `${first} and ${others.length + 1} more`
}

function listed(items: readonly string[]): string {
  if (items.length === 0) return ''
  const more = items.length > HOLDERS_SHOWN ? ` and ${items.length - HOLDERS_SHOWN} more` : ''
  return ` (${items.slice(0, HOLDERS_SHOWN).join(', ')}${more})`
}

/** `LAGO_PERMISSION` for a refusal of the system, anything else as it is. */
export function permissionError(blockedPath: string, error: unknown): unknown {
  if (isSystemError(error, 'EISDIR', 'ENOTEMPTY'))
    return new LagoError('LAGO_PERMISSION', `${blockedPath} cannot be written: a directory is in its way`, {
      hint: 'remove the directory',
      data: { path: blockedPath },
      cause: error,
    })
  if (!isSystemError(error, 'EACCES', 'EPERM', 'EROFS')) return error
  return new LagoError('LAGO_PERMISSION', `no permission for ${blockedPath}, where subnets are leased`, {
    hint: `sudo install -d -o "$USER" ${path.dirname(blockedPath)}, or choose another directory with --lease_dir`,
    data: { path: blockedPath },
    cause: error,
  })
}

export function dirInTheWay(dir: string, cause: unknown): LagoError {
  return new LagoError('LAGO_PERMISSION', `the lease directory ${dir} cannot be made: a file is in its way`, {
    hint: 'remove the file, or choose another directory with --lease_dir',
    data: { path: dir },
    cause,
  })
}
