/** The environments whose XML is in test/fixtures/xml/, one directory each. */
import { readFile } from 'node:fs/promises'
import { planEnv } from '../../src/plan/plan-env.js'
import type { EnvPlan } from '../../src/plan/types.js'
import { domainSpec, emptyDisk, envSpec, fileDisk, netSpec, nic, planFacts, templateDisk } from './env-spec.js'

/** Two VMs on one NAT net. */
export function quickstart(): EnvPlan {
  const small = { memoryMiB: 256, vcpus: 1, disks: [templateDisk('root', 'vda')] }
  return planned(envSpec([domainSpec('vm0', small), domainSpec('vm1', small)], [netSpec('lago', { management: true })]))
}

/** A management net and two others, one of them with large packets and one without DHCP; every kind of disk. */
export function manyNets(): EnvPlan {
  const disks = [
    templateDisk('root', 'vda'),
    emptyDisk('data', 'sda', 'raw'),
    emptyDisk('more', 'sdb'),
    fileDisk('own', 'vdb', { rawPath: '$HOME/own.qcow2' }),
    fileDisk('cd', 'hdc', { rawPath: '$HOME/tools.iso', format: 'iso' }),
  ]
  const nics = [nic('lago'), nic('san', '0.0.0.20'), nic('san'), nic('quiet')]
  const lago = { management: true, dnsDomain: 'example.com', dnsRecords: { mirror: '10.0.0.1' } }
  return planned(
    envSpec(
      [domainSpec('storage_1', { memoryMiB: 1001, vcpus: 6, nics, disks })],
      [netSpec('lago', lago), netSpec('san', { mtu: 9000 }), netSpec('quiet', { dhcp: undefined })],
    ),
  )
}

/** What upstream does not know: other lengths, IPv6 of one's own, no way out, the host's bridge. */
export function netsOfEveryKind(): EnvPlan {
  const vm = domainSpec('vm0', { nics: ['nat', 'inside', 'routed', 'lan'].map((net) => nic(net)) })
  return planned(
    envSpec(
      [vm],
      [
        netSpec('nat', {
          management: true,
          subnet: '10.20.0.0/20',
          gateway: '10.20.0.254',
          prefixLength: 20,
          dhcp: { start: 256, end: 4000 },
          dnsForwarders: [
            { address: '192.0.2.53', domain: undefined },
            { address: 'fd00::53', domain: 'corp.example' },
          ],
        }),
        netSpec('inside', {
          type: 'isolated',
          subnet: '10.21.0.0/30',
          prefixLength: 30,
          dhcp: undefined,
          ipv6: 'none',
        }),
        netSpec('routed', {
          type: 'routed',
          prefixLength: 28,
          dhcp: { start: 8, end: 14 },
          ipv6: { prefix: 'fd00:1:2:3::' },
        }),
        netSpec('lan', { type: 'bridge', bridge: 'br0', dhcp: undefined }),
      ],
    ),
  )
}

/** One VM on a bridge of the host. */
export function bridged(): EnvPlan {
  const vm = domainSpec('vm0', { memoryMiB: 512, nics: [nic('br')], disks: [templateDisk('root', 'vda')] })
  return planned(envSpec([vm], [netSpec('br', { type: 'bridge', dhcp: undefined, mtu: 9000 })]))
}

export async function golden(name: string): Promise<string> {
  return readFile(new URL(`../../../test/fixtures/xml/${name}`, import.meta.url), 'utf8')
}

function planned(spec: ReturnType<typeof envSpec>): EnvPlan {
  return planEnv(spec, planFacts(spec))
}
