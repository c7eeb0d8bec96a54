/** What `inject` has to know of an image before it decides what to write: read once, so that the rest can be pure. */
import type { Task } from '../../base/task.js'
import type { Ext4 } from '../../disk/ext4/file-system.js'
import { readSystem, type SystemFacts } from '../image-facts.js'
import { imageFiles, type ImageFiles } from '../image-facts/files.js'
import { BOOT_TARGETS, NETWORKD } from '../image-facts/network.js'
import { findUnit, isEnabled } from '../image-facts/units.js'
import { findAccount, ROOT, type Account } from './accounts.js'

export interface Snapshot {
  readonly system: SystemFacts
  /** Of `root`, whose home is looked up as any other's. */
  readonly root: Account
  /** The user that Lago logs in as; undefined: there is no such user. */
  readonly sshUser: Account | undefined
  /** By path; what is not there has no entry. */
  readonly files: ReadonlyMap<string, ExistingFile>
  /** The names in directories that are there, by path. */
  readonly directories: ReadonlyMap<string, readonly string[]>
  /** The path of each unit that the network needs and that is not enabled. */
  readonly unitsToEnable: readonly string[]
}

export interface ExistingFile {
  /** As latin1, so that bytes that are no text stay as they are. */
  readonly text: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

const FILES = [
  '/etc/passwd',
  '/etc/shadow',
  '/etc/hosts',
  '/etc/machine-id',
  '/etc/ssh/sshd_config',
  '/etc/sysconfig/network',
  '/var/lib/dbus/machine-id',
] as const

const DIRECTORIES = ['/etc/ssh', '/etc/dropbear', '/etc/iscsi'] as const

/** Throws `LAGO_DISK_UNREADABLE` for what is damaged or too large. */
export async function readSnapshot(task: Task, fs: Ext4, sshUserName: string): Promise<Snapshot> {
  const files = imageFiles(task, fs)
  const passwd = (await files.text('/etc/passwd')) ?? ''
  const root = findAccount(passwd, 'root') ?? ROOT
  const sshUser = findAccount(passwd, sshUserName)
  const homes = [root, sshUser].filter((account) => account !== undefined).map(({ homeDir }) => homeDir)
  const system = await readSystem(task, fs)
  return {
    system,
    root,
    sshUser,
    files: await readFiles(files, [...FILES, ...homes.map(keysPathIn)]),
    directories: await readDirectories(files, [...DIRECTORIES, ...homes]),
    unitsToEnable: await findUnitsToEnable(files, system),
  }
}

export function keysPathIn(homeDir: string): string {
  return `${homeDir}/.ssh/authorized_keys`
}

async function readFiles(files: ImageFiles, paths: readonly string[]): Promise<Map<string, ExistingFile>> {
  const found = new Map<string, ExistingFile>()
  for (const path of paths) {
    const text = await files.text(path)
    const inode = await files.find(path)
    if (text !== undefined && inode !== undefined)
      found.set(path, { text, mode: inode.mode, uid: inode.uid, gid: inode.gid })
  }
  return found
}

async function readDirectories(files: ImageFiles, paths: readonly string[]): Promise<Map<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>()
  for (const path of paths) if ((await files.find(path))?.type === 'directory') found.set(path, await files.names(path))
  return found
}

/** resolved makes use of the name servers that networkd is told. */
async function findUnitsToEnable(files: ImageFiles, { network }: SystemFacts): Promise<readonly string[]> {
  if (network !== 'networkd' || (await isEnabled(files, NETWORKD, BOOT_TARGETS))) return []
  const paths = [await findUnit(files, NETWORKD), await findUnit(files, RESOLVED)]
  return paths.filter((path) => path !== undefined)
}

export const RESOLVED = 'systemd-resolved.service'
