/** Which nic gets which address (spec 3.5): static ones first, then the lowest free ones, both in the file's order. */
import { LagoError } from '../base/errors.js'
import type { EnvSpec, SpecIssue } from '../spec/types.js'

export interface NicAddress {
  readonly vm: string
  /** Counts from 0, as in `eth0`. */
  readonly nic: number
  readonly net: string
  readonly ip: string
}

/**
 * The address of every nic on a NAT net, in the order of allocation. `gateways` names the NAT nets.
 * Throws `LAGO_SPEC_INVALID` with every problem: an address outside its net, one that is taken, on a bridge, a full net.
 */
export function allocateAddresses(spec: EnvSpec, gateways: ReadonlyMap<string, string>): readonly NicAddress[] {
  const wishes = wishesOf(spec)
  const allocation: Allocation = { gateways, addresses: [], problems: [] }
  for (const wish of wishes) if (wish.ip !== undefined) placeStatic(allocation, { ...wish, ip: wish.ip })
  for (const wish of wishes) if (wish.ip === undefined) placeDynamic(allocation, wish)
  if (allocation.problems.length > 0) throw addressError(allocation.problems)
  return allocation.addresses
}

interface Wish extends Omit<NicAddress, 'ip'> {
  readonly ip: string | undefined
}

interface Allocation {
  readonly gateways: ReadonlyMap<string, string>
  readonly addresses: NicAddress[]
  readonly problems: { readonly wish: Wish; readonly message: string }[]
}

function wishesOf(spec: EnvSpec): Wish[] {
  return [...spec.domains.values()].flatMap((domain) =>
    domain.nics.map(({ net, ip }, nic) => ({ vm: domain.name, nic, net, ip })),
  )
}

function placeStatic(allocation: Allocation, wish: NicAddress): void {
  const { gateways, addresses, problems } = allocation
  const gateway = gateways.get(wish.net)
  const refuse = (message: string): void => void problems.push({ wish, message })
  if (gateway === undefined) return refuse(`net "${wish.net}" is a bridge, on which addresses are not given by lago`)
  const ip = isRelative(wish.ip, gateway) ? `${subnetOf(gateway)}.${lastOctet(wish.ip)}` : wish.ip
  if (subnetOf(ip) !== subnetOf(gateway))
    return refuse(`${wish.vm}:nic${wish.nic}'s IP [${ip}] is outside the subnet [${subnetOf(gateway)}.0/24]`)
  if ([0, 255].includes(lastOctet(ip))) return refuse(`${ip} is not the address of a machine`)
  if (ip === gateway) return refuse(`${ip} is the gateway of net "${wish.net}"`)
  const owner = addresses.find((other) => other.net === wish.net && other.ip === ip)
  if (owner !== undefined)
    return refuse(`${ip} is wanted by ${owner.vm} (nic ${owner.nic}) and by ${wish.vm} (nic ${wish.nic})`)
  addresses.push({ ...wish, ip })
}

function placeDynamic({ gateways, addresses, problems }: Allocation, wish: Wish): void {
  const gateway = gateways.get(wish.net)
  if (gateway === undefined) return
  const taken = new Set([gateway, ...addresses.filter((other) => other.net === wish.net).map((other) => other.ip)])
  for (let octet = 2; octet <= 254; octet++) {
    const ip = `${subnetOf(gateway)}.${octet}`
    if (!taken.has(ip)) return void addresses.push({ ...wish, ip })
  }
  problems.push({ wish, message: `no address of net "${wish.net}" is free` })
}

/** Only the last number counts where the subnet is leased, for the file cannot know which one that will be. */
function isRelative(ip: string, gateway: string): boolean {
  return /^192\.168\.(2[0-4]\d|25[0-5])\./.test(gateway) || ip.startsWith('0.0.0.')
}

function subnetOf(ip: string): string {
  return ip.split('.').slice(0, 3).join('.')
}

function lastOctet(ip: string): number {
  return Number(ip.split('.')[3])
}

function addressError(problems: Allocation['problems']): LagoError {
  const issues = problems.map(({ wish, message }): SpecIssue => {
    const path = `domains.${wish.vm}.nics[${wish.nic}].ip`
    return { severity: 'error', path, line: 0, column: 0, message, suggestion: undefined }
  })
  return new LagoError('LAGO_SPEC_INVALID', issues.map(({ path, message }) => `${path}: ${message}`).join('; '), {
    hint: 'leave "ip" out to get a free address',
    data: { issues },
  })
}
