/** Which subnet a net gets, among what others have. Pure but for a warning. */
import {
  containsSubnet,
  formatSubnet,
  lastOf,
  overlaps,
  parseAddressRange,
  sizeOf,
  subnetAround,
  type AddressRange,
  type Subnet,
} from '../base/ipv4.js'
import type { Task } from '../base/task.js'
import { exhausted, leasedBy, usedByHost } from './errors.js'
import { isSameOwner } from './lease-file.js'
import { isShadow } from './lease-names.js'
import type { LeaseOwner, Neighbour, SubnetLease, SubnetWish } from './types.js'

export interface Choice {
  readonly wish: SubnetWish
  readonly owner: LeaseOwner
  /** Where a free one is sought. */
  readonly range: string
  /** Of living prefixes. */
  readonly leases: readonly SubnetLease[]
  readonly neighbours: readonly Neighbour[]
}

/** Throws `LAGO_SUBNET_TAKEN` for a wish that clashes, `LAGO_SUBNETS_EXHAUSTED` when no subnet of the length is free. */
export function chooseSubnet(task: Task, choice: Choice): Subnet {
  return 'subnet' in choice.wish
    ? checkWanted(choice, choice.wish.subnet)
    : chooseFree(task, choice, choice.wish.length)
}

function checkWanted({ owner, leases, neighbours }: Choice, subnet: Subnet): Subnet {
  const near = leases.filter((lease) => overlaps(lease.subnet, subnet))
  const holder = near.find((lease) => !isSameOwner(lease.owner, owner) || !isOf(lease.subnet, subnet))
  if (holder !== undefined) throw leasedBy(subnet, holder)
  if (near.length > 0) return subnet // the owner's own, whose network may be up: no look at the host
  const neighbour = neighbours.find((other) => clashes(other, subnet))
  if (neighbour !== undefined) throw usedByHost(subnet, neighbour)
  return subnet
}

/** Whether a lease is the one of this subnet, or stands beside it. */
function isOf(leased: Subnet, subnet: Subnet): boolean {
  return formatSubnet(leased) === formatSubnet(subnet) || isShadow(leased, subnet)
}

/** Outside of everything where there is such a place, else within a wider route. */
function chooseFree(task: Task, { range: text, leases, neighbours }: Choice, length: number): Subnet {
  const range = rangeOf(text)
  const leased = leases.map(({ subnet }) => subnet)
  const taken = (isTaken: (other: Neighbour, subnet: Subnet) => boolean) => (subnet: Subnet) =>
    leased.find((other) => overlaps(other, subnet)) ?? neighbours.find((other) => isTaken(other, subnet))?.subnet
  const apart = firstFree(
    range,
    length,
    taken((other, subnet) => overlaps(other.subnet, subnet)),
  )
  if (apart !== undefined) return apart
  const inside = firstFree(range, length, taken(clashes))
  if (inside === undefined) {
    const within = <T extends { readonly subnet: Subnet }>(others: readonly T[]): T[] =>
      others.filter(({ subnet }) => lastOf(subnet) >= range.first && subnet.network <= range.last)
    throw exhausted({ range: text, length, leases: within(leases), neighbours: within(neighbours) })
  }
  const around = neighbours.find((other) => containsSubnet(other.subnet, inside))
  task.log(
    'warning',
    `${formatSubnet(inside)} lies within ${around?.what ?? 'a route'}: machines there are out of reach`,
  )
  return inside
}

/** A wider route is none: a host whose own network is 192.168.0.0/16 can still have the smaller ones. */
function clashes({ subnet, mayContain }: Neighbour, wanted: Subnet): boolean {
  const isAround = containsSubnet(subnet, wanted) && subnet.length < wanted.length
  return overlaps(subnet, wanted) && !(mayContain && isAround)
}

/** The lowest subnet within the range for which `taken` has no other; behind each that it has the search goes on. */
function firstFree(
  { first, last }: AddressRange,
  length: number,
  taken: (subnet: Subnet) => Subnet | undefined,
): Subnet | undefined {
  const size = sizeOf(length)
  let network = Math.ceil(first / size) * size
  while (network + size - 1 <= last) {
    const subnet = { network, length }
    const other = taken(subnet)
    if (other === undefined) return subnet
    network = Math.max(network + size, subnetAround(lastOf(other), length).network + size)
  }
  return undefined
}

function rangeOf(text: string): AddressRange {
  const range = parseAddressRange(text)
  if (range === undefined) throw new Error(`unreachable: "${text}" is no range, and has passed the configuration`)
  return range
}
