/** Which addresses libvirt's networks have, those that are defined and down included: they may come up at any time. */
import { parseIpv4, subnetAround } from '../base/ipv4.js'
import type { Neighbour } from '../lease/types.js'
import type { FoundNetwork } from '../libvirt/types.js'

export function networkNeighbours(networks: ReadonlyMap<string, FoundNetwork>): readonly Neighbour[] {
  return [...networks].flatMap(([name, { xml }]) =>
    [...xml.matchAll(/<ip\b([^>]*)>/g)].flatMap(([, attributes = '']): Neighbour[] => {
      const address = parseIpv4(attributeOf(attributes, 'address') ?? '')
      const length = prefixLengthOf(attributes)
      if (address === undefined || length === undefined) return []
      return [{ subnet: subnetAround(address, length), what: `the libvirt network "${name}"`, mayContain: false }]
    }),
  )
}

/** libvirt writes a netmask or a prefix, as it was given; nothing for the classes of old. */
function prefixLengthOf(attributes: string): number | undefined {
  const prefix = attributeOf(attributes, 'prefix')
  const mask = parseIpv4(attributeOf(attributes, 'netmask') ?? '')
  if (prefix !== undefined) return Number(prefix)
  return mask === undefined ? undefined : 32 - Math.round(Math.log2(2 ** 32 - mask))
}

function attributeOf(attributes: string, name: string): string | undefined {
  const [, single, double] = new RegExp(`\\b${name}=(?:'([^']*)'|"([^"]*)")`).exec(attributes) ?? []
  return single ?? double
}
