import { describe, expect, test } from '@jest/globals'
import { parseIpv4, subnetAround } from '../../../src/base/ipv4.js'
import { allocateAddresses, type NetSubnet, type NicAddress } from '../../../src/plan/addresses.js'
import { domainSpec, envSpec, netSpec, nic } from '../../helpers/env-spec.js'

/** What a net with this gateway, which the file names, has in a subnet of this length. */
function netOf(gateway: string, length = 24, isNamed = true): NetSubnet {
  const address = parseIpv4(gateway) ?? 0
  return { subnet: subnetAround(address, length), gateway: address, isNamed }
}

/** `vm0 [ip, ip] ...` on one net: what every nic got, in the order of allocation. */
function allocate(net: string | NetSubnet, vms: Readonly<Record<string, readonly (string | undefined)[]>>): string[] {
  const domains = Object.entries(vms).map(([name, ips]) => domainSpec(name, { nics: ips.map((ip) => nic('lago', ip)) }))
  const addresses = allocateAddresses(
    envSpec(domains, [netSpec('lago')]),
    new Map([['lago', typeof net === 'string' ? netOf(net) : net]]),
  )
  return addresses.map(({ vm, nic, ip }) => `${vm}:${nic} ${ip}`)
}

describe('dynamic addresses', () => {
  test.each([
    [
      'start at .2, in the order of the file',
      '192.168.200.1',
      { b: [undefined], a: [undefined, undefined] },
      ['b:0 192.168.200.2', 'a:0 192.168.200.3', 'a:1 192.168.200.4'],
    ],
    [
      'leave out what a later VM wants',
      '192.168.200.1',
      { a: [undefined], b: ['0.0.0.2'] },
      ['b:0 192.168.200.2', 'a:0 192.168.200.3'],
    ],
    ['leave out a gateway that is not .1', '192.168.200.2', { a: [undefined] }, ['a:0 192.168.200.3']],
  ])('%s', (_, gateway, vms, expected) => {
    expect(allocate(gateway, vms)).toEqual(expected)
  })

  test('253 fit into a net, the next one does not', () => {
    const full = (count: number): string[] =>
      allocate('192.168.200.1', { a: new Array<undefined>(count).fill(undefined) })
    expect(full(253).at(-1)).toBe('a:252 192.168.200.254')
    expect(() => full(254)).toThrow(
      expect.objectContaining({
        code: 'LAGO_SPEC_INVALID',
        message: 'domains.a.nics[253].ip: no address of net "lago" is free',
      }),
    )
  })
})

