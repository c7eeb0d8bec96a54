/** Every check, in the order of the table. */
import { clock } from './clock.js'
import { apparmor, selinux } from './confinement.js'
import { cpuExtensions, kvm, kvmDevice, nested } from './cpu.js'
import { libvirt } from './daemon.js'
import { leaseDir, storeDir } from './directories.js'
import { firewall, ipForward } from './forwarding.js'
import { groups } from './groups.js'
import { leftovers } from './leftovers.js'
import { dnsmasq, emulator, optionalPrograms, qemuImg, sshClient } from './programs.js'
import { qemuReach } from './reach.js'
import { diskSpace, memory } from './resources.js'
import type { Check } from './types.js'

export const CHECKS: readonly Check[] = [
  ...[cpuExtensions, kvm, kvmDevice, nested],
  ...[libvirt, groups, qemuReach, selinux, apparmor],
  ...[emulator, qemuImg, dnsmasq, sshClient, optionalPrograms],
  ...[memory, diskSpace, storeDir, leaseDir],
  ...[clock, ipForward, firewall],
  leftovers,
]
