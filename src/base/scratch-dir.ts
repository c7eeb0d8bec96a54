/**
 * Directories for what a process needs while it runs. Their names say whose they are, so that those of processes that
 * were killed can be told and removed.
 */
import { mkdtemp, readdir, readlink, rm, stat } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { pathExists } from 'fs-extra/esm'
import { isSystemError } from './errors.js'
import { runCommand } from './process.js'
import type { Task } from './task.js'

/** A new directory that nobody else can enter, in `parent` (default: that for temporary files): absolute. */
export async function makeScratchDir(kind: string, parent: string = os.tmpdir()): Promise<string> {
  return mkdtemp(path.join(parent, `lago-${kind}-${await namespace()}-${process.pid.toString(36)}-`))
}

/**
 * Removes those of this user that processes left which are not there any more; what of it cannot be removed stays.
 * Processes of another pid namespace, as containers have it, cannot be looked for: their directories are left alone.
 */
export async function sweepScratchDirs(task: Task, parents: readonly string[] = [os.tmpdir()]): Promise<void> {
  const own = new RegExp(`^lago-[a-z]+-${await namespace()}-([0-9a-z]+)-[0-9A-Za-z]{6}$`)
  for (const parent of new Set(parents))
    for (const name of await readdir(parent).catch(() => [])) {
      const pid = own.exec(name)?.[1]
      if (pid === undefined || (await pathExists(`/proc/${parseInt(pid, 36)}`))) continue
      const dir = path.join(parent, name)
      if (!(await isOurs(dir))) continue
      task.log('debug', `removing ${dir}, which a run that was killed has left`)
      await remove(task, dir).catch((error: unknown) => task.log('debug', `${dir} stays: ${String(error)}`))
    }
}

async function isOurs(dir: string): Promise<boolean> {
  return stat(dir).then(
    ({ uid }) => uid === process.getuid?.(),
    () => false,
  )
}

/** An image may still be mounted there, whose daemon has gone. */
async function remove(task: Task, dir: string): Promise<void> {
  try {
    await rm(dir, { recursive: true, force: true })
  } catch (error) {
    if (!isSystemError(error, 'EBUSY', 'ENOTCONN', 'EIO')) throw error
    await runCommand(task, ['umount', '--lazy', path.join(dir, 'image')], { package: 'mount' })
    await rm(dir, { recursive: true, force: true })
  }
}

/** The pid namespace in few characters: paths of sockets are short. namespaces(7): its inode number names it. */
async function namespace(): Promise<string> {
  const link = await readlink('/proc/self/ns/pid').catch(() => '')
  return Number(/\d+/.exec(link)?.[0] ?? 0).toString(36)
}
