/** IPv4 addresses as numbers, and subnets of them. */
import { isIPv4 } from 'node:net'

export interface Subnet {
  /** Its first address; the bits behind `length` are 0. */
  readonly network: number
  /** Bits of the prefix, 0 to 32. */
  readonly length: number
}

/** Addresses from `first` to `last`, both included. */
export interface AddressRange {
  readonly first: number
  readonly last: number
}

/** Undefined for anything but four numbers with dots. */
export function parseIpv4(text: string): number | undefined {
  if (!isIPv4(text)) return undefined
  return text.split('.').reduce((address, octet) => address * 256 + Number(octet), 0)
}

export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.')
}

/** `10.20.0.0/20`; undefined for another form, and for an address with bits behind the prefix. */
export function parseSubnet(text: string): Subnet | undefined {
  const [, address = '', digits = ''] = /^([0-9.]+)\/([0-9]{1,2})$/.exec(text) ?? []
  const [network, length] = [parseIpv4(address), Number(digits)]
  if (network === undefined || length > 32) return undefined
  return subnetAround(network, length).network === network ? { network, length } : undefined
}

export function formatSubnet({ network, length }: Subnet): string {
  return `${formatIpv4(network)}/${length}`
}

export function subnetAround(address: number, length: number): Subnet {
  return { network: address - (address % sizeOf(length)), length }
}

/** Addresses of a subnet, the first and the last, which no machine can have, included. */
export function sizeOf(length: number): number {
  return 2 ** (32 - length)
}

/** The broadcast address. */
export function lastOf({ network, length }: Subnet): number {
  return network + sizeOf(length) - 1
}

export function containsAddress(subnet: Subnet, address: number): boolean {
  return address >= subnet.network && address <= lastOf(subnet)
}

/** Whether `inner` lies in `outer`, or is the same. */
export function containsSubnet(outer: Subnet, inner: Subnet): boolean {
  return outer.length <= inner.length && containsAddress(outer, inner.network)
}

/** Two subnets overlap only when one lies in the other. */
export function overlaps(a: Subnet, b: Subnet): boolean {
  return containsSubnet(a, b) || containsSubnet(b, a)
}

/** `255.255.240.0` */
export function netmaskOf(length: number): string {
  return formatIpv4(2 ** 32 - sizeOf(length))
}

/** RFC 1918, RFC 6598 (carriers) and RFC 2544 (benchmarks): addresses that no host of the internet has. */
export const PRIVATE_SUBNETS: readonly Subnet[] = [
  { network: 0x0a_00_00_00, length: 8 },
  { network: 0xac_10_00_00, length: 12 },
  { network: 0xc0_a8_00_00, length: 16 },
  { network: 0x64_40_00_00, length: 10 },
  { network: 0xc6_12_00_00, length: 15 },
]

export function isPrivate(subnet: Subnet): boolean {
  return isPrivateRange({ first: subnet.network, last: lastOf(subnet) })
}

/** Whether all of it lies in one private block. */
export function isPrivateRange({ first, last }: AddressRange): boolean {
  return PRIVATE_SUBNETS.some((around) => containsAddress(around, first) && containsAddress(around, last))
}

/**
 * A subnet (`10.64.0.0/10`), or the first and the last with a dash between, each an address or a subnet.
 * Undefined for other forms and for an end before the start.
 */
export function parseAddressRange(text: string): AddressRange | undefined {
  const ends = text.split('-').map((end) => parseSubnet(end.includes('/') ? end.trim() : `${end.trim()}/32`))
  const [from, to = from] = ends
  if (ends.length > 2 || ends.includes(undefined) || from === undefined || to === undefined) return undefined
  const [first, last] = [from.network, lastOf(to)]
  return first > last ? undefined : { first, last }
}
