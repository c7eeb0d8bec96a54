/** Interfaces as they stand in the XML that libvirt gives of a running domain. Pure. */

export interface LiveInterface {
  /** The element as libvirt wrote it. */
  readonly xml: string
  /** The tap on this host; undefined where the driver has none. */
  readonly tap: string | undefined
  readonly isDown: boolean
  readonly hasBandwidth: boolean
}

/** By MAC address, in lower case. libvirt writes attributes in single quotes. */
export function interfacesIn(domainXml: string): ReadonlyMap<string, LiveInterface> {
  const blocks = domainXml.match(/<interface [^]*?<\/interface>/g) ?? []
  return new Map(
    blocks.flatMap((xml) => {
      const mac = /<mac address='([^']*)'/.exec(xml)?.[1]?.toLowerCase()
      return mac === undefined ? [] : [[mac, liveInterface(xml)] as const]
    }),
  )
}

function liveInterface(xml: string): LiveInterface {
  return {
    xml,
    tap: /<target dev='([^']*)'/.exec(xml)?.[1],
    isDown: /<link state='down'\/>/.test(xml),
    hasBandwidth: /<(?:in|out)bound\b/.test(xml),
  }
}

/** The same element with the link up or down. */
export function withLinkState(xml: string, isDown: boolean): string {
  const without = xml.replace(/\s*<link state='[^']*'\/>/, '')
  return without.replace(/(<mac address='[^']*'\/>)/, `$1<link state='${isDown ? 'down' : 'up'}'/>`)
}

/** Whether a kept machine has a link that was degraded when it was kept. */
export function hasDegradedLinks(domainXml: string): boolean {
  return [...interfacesIn(domainXml).values()].some(({ isDown, hasBandwidth }) => isDown || hasBandwidth)
}
