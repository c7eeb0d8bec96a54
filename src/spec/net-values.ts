/** Values of a net's keys, as what they mean; of an init file that has been checked, or of a prefix. */
import { parseIpv4, parseSubnet, sizeOf, subnetAround, type Subnet } from '../base/ipv4.js'
import type { DnsForwarder, NetSpec } from './types.js'

/** The length when nothing is said: upstream's only one. */
export const DEFAULT_PREFIX_LENGTH = 24
export const MIN_PREFIX_LENGTH = 16
export const MAX_PREFIX_LENGTH = 30

/** Bits of the prefix; undefined for a text that names no subnet that could be. */
export function prefixLengthOf(subnet: string | undefined): number | undefined {
  if (subnet === undefined) return DEFAULT_PREFIX_LENGTH
  const [address = '', digits] = subnet.split('/')
  const isRight = address === '' || parseSubnet(subnet) !== undefined
  const length = Number(digits)
  return isRight && length >= MIN_PREFIX_LENGTH && length <= MAX_PREFIX_LENGTH ? length : undefined
}

/** The subnet that a file names, by its address or by the gateway's; undefined: a free one is chosen. */
export function namedSubnet({
  subnet,
  gateway,
  prefixLength,
}: Pick<NetSpec, 'subnet' | 'gateway' | 'prefixLength'>): Subnet | undefined {
  if (subnet !== undefined) return parseSubnet(subnet)
  const address = gateway === undefined ? undefined : parseIpv4(gateway)
  return address === undefined ? undefined : subnetAround(address, prefixLength)
}

/** The place of an address in its subnet, counted from the subnet's own. */
export function hostNumber(value: number | string, prefixLength: number): number {
  const address = typeof value === 'string' ? parseIpv4(value) : undefined
  return address === undefined ? Number(value) : address % sizeOf(prefixLength)
}

/** The net's own /64: `fd00:1:2:3::/64`. */
export const IPV6_PATTERN: RegExp = /^(?:[0-9a-f]{1,4}:){1,4}:(?:\/64)?$/i
export const IPV6_ERROR = 'true, false, or a private /64 as fd00:1:2:3::/64'

/** `fd00:1:2:3::` of a text that names a /64; undefined for everything else. */
export function ipv6PrefixOf(value: unknown): string | undefined {
  return typeof value === 'string' && IPV6_PATTERN.test(value) ? value.toLowerCase().replace('/64', '') : undefined
}

export function ipv6Of(value: unknown): NetSpec['ipv6'] {
  const prefix = ipv6PrefixOf(value)
  if (prefix !== undefined) return { prefix }
  return value === undefined || value === null || /^(true|yes|on)$/i.test(String(value)) ? 'auto' : 'none'
}

/** Addresses, alone or in mappings with `addr` and perhaps `domain`; what is neither is passed over. */
export function dnsForwardersOf(values: unknown): readonly DnsForwarder[] {
  if (!Array.isArray(values)) return []
  return values.flatMap((value: unknown): DnsForwarder[] => {
    if (typeof value === 'string') return [{ address: value, domain: undefined }]
    const { addr, domain } = Object(value) as { readonly addr?: unknown; readonly domain?: unknown } // looked at below
    if (typeof addr !== 'string') return []
    return [{ address: addr, domain: typeof domain === 'string' ? domain : undefined }]
  })
}
