/** Where everything is in a prefix (spec 2.2). The one place that knows these names. */
import path from 'node:path'
import { OLD_MARKER } from '../base/prefix-era.js'
import type { SnapshotFiles } from '../vm/provider.js'

/** Absolute paths. */
export interface PrefixLayout {
  readonly dir: string
  /** 32 hex characters without a line end; leases point at it. */
  readonly uuid: string
  /** Empty; a directory is a prefix when it has this file. Written last, removed first. */
  readonly initialized: string
  /** The same in era 0.x, beside it. */
  readonly oldMarker: string
  readonly sshKey: string
  readonly sshPublicKey: string
  readonly metadata: string
  readonly images: string
  readonly virt: string
  /** The names of the nets and VMs. */
  readonly env: string
  readonly scripts: string
  readonly logs: string
  readonly log: string
  /** What scenarios leave: their report, and the logs of the VMs after a test that failed. */
  readonly testLogs: string
  net(name: string): string
  vm(name: string): string
  /** What the VM's serial port printed, from its first byte on. */
  consoleLog(vm: string): string
  /** The host key that the VM showed first; in the format of known_hosts. */
  knownHosts(vm: string): string
  /** Which deploy scripts have run in the VM, and how they ended. */
  deployed(vm: string): string
  /** Until when the environment is wanted, as an ISO 8601 time; there is no such file without a limit. */
  readonly expires: string
  /** What is being done to the VMs, for when it is not brought to its end. */
  readonly underWay: string
  /** The memory of a VM that was put to sleep; `xml`: what machine it was. */
  suspended(vm: string): SnapshotFiles
  /** What a snapshot has beside the disks: the machine, and copies of `knownHosts` and `deployed`. */
  snapshot(vm: string, snapshot: string): SnapshotFiles & { readonly knownHosts: string; readonly deployed: string }
}

/** `dir` is absolute. */
export function prefixLayout(dir: string): PrefixLayout {
  const virt = path.join(dir, 'virt')
  const logs = path.join(dir, 'logs')
  const images = path.join(dir, 'images')
  return {
    dir,
    uuid: path.join(dir, 'uuid'),
    initialized: path.join(dir, 'initialized'),
    oldMarker: path.join(dir, OLD_MARKER),
    sshKey: path.join(dir, 'id_rsa'),
    sshPublicKey: path.join(dir, 'id_rsa.pub'),
    metadata: path.join(dir, 'metadata'),
    images,
    virt,
    env: path.join(virt, 'env'),
    scripts: path.join(dir, 'scripts'),
    logs,
    log: path.join(logs, 'lago.log'),
    testLogs: path.join(dir, 'test_logs'),
    net: (name) => path.join(virt, `net-${name}`),
    vm: (name) => path.join(virt, `vm-${name}`),
    consoleLog: (vm) => path.join(logs, `console-${vm}.log`),
    knownHosts: (vm) => path.join(virt, `known_hosts-${vm}`),
    deployed: (vm) => path.join(virt, `deployed-${vm}`),
    expires: path.join(dir, 'expires'),
    underWay: path.join(virt, 'under-way'),
    suspended: (vm) => ({
      memory: path.join(images, `${vm}.suspended`),
      xml: path.join(virt, `suspended-${vm}.xml`),
      rootDir: dir,
    }),
    snapshot: (vm, snapshot) => ({
      memory: path.join(images, `${vm}.${snapshot}.memory`),
      xml: path.join(virt, `snapshot-${vm}.${snapshot}.xml`),
      knownHosts: path.join(virt, `snapshot-${vm}.${snapshot}.known_hosts`),
      deployed: path.join(virt, `snapshot-${vm}.${snapshot}.deployed`),
      rootDir: dir,
    }),
  }
}

/** Leases are held in the name of the prefix's uuid file (spec 5.5). */
export function leaseOwner({ uuid: uuidPath }: PrefixLayout, uuid: string): { uuidPath: string; uuid: string } {
  return { uuidPath, uuid }
}
