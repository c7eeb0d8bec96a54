/** libvirt's own in-memory driver: no daemon, no guests; its objects are shared by all connections of one process. */
export const TEST_URI = 'test:///default'

export function domainXml(name: string): string {
  return `<domain type='test'><name>${name}</name><memory unit='MiB'>64</memory><vcpu>2</vcpu><os><type>hvm</type></os></domain>`
}

export function networkXml(name: string): string {
  return `<network><name>${name}</name><ip address='192.0.2.1' netmask='255.255.255.0'/></network>`
}
