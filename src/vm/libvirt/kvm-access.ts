/**
 * A host on which qemu's user cannot open /dev/kvm is one on which libvirt (seen with 9.0) throws away what it knows of
 * qemu before each start and asks anew, because it probes with more rights than guests get. That costs seconds a time.
 */
import { stat } from 'node:fs/promises'
import type { HostUser } from '../../disk/access.js'

/** One line that says so, with the command that mends it; undefined when the device is not there or can be opened. */
export async function kvmAccessProblem(user: HostUser, devKvmPath = '/dev/kvm'): Promise<string | undefined> {
  const device = await stat(devKvmPath).catch(() => undefined)
  if (device === undefined || mayReadAndWrite(device, user)) return undefined
  return (
    `libvirt is slow on this host, because qemu's user ${user.name} may not open ${devKvmPath}; ` +
    `try: chgrp kvm ${devKvmPath} && chmod 660 ${devKvmPath}`
  )
}

export function mayReadAndWrite(
  { mode, uid, gid }: { mode: number; uid: number; gid: number },
  user: HostUser,
): boolean {
  const shift = uid === user.uid ? 6 : user.gids.includes(gid) ? 3 : 0
  return ((mode >> shift) & 0o6) === 0o6
}
