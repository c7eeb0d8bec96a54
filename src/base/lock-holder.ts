/** Who holds a flock(2) lock, from what the kernel tells in /proc; no file of ours is needed. */
import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'

export interface LockHolder {
  /** Undefined when /proc does not tell: another user's processes may be hidden. */
  readonly pid: number | undefined
  /** `pid 123 (lago start vm0), running for 35 s`, or `another process`. */
  readonly text: string
}

const UNKNOWN: LockHolder = { pid: undefined, text: 'another process' }

/** Never throws: it only serves messages. */
export function findLockHolder(lockPath: string): LockHolder {
  try {
    const pid = pidOfLock(readFileSync('/proc/locks', 'utf8'), statSync(lockPath))
    if (pid === undefined) return UNKNOWN
    const command = commandOf(pid)
    const whose = pid === process.pid ? 'this process' : `pid ${pid}`
    return { pid, text: `${whose} (${command}), running for ${ageSeconds(pid)} s` }
  } catch {
    return UNKNOWN // gone in the meantime, or hidden
  }
}

/**
 * The process that /proc/locks gives for a file. Exported for its test.
 *
 * btrfs and overlayfs show another device there than stat(2), so a single lock on the same inode number counts too.
 */
export function pidOfLock(locks: string, file: { readonly dev: number; readonly ino: number }): number | undefined {
  const held = [...locks.matchAll(FLOCK_LINE)].map(([, pid, major, minor, inode]) => ({
    pid: Number(pid),
    device: `${parseInt(major ?? '', 16)}:${parseInt(minor ?? '', 16)}`,
    inode: Number(inode),
  }))
  const sameInode = held.filter((lock) => lock.inode === file.ino)
  const exact = sameInode.find((lock) => lock.device === deviceText(file.dev))
  const found = exact ?? (sameInode.length === 1 ? sameInode[0] : undefined)
  return found !== undefined && found.pid > 0 ? found.pid : undefined // 0: in another pid namespace
}

// proc(5): "1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF"; a line with "->" is one that waits
const FLOCK_LINE = /^\d+: FLOCK +\w+ +WRITE +(\d+) +([0-9a-f]+):([0-9a-f]+):(\d+) /gm

/** sys/sysmacros.h, glibc 2.36: the halves of a device number are interleaved. */
function deviceText(dev: number): string {
  const bits = BigInt(dev)
  const major = ((bits >> 8n) & 0xfffn) | ((bits >> 32n) & 0xfffff000n)
  const minor = (bits & 0xffn) | ((bits >> 12n) & 0xffffff00n)
  return `${major}:${minor}`
}

const MAX_COMMAND_LENGTH = 100

/** Programs and scripts by their names alone; options are left out, for there may be passwords among them. */
function commandOf(pid: number): string {
  const [program = '', first = '', ...others] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').trim().split('\0')
  const options = others.findIndex((word) => word.startsWith('-'))
  const words = others.slice(0, options === -1 ? undefined : options)
  const command = [path.basename(program), path.basename(first), ...words].join(' ').trim()
  return command.length > MAX_COMMAND_LENGTH ? `${command.slice(0, MAX_COMMAND_LENGTH)}...` : command
}

const TICKS_PER_SECOND = 100 // USER_HZ, the same on every architecture that runs libvirt

function ageSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ') // from field 3 on: the name before may hold spaces
  const startTicks = Number(fields[22 - 3]) // proc(5): field 22, starttime
  const uptimeSeconds = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0])
  return Math.max(0, Math.round(uptimeSeconds - startTicks / TICKS_PER_SECOND))
}
