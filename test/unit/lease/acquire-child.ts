/** Takes a subnet from the directory argv[2] for the uuid file argv[3], prints it and ends. */
import { readFile } from 'node:fs/promises'
import { formatSubnet } from '../../../src/base/ipv4.js'
import { openSubnetLeases } from '../../../src/lease/subnet-leases.js'
import { recordedTask } from '../../helpers/recorded-task.js'

const [, , dir = '', uuidPath = ''] = process.argv
const leases = openSubnetLeases(dir, { lockWaitMs: 60_000, neighbours: async () => [] })
const lease = await leases.acquire(
  recordedTask().task,
  { uuidPath, uuid: await readFile(uuidPath, 'utf8') },
  { length: 24 },
)
console.log(formatSubnet(lease.subnet))