describe('static addresses', () => {
  test.each([
    ['follow the leased subnet', '192.168.207.1', '192.168.200.5', '192.168.207.5'],
    ['follow the last leasable subnet', '192.168.255.1', '10.1.1.5', '192.168.255.5'],
    ['may be given without a subnet', '192.168.200.1', '0.0.0.254', '192.168.200.254'],
    ['stay as they are in a subnet that is not leased', '10.1.2.1', '10.1.2.9', '10.1.2.9'],
    ['may be given without a subnet there, too', '10.1.2.1', '0.0.0.9', '10.1.2.9'],
  ])('%s', (_, gateway, given, expected) => {
    expect(allocate(gateway, { a: [given] })).toEqual([`a:0 ${expected}`])
  })

  test.each([
    [
      'outside a subnet that is not leased',
      '10.1.2.1',
      ['10.1.3.9'],
      "a:nic0's IP [10.1.3.9] is outside the subnet [10.1.2.0/24]",
    ],
    [
      'below the leasable range',
      '192.168.199.1',
      ['192.168.200.9'],
      "a:nic0's IP [192.168.200.9] is outside the subnet [192.168.199.0/24]",
    ],
    ['of the gateway', '192.168.200.1', ['0.0.0.1'], '192.168.200.1 is the gateway of net "lago"'],
    ['of the net', '192.168.200.1', ['192.168.200.0'], '192.168.200.0 is not the address of a machine'],
    ['for everybody', '192.168.200.1', ['0.0.0.255'], '192.168.200.255 is not the address of a machine'],
    [
      'taken by the same VM',
      '192.168.200.1',
      ['0.0.0.7', '0.0.0.7'],
      '192.168.200.7 is wanted by a (nic 0) and by a (nic 1)',
    ],
  ])('an address %s is refused', (_, gateway, ips, message) => {
    expect(() => allocate(gateway, { a: ips })).toThrow(
      expect.objectContaining({
        code: 'LAGO_SPEC_INVALID',
        message: `domains.a.nics[${ips.length - 1}].ip: ${message}`,
      }),
    )
  })

  test.each([
    ['/20', netOf('10.20.0.1', 20), '10.20.15.254', '10.20.15.254'],
    ['/28', netOf('10.20.0.17', 28), '10.20.0.30', '10.20.0.30'],
    ['/16, counted', netOf('10.20.0.1', 16), '0.0.3.7', '10.20.3.7'],
    [
      'chosen /20: only what stands behind the prefix counts',
      netOf('10.64.16.1', 20, false),
      '10.5.18.7',
      '10.64.18.7',
    ],
  ])('fit into a %s', (_, net, given, expected) => {
    expect(allocate(net, { a: [given] })).toEqual([`a:0 ${expected}`])
  })

  test.each([
    ['/20', netOf('10.20.0.1', 20), '10.20.16.1', "a:nic0's IP [10.20.16.1] is outside the subnet [10.20.0.0/20]"],
    ['/30', netOf('10.20.0.1', 30), '0.0.0.3', '10.20.0.3 is not the address of a machine'],
  ])('do not fit into a %s', (_, net, given, message) => {
    expect(() => allocate(net, { a: [given] })).toThrow(`domains.a.nics[0].ip: ${message}`)
  })

  test('a /30 has room for one machine', () => {
    expect(allocate(netOf('10.20.0.1', 30), { a: [undefined] })).toEqual(['a:0 10.20.0.2'])
    expect(() => allocate(netOf('10.20.0.1', 30), { a: [undefined, undefined] })).toThrow('no address of net')
  })

  test('all problems are told at once, each with its place', () => {
    const wrong = (): string[] => allocate('192.168.200.1', { a: ['0.0.0.5'], b: ['0.0.0.5', '0.0.0.1'] })
    expect(wrong).toThrow(
      expect.objectContaining({
        message:
          'domains.b.nics[0].ip: 192.168.200.5 is wanted by a (nic 0) and by b (nic 0); ' +
          'domains.b.nics[1].ip: 192.168.200.1 is the gateway of net "lago"',
        data: {
          issues: [
            expect.objectContaining({ path: 'domains.b.nics[0].ip', severity: 'error' }),
            expect.objectContaining({ path: 'domains.b.nics[1].ip', severity: 'error' }),
          ],
        },
      }),
    )
  })

  test('the same address on two nets is two addresses', () => {
    const spec = envSpec(
      [domainSpec('a', { nics: [nic('x', '0.0.0.9'), nic('y', '0.0.0.9')] })],
      [netSpec('x'), netSpec('y')],
    )
    const subnets = new Map([
      ['x', netOf('192.168.200.1')],
      ['y', netOf('192.168.201.1')],
    ])
    expect(allocateAddresses(spec, subnets).map(({ ip }) => ip)).toEqual(['192.168.200.9', '192.168.201.9'])
  })
})

describe('on a bridge', () => {
  const onBridge = (ip: string | undefined): readonly NicAddress[] =>
    allocateAddresses(
      envSpec([domainSpec('a', { nics: [nic('br', ip)] })], [netSpec('br', { type: 'bridge' })]),
      new Map(),
    )

  test('a nic gets no address', () => {
    expect(onBridge(undefined)).toEqual([])
  })

  test('an address of the file is refused', () => {
    expect(() => onBridge('192.168.200.5')).toThrow(
      expect.objectContaining({
        code: 'LAGO_SPEC_INVALID',
        message: 'domains.a.nics[0].ip: net "br" is a bridge, on which addresses are not given by lago',
      }),
    )
  })
})
