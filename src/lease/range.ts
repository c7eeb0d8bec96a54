/** The subnets that can be leased: the /24s of 192.168.200.0 to 192.168.255.0, known by their third octet (spec 5.5). */
import { isIPv4 } from 'node:net'
import { LagoError } from '../base/errors.js'

const FIRST_OCTET = 200
const LAST_OCTET = 255

export const RANGE_TEXT = `${cidrOf(FIRST_OCTET)} - ${cidrOf(LAST_OCTET)}`

/** Lowest first. */
export const OCTETS: readonly number[] = Array.from({ length: LAST_OCTET - FIRST_OCTET + 1 }, (_, i) => FIRST_OCTET + i)

export function cidrOf(octet: number): string {
  return `192.168.${octet}.0/24`
}

export function gatewayOf(octet: number): string {
  return `192.168.${octet}.1`
}

/**
 * The third octet of the subnet that `text` names: an address in it, or the subnet with `/24`.
 *
 * Throws `LAGO_SUBNET_RANGE` for what is no address, for another length of prefix, and outside of the range.
 */
export function octetOf(text: string): number {
  const [address = '', length] = text.split('/', 2)
  if (!isIPv4(address) || text.split('/').length > 2 || (length !== undefined && !/^\d+$/.test(length)))
    throw rangeError(`Address ${text} is not a valid ip address`, text)
  const [a, b, octet] = address.split('.').map(Number)
  const isInRange = a === 192 && b === 168 && octet !== undefined && OCTETS.includes(octet)
  if (!isInRange || Number(length ?? 24) !== 24) {
    const cidr = length === undefined ? `${address}/24` : text
    throw rangeError(`Subnet ${cidr} is not valid. Subnet should be in the range ${RANGE_TEXT}.`, text)
  }
  return octet
}

function rangeError(message: string, text: string): LagoError {
  return new LagoError('LAGO_SUBNET_RANGE', message, {
    hint: `choose a gateway like ${gatewayOf(FIRST_OCTET)}, or leave "gw" out to get a free subnet`,
    data: { subnet: text, range: RANGE_TEXT },
  })
}
