/** `54:52:` and the four numbers of the address: 192.168.200.2 has 54:52:c0:a8:c8:02 (spec 5.3). */
export function macOf(ip: string): string {
  const octets = ip.split('.').map((octet) => Number(octet).toString(16).padStart(2, '0'))
  return ['54', '52', ...octets].join(':')
}
