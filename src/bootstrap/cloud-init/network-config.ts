/** The `network-config` of a NoCloud seed: every nic by DHCP, found by its MAC (cloud-init, "Networking config version 2"). */
import type { Identity, IdentityNic } from '../types.js'
import { yamlText } from './yaml-text.js'

/**
 * Interfaces keep the names that the guest gives them, since there is no `set-name`. cloud-init before 22.2 takes the keys
 * for names where it does not use netplan.
 */
export function renderNetworkConfig(nics: Identity['nics']): string {
  const ethernets = Object.fromEntries(nics.map((nic, index) => [`eth${index}`, ethernet(nic)]))
  return yamlText({ version: 2, ethernets })
}

function ethernet({ mac, mtu, isManagement }: IdentityNic): Readonly<Record<string, unknown>> {
  return {
    match: { macaddress: mac.toLowerCase() },
    dhcp4: true,
    'dhcp4-overrides': { 'route-metric': isManagement ? MANAGEMENT_METRIC : OTHER_METRIC },
    mtu,
    // a bridge of the user's may have no DHCP server, for which a boot would wait
    ...(isManagement ? {} : { optional: true }),
  }
}

/** Both are told: without a metric some network managers take a lower one, and some a higher. */
const MANAGEMENT_METRIC = 100
const OTHER_METRIC = 200
