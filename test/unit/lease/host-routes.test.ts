import { writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { readHostRoutes } from '../../../src/lease/host-routes.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()

/** An address as /proc/net/route has it: a word in the host's byte order. */
function word(address: string): string {
  const bytes = Buffer.from(address.split('.').map(Number))
  return (os.endianness() === 'LE' ? bytes.reverse() : bytes).toString('hex').toUpperCase()
}

test.each([
  ['a /24', '192.168.200.0', '255.255.255.0', true],
  ['a part of it', '192.168.200.128', '255.255.255.128', true],
  ['one host in it', '192.168.200.7', '255.255.255.255', true],
  ['a neighbour', '192.168.201.0', '255.255.255.0', false],
  ['a wider net around it', '192.168.0.0', '255.255.0.0', false],
  ['the default route', '0.0.0.0', '0.0.0.0', false],
])('a route to %s', async (_, destination, mask, isUsed) => {
  const routesPath = path.join(await tempDir(), 'route')
  const line = ['virbr1', word(destination), word('0.0.0.0'), '0001', 0, 0, 0, word(mask), 0, 0, 0].join('\t')
  await writeFile(
    routesPath,
    `Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n${line}   \n`,
  )
  expect((await readHostRoutes(routesPath))('192.168.200.0/24')).toBe(isUsed)
})

test('a host that shows no routes uses nothing', async () => {
  expect((await readHostRoutes('/nonexistent/route'))('192.168.200.0/24')).toBe(false)
})

test('the routes of this very host can be read', async () => {
  expect((await readHostRoutes())('203.0.113.0/24')).toBe(false)
})
