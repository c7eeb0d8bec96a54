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

async function routesOf(...routes: readonly (readonly [string, string, string])[]): Promise<string[]> {
  const routesPath = path.join(await tempDir(), 'route')
  const lines = routes.map(([device, destination, mask]) =>
    [device, word(destination), word('0.0.0.0'), '0001', 0, 0, 0, word(mask), 0, 0, 0].join('\t'),
  )
  const header = 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT'
  await writeFile(routesPath, [header, ...lines, ''].join('   \n'))
  return (await readHostRoutes(routesPath)).map(({ what, mayContain }) => `${what} ${mayContain}`)
}

test('routes are read with their device, the default one left out', async () => {
  expect(
    await routesOf(
      ['eth0', '0.0.0.0', '0.0.0.0'],
      ['virbr1', '192.168.200.0', '255.255.255.0'],
      ['tun0', '10.0.0.0', '255.0.0.0'],
      ['tun0', '192.168.200.7', '255.255.255.255'],
      ['tun0', '128.0.0.0', '128.0.0.0'],
    ),
  ).toEqual([
    'the route to 192.168.200.0/24 (virbr1) true',
    'the route to 10.0.0.0/8 (tun0) true',
    'the route to 192.168.200.7/32 (tun0) true',
    'the route to 128.0.0.0/1 (tun0) true',
  ])
})

test('a host that shows no routes uses nothing', async () => {
  expect(await readHostRoutes('/nonexistent/route')).toEqual([])
})

test('the routes of this very host can be read', async () => {
  expect((await readHostRoutes()).filter(({ what }) => what.includes('203.0.113.'))).toEqual([])
})
