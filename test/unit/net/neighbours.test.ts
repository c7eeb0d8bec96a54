import { expect, test } from '@jest/globals'
import { formatSubnet } from '../../../src/base/ipv4.js'
import { networkNeighbours } from '../../../src/net/neighbours.js'

/** As libvirt writes it. */
function found(ip: string): string[] {
  const networks = new Map([['lan', { isActive: false, xml: `<network>\n  <name>lan</name>\n  ${ip}\n</network>` }]])
  return networkNeighbours(networks).map(
    ({ subnet, what, mayContain }) => `${formatSubnet(subnet)} ${what} ${mayContain}`,
  )
}

test.each([
  ["<ip address='192.168.122.1' netmask='255.255.255.0'>\n<dhcp/></ip>", ['192.168.122.0/24']],
  ["<ip address='10.1.2.3' prefix='20'/>", ['10.1.0.0/20']],
  [
    "<ip family='ipv4' address='10.1.2.3' prefix='30'/><ip address='10.9.0.1' prefix='16'/>",
    ['10.1.2.0/30', '10.9.0.0/16'],
  ],
  ["<ip family='ipv6' address='fd00::1' prefix='64'/>", []],
  ["<forward mode='bridge'/>", []],
])('%s', (ip, subnets) => {
  expect(found(ip)).toEqual(subnets.map((subnet) => `${subnet} the libvirt network "lan" false`))
})
