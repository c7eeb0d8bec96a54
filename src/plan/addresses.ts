/** Which nic gets which address (spec 3.5): static ones first, then the lowest free ones, both in the file's order. */
import { LagoError } from '../base/errors.js'
import { containsAddress, formatIpv4, formatSubnet, lastOf, parseIpv4, sizeOf, type Subnet } from '../base/ipv4.js'
import type { EnvSpec, SpecIssue } from '../spec/types.js'

export interface NicAddress {
  readonly vm: string
  /** Counts from 0, as in `eth0`. */
  readonly nic: number
  readonly net: string
  readonly ip: string
}

/** What a net has to give. */
export interface NetSubnet {
  readonly subnet: Subnet
  readonly gateway: number
  /** By the init file, as the subnet or by its gateway; false: chosen. */
  readonly isNamed: boolean
}

/**
 * The address of every nic on a net that has a subnet, in the order of allocation; nets without one are bridges.
 * Throws `LAGO_SPEC_INVALID` with every problem: an address outside its net, one that is taken, on a bridge, a full net.
 */
export function allocateAddresses(spec: EnvSpec, nets: ReadonlyMap<string, NetSubnet>): readonly NicAddress[] {
  const wishes = wishesOf(spec)
  const allocation: Allocation = { nets, addresses: [], problems: [] }
  for (const wish of wishes) if (wish.ip !== undefined) placeStatic(allocation, { ...wish, ip: wish.ip })
  for (const wish of wishes) if (wish.ip === undefined) placeDynamic(allocation, wish)
  if (allocation.problems.length > 0) throw addressError(allocation.problems)
  return allocation.addresses
}

interface Wish extends Omit<NicAddress, 'ip'> {
  readonly ip: string | undefined
}

interface Allocation {
  readonly nets: ReadonlyMap<string, NetSubnet>
  readonly addresses: NicAddress[]
  readonly problems: { readonly wish: Wish; readonly message: string }[]
}

function wishesOf(spec: EnvSpec): Wish[] {
  return [...spec.domains.values()].flatMap((domain) =>
    domain.nics.map(({ net, ip }, nic) => ({ vm: domain.name, nic, net, ip })),
  )
}

function placeStatic(allocation: Allocation, wish: NicAddress): void {
  const { nets, addresses, problems } = allocation
  const net = nets.get(wish.net)
  const refuse = (message: string): void => void problems.push({ wish, message })
  if (net === undefined) return refuse(`net "${wish.net}" is a bridge, on which addresses are not given by lago`)
  const { subnet, gateway } = net
  const address = placeWithin(wish.ip, net)
  const ip = formatIpv4(address)
  if (!containsAddress(subnet, address))
    return refuse(`${wish.vm}:nic${wish.nic}'s IP [${ip}] is outside the subnet [${formatSubnet(subnet)}]`)
  if (address === subnet.network || address === lastOf(subnet)) return refuse(`${ip} is not the address of a machine`)
  if (address === gateway) return refuse(`${ip} is the gateway of net "${wish.net}"`)
  const owner = addresses.find((other) => other.net === wish.net && other.ip === ip)
  if (owner !== undefined)
    return refuse(`${ip} is wanted by ${owner.vm} (nic ${owner.nic}) and by ${wish.vm} (nic ${wish.nic})`)
  addresses.push({ ...wish, ip })
}

function placeDynamic({ nets, addresses, problems }: Allocation, wish: Wish): void {
  const net = nets.get(wish.net)
  if (net === undefined) return
  const { subnet, gateway } = net
  const taken = new Set(addresses.filter((other) => other.net === wish.net).map((other) => other.ip))
  for (let address = subnet.network + FIRST_OF_MACHINES; address < lastOf(subnet); address++) {
    const ip = formatIpv4(address)
    if (address !== gateway && !taken.has(ip)) return void addresses.push({ ...wish, ip })
  }
  problems.push({ wish, message: `no address of net "${wish.net}" is free` })
}

/** spec 3.5; the first is the gateway's by default */
const FIRST_OF_MACHINES = 2

/** Only what stands behind the prefix counts where the file cannot know which subnet it will be. */
function placeWithin(ip: string, { subnet, isNamed }: NetSubnet): number {
  const address = parseIpv4(ip) ?? 0 // the file has been checked
  const isRelative = ip.startsWith('0.') || !isNamed || isUpstreams(subnet.network)
  return isRelative ? subnet.network + (address % sizeOf(subnet.length)) : address
}

/** 192.168.200.0 to 192.168.255.255, where the other numbers never counted: spec 3.5. */
function isUpstreams(address: number): boolean {
  return address >= 0xc0_a8_c8_00 && address <= 0xc0_a8_ff_ff
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
