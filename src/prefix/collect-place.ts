/** Where `lago collect` writes: made free by a rename, and only of what an earlier collect has left there (spec 6.4). */
import { lstat, mkdir, readdir, realpath, rename } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { isSystemError, LagoError } from '../base/errors.js'
import type { Prefix } from './prefix.js'

/** Beside the prefix; absolute. */
export interface InUse {
  readonly cwd: string
  readonly homeDir: string
}

/**
 * Gives `outputDir` without links. Nothing is there afterwards, or an empty directory; in the prefix's own directory for logs,
 * where the guide collects to, the report and the logs of failed tests stay.
 *
 * An earlier collect is known by its VMs' directories, since there is nothing else in it. It is kept under the time of
 * this call; twice in a second under a number as well. Throws `LAGO_COLLECT_TARGET` for anything else that is there.
 */
export async function clearPlace(
  prefix: Prefix,
  outputDir: string,
  { cwd, homeDir }: InUse = { cwd: process.cwd(), homeDir: os.homedir() },
): Promise<string> {
  if (!(await isThere(outputDir))) return outputDir
  const dir = await realpath(outputDir).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) throw refused(outputDir, 'is a link that leads nowhere')
    throw error
  })
  if (!(await lstat(dir)).isDirectory()) throw refused(dir, 'is not a directory')
  for (const [what, inUse] of [
    ['the prefix', prefix.dir],
    ['the current directory', cwd],
    ['the home directory', homeDir],
  ] as const)
    if (isWithin(await realpath(inUse).catch(() => inUse), dir)) throw refused(dir, `is, or holds, ${what}`)
  const entries = await readdir(dir, { withFileTypes: true })
  const isCollected = collectedBy([...prefix.plan.vms.keys()])
  const collected = entries.filter((entry) => entry.isDirectory() && isCollected(entry.name))
  const other = entries.find((entry) => !collected.includes(entry))
  if (other === undefined) {
    if (entries.length > 0) await rotate(dir)
  } else if (dir === path.join(await realpath(prefix.dir), path.basename(prefix.layout.testLogs))) {
    await setAside(dir, collected)
  } else {
    throw refused(dir, `holds "${other.name}", which is not of an earlier collect`)
  }
  return dir
}

/** Beside the VMs' directories: what was being unpacked when a collect was killed, and what OST puts there (spec 6.4). */
function collectedBy(vms: readonly string[]): (name: string) => boolean {
  const known = new Set([...vms, 'lago_logs'])
  return (name) => known.has(name.replace(/^\.(.+)\.[0-9a-f]{12}$/, '$1'))
}

function isWithin(file: string, dir: string): boolean {
  const way = path.relative(dir, file)
  return way !== '..' && !way.startsWith('../')
}

/** A name beside `dir` that is free. */
async function freeName(dir: string): Promise<string> {
  const name = `${dir}.${stamp(new Date())}`
  let free = name
  for (let number = 2; await isThere(free); number++) free = `${name}.${number}`
  return free
}

async function setAside(dir: string, entries: readonly { readonly name: string }[]): Promise<void> {
  if (entries.length === 0) return
  const aside = await freeName(dir)
  await mkdir(aside, { mode: 0o755 })
  for (const { name } of entries) await rename(path.join(dir, name), path.join(aside, name))
}

async function rotate(dir: string): Promise<void> {
  await rename(dir, await freeName(dir)).catch((error: unknown) => {
    if (isSystemError(error, 'EBUSY', 'EXDEV')) throw refused(dir, 'cannot be renamed: it is a mount point', error)
    throw error
  })
}

function refused(dir: string, why: string, cause?: unknown): LagoError {
  return new LagoError('LAGO_COLLECT_TARGET', `cannot collect to ${dir}: it ${why}`, {
    hint: 'name a new directory, or one of an earlier collect: --output DIR',
    data: { dir },
    cause,
  })
}

async function isThere(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    (error: unknown) => {
      if (isSystemError(error, 'ENOENT')) return false
      throw error
    },
  )
}

/** `YYYY-mm-dd_HH:MM:SS` in this host's time. */
function stamp(now: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join('-')
  return `${day}_${[now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(':')}`
}
