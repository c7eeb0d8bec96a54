/**
 * The files of a lease (spec 5.5). A /24 of 192.168.200.0 to 192.168.255.0 has the one that upstream knows,
 * `<third octet>.lease`. Any other subnet has `<network>-<length>.lease`, and beside it, while it lies across those /24s,
 * the file of each, so that upstream keeps off as well.
 */
import { containsSubnet, formatIpv4, overlaps, parseSubnet, type Subnet } from '../base/ipv4.js'

const FIRST_OCTET = 200
const LAST_OCTET = 255

/** The subnets that upstream leases, lowest first. */
export const UPSTREAM_SUBNETS: readonly Subnet[] = Array.from({ length: LAST_OCTET - FIRST_OCTET + 1 }, (_, index) => {
  return { network: ((192 * 256 + 168) * 256 + FIRST_OCTET + index) * 256, length: 24 }
})

/** The file that says what is leased. */
export function leaseName(subnet: Subnet): string {
  return isUpstreams(subnet) ? upstreamName(subnet) : `${formatIpv4(subnet.network)}-${subnet.length}.lease`
}

/** Further files, which only keep upstream off. */
export function shadowNames(subnet: Subnet): readonly string[] {
  return isUpstreams(subnet) ? [] : UPSTREAM_SUBNETS.filter((other) => overlaps(other, subnet)).map(upstreamName)
}

/** The subnet that a file is the lease of; undefined for names of other files. */
export function subnetOfName(name: string): Subnet | undefined {
  const [, octet, network, length] = /^(?:([0-9]{1,3})|([0-9.]+)-([0-9]{1,2}))\.lease$/.exec(name) ?? []
  if (octet !== undefined) return UPSTREAM_SUBNETS.find((subnet) => upstreamName(subnet) === name)
  return parseSubnet(`${network}/${length}`)
}

/** Whether a file of upstream's form only stands beside the lease of `subnet`. */
export function isShadow(upstream: Subnet, subnet: Subnet): boolean {
  return isUpstreams(upstream) && !isUpstreams(subnet) && overlaps(upstream, subnet)
}

function isUpstreams(subnet: Subnet): boolean {
  return subnet.length === 24 && UPSTREAM_SUBNETS.some((other) => containsSubnet(other, subnet))
}

function upstreamName({ network }: Subnet): string {
  return `${(network >>> 8) & 0xff}.lease`
}
