/**
 * A look at an image that is to become a machine, without starting it: what is on it, and who will set it up at its
 * first start. Read-only, and nothing in the image is trusted. This file knows nothing of what the facts are used for.
 */
import { isLagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import type { Ext4 } from '../disk/ext4/file-system.js'
import { whyNotWritable } from '../disk/ext4/writable.js'
import { fileSystemKind } from '../disk/file-system-kind.js'
import { openImage, type OpenImage } from '../disk/open-image.js'
import { locateRoot, placesOf } from '../disk/root-file-system.js'
import { readCloudInit, type CloudInit } from './image-facts/cloud-init.js'
import { imageFiles, type ImageFiles } from './image-facts/files.js'
import { readMountPoints } from './image-facts/fstab.js'
import { readInit, type Init } from './image-facts/init.js'
import { readNetworkStack, type NetworkStack } from './image-facts/network.js'
import { readOsRelease, type OsRelease } from './image-facts/os-release.js'
import type { RootDisk } from './types.js'

export type ImageFacts = ReadableImage | UnreadableImage

export interface UnreadableImage {
  readonly rootFs: undefined
  /** One line: `there is no ext2, ext3 or ext4 with an /etc on it, but xfs`. */
  readonly why: string
  /** What can be told by its first bytes of what is on it: `xfs`, `LVM`; none: nothing that is known. */
  readonly contents: readonly string[]
}

export interface ReadableImage {
  readonly rootFs: {
    /** One line; undefined: files may be written into it. */
    readonly whyNotWritable: string | undefined
  }
  readonly system: SystemFacts
}

export interface SystemFacts {
  readonly os: OsRelease | undefined
  readonly init: Init
  readonly cloudInit: CloudInit
  readonly network: NetworkStack
  readonly seLinux: 'enforcing' | 'permissive' | 'off' | 'none'
  readonly hasGuestAgent: boolean
  readonly sshServer: 'openssh' | 'dropbear' | undefined
  /** Where other file systems are mounted at the start. */
  readonly mountPoints: readonly string[]
}

/** A hostile image may keep us busy for ever. */
const TIMEOUT_MS = 30_000

/**
 * Looks at a template or an overlay, which may be in use. Throws as `openImage` does, and `LAGO_TIMEOUT` after 30 s; what
 * cannot be read in it is no error.
 */
export async function lookAtImage(task: Task, disk: RootDisk): Promise<ImageFacts> {
  await using image = await openImage(task, disk)
  return await task.within(TIMEOUT_MS, `looking at the image ${disk.path}`, async (task) =>
    readFacts(task, image, disk).catch((error: unknown) => {
      if (!isLagoError(error, 'LAGO_DISK_UNREADABLE')) throw error
      return { rootFs: undefined, why: error.message, contents: ['ext'] } // it was taken for one, and is damaged
    }),
  )
}

async function readFacts(task: Task, image: OpenImage, disk: RootDisk): Promise<ImageFacts> {
  const root = await locateRoot(task, image, disk.rootPartition)
  if (root === undefined) return noRoot(task, image, disk)
  return {
    rootFs: { whyNotWritable: await whyNotWritable(task, root.source) },
    system: await readSystem(task, root.fs),
  }
}

async function noRoot(task: Task, image: OpenImage, disk: RootDisk): Promise<UnreadableImage> {
  const kinds = new Set<string>()
  for (const { source } of await placesOf(task, image, disk.rootPartition)) {
    const kind = await fileSystemKind(task, source)
    if (kind !== undefined) kinds.add(kind)
  }
  const contents = [...kinds].sort()
  const instead = contents.length === 0 ? '' : `, but ${contents.join(', ')}`
  return { rootFs: undefined, why: `there is no ext2, ext3 or ext4 with an /etc on it${instead}`, contents }
}

/** Throws `LAGO_DISK_UNREADABLE` for what is damaged. */
export async function readSystem(task: Task, fs: Ext4): Promise<SystemFacts> {
  const files = imageFiles(task, fs)
  const init = await readInit(files)
  return {
    os: await readOsRelease(files),
    init,
    cloudInit: await readCloudInit(files, init),
    network: await readNetworkStack(files, init),
    seLinux: await readSeLinux(files),
    hasGuestAgent: await files.hasAny('/usr/sbin/qemu-ga', '/usr/bin/qemu-ga'),
    sshServer: await readSshServer(files),
    mountPoints: await readMountPoints(files),
  }
}

async function readSeLinux(files: ImageFiles): Promise<SystemFacts['seLinux']> {
  const text = await files.text('/etc/selinux/config')
  if (text === undefined) return 'none'
  const value = /^[ \t]*SELINUX=(\w+)/m.exec(text)?.[1]
  if (value === 'permissive') return 'permissive'
  return value === 'disabled' ? 'off' : 'enforcing' // the default of libselinux
}

async function readSshServer(files: ImageFiles): Promise<SystemFacts['sshServer']> {
  if (await files.has('/usr/sbin/sshd')) return 'openssh'
  return (await files.hasAny('/usr/sbin/dropbear', '/usr/bin/dropbear')) ? 'dropbear' : undefined
}
