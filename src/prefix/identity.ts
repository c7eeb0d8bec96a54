/** Who a VM of the environment is, as its guest shall know it. */
import { readFile } from 'node:fs/promises'
import type { Identity } from '../bootstrap/types.js'
import type { EnvPlan, VmPlan } from '../plan/types.js'
import type { Host } from './host.js'
import type { PrefixLayout } from './layout.js'

/** Without a host key: who gives one, adds it. */
export async function identityOf(
  {
    host,
    layout,
    plan,
  }: { readonly host: Pick<Host, 'config'>; readonly layout: PrefixLayout; readonly plan: EnvPlan },
  vm: VmPlan,
): Promise<Identity> {
  const { spec, managementNet, nics, disks } = vm
  const domain = plan.nets.get(managementNet)?.dnsDomain
  const onManagement = nics.findIndex((nic) => nic.net === managementNet)
  const distro = spec.distro ?? disks[0]?.metadata['distro']
  return {
    vm: spec.name,
    hostName: spec.name,
    fqdn: domain === undefined ? undefined : `${spec.name}.${domain}`,
    sshUser: spec.sshUser ?? host.config.ssh.user,
    sshPublicKey: (await readFile(layout.sshPublicKey, 'utf8')).trim(),
    rootPassword: spec.rootPassword ?? host.config.vm.defaultRootPassword,
    hostKey: undefined,
    nics: nics.map(({ mac, ip, mtu }, index) => ({ mac, ip, mtu, isManagement: index === onManagement })),
    distro: typeof distro === 'string' ? distro : undefined,
  }
}
