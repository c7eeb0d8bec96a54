import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  formatIpv4,
  formatSubnet,
  isPrivate,
  lastOf,
  netmaskOf,
  overlaps,
  parseAddressRange,
  parseIpv4,
  parseSubnet,
  subnetAround,
  type Subnet,
} from '../../../src/base/ipv4.js'

const address = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const subnet = fc.tuple(address, fc.integer({ min: 0, max: 32 })).map(([at, length]) => subnetAround(at, length))

describe('addresses', () => {
  test('what is written is what was read', () => {
    fc.assert(fc.property(address, (at) => parseIpv4(formatIpv4(at)) === at))
    fc.assert(fc.property(subnet, (one) => formatSubnet(parseSubnet(formatSubnet(one)) ?? one) === formatSubnet(one)))
  })

  test.each(['', '1.2.3', '1.2.3.256', '01.2.3.4', '1.2.3.4 ', '::1', '1.2.3.4/24'])('%j is none', (text) => {
    expect(parseIpv4(text)).toBeUndefined()
  })

  test.each(['10.0.0.1/24', '10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '/24', '10.0.0.0/24/24', 'x/24'])(
    '%j is no subnet',
    (text) => {
      expect(parseSubnet(text)).toBeUndefined()
    },
  )

  test.each([
    [0, '0.0.0.0'],
    [16, '255.255.0.0'],
    [20, '255.255.240.0'],
    [30, '255.255.255.252'],
    [32, '255.255.255.255'],
  ])('/%i is %s', (length, mask) => {
    expect(netmaskOf(length)).toBe(mask)
  })
})

test('two subnets overlap exactly when they have an address in common', () => {
  const common = (a: Subnet, b: Subnet): boolean => Math.max(a.network, b.network) <= Math.min(lastOf(a), lastOf(b))
  fc.assert(fc.property(subnet, subnet, (a, b) => overlaps(a, b) === common(a, b)))
  fc.assert(fc.property(subnet, (a) => overlaps(a, subnetAround(lastOf(a), 32))))
})

test.each([
  ['10.0.0.0/8', true],
  ['10.255.255.252/30', true],
  ['172.15.0.0/16', false],
  ['172.31.255.0/24', true],
  ['192.168.0.0/15', false],
  ['100.127.0.0/16', true],
  ['198.20.0.0/16', false],
])('%s is private: %s', (text, expected) => {
  expect(isPrivate(parseSubnet(text) ?? { network: 0, length: 0 })).toBe(expected)
})

test.each([
  ['10.64.0.0/10', '10.64.0.0 10.127.255.255'],
  ['192.168.200.0/24 - 192.168.255.0/24', '192.168.200.0 192.168.255.255'],
  ['10.0.0.1-10.0.0.9', '10.0.0.1 10.0.0.9'],
  ['10.0.0.9 - 10.0.0.1', undefined],
  ['10.0.0.0', '10.0.0.0 10.0.0.0'],
  ['a - b', undefined],
  ['10.0.0.0 - 10.0.0.1 - 10.0.0.2', undefined],
])('the range %j', (text, expected) => {
  const range = parseAddressRange(text)
  expect(range === undefined ? undefined : `${formatIpv4(range.first)} ${formatIpv4(range.last)}`).toBe(expected)
})
