/** The service managers by the names that init files and prefixes use, in the order in which guests are asked. */
import type { ServiceManager } from './manager.js'
import { systemdContainer } from './systemd-container.js'
import { systemd } from './systemd.js'
import { sysvinit } from './sysvinit.js'

export const serviceManagers: Readonly<Record<string, ServiceManager>> = {
  systemd,
  sysvinit,
  systemdcontainer: systemdContainer,
}
