/**
 * What a guest is told before its first start, without a change to its image: systemd credentials in the SMBIOS tables
 * of its machine (systemd.system-credentials(7)). The mini guest reads them, and so does every systemd since 252.
 *
 * They can be seen on the host, in the XML of the domain and among qemu's arguments: nothing secret goes in here.
 */
export function guestCredentials(vm: { hostName: string; sshPublicKey: string }): string[] {
  return [binary('ssh.authorized_keys.root', vm.sshPublicKey), `io.systemd.credential:system.hostname=${vm.hostName}`]
}

function binary(name: string, value: string): string {
  return `io.systemd.credential.binary:${name}=${Buffer.from(value).toString('base64')}`
}
