/** Images that have been written to: what is in them, and whether they are sound. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import type { Task } from '../../src/base/task.js'
import type { Ext4 } from '../../src/disk/ext4/file-system.js'
import type { Inode } from '../../src/disk/ext4/inode.js'
import { findPath } from '../../src/disk/ext4/paths.js'
import { openImage } from '../../src/disk/open-image.js'
import { locateRoot, type Root } from '../../src/disk/root-file-system.js'

export interface ImageRef {
  readonly path: string
  readonly format: 'qcow2' | 'raw'
}

const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`

/** Throws with what `qemu-img check` or `e2fsck -fn` found. */
export async function expectSound(task: Task, { path, format }: ImageRef): Promise<void> {
  if (format === 'qcow2') run('qemu-img', ['check', '-q', '-f', format, path])
  const flat = `${path}.flat`
  run('qemu-img', ['convert', '-f', format, '-O', 'raw', path, flat])
  try {
    const offset = await withRoot(task, { path: flat, format: 'raw' }, async (root) => root.offsetBytes)
    run('e2fsck', ['-fn', offset === 0 ? flat : `${flat}?offset=${offset}`])
  } finally {
    await rm(flat)
  }
}

function run(program: string, argv: readonly string[]): void {
  try {
    execFileSync(program, argv, { env: { ...process.env, PATH }, stdio: 'pipe' })
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: Buffer; stderr?: Buffer } // of execFileSync
    throw new Error(`${program} ${argv.join(' ')}: ${stdout?.toString()}${stderr?.toString()}`)
  }
}

export async function withRoot<T>(task: Task, image: ImageRef, look: (root: Root) => Promise<T>): Promise<T> {
  await using opened = await openImage(task, image)
  const root = await locateRoot(task, opened, undefined)
  if (root === undefined) throw new Error('no root file system')
  return await look(root)
}

export interface Found {
  readonly type: string
  /** Permission bits, in octal. */
  readonly mode: string
  readonly owner: string
  /** As latin1; undefined for what is no file. */
  readonly content: string | undefined
}

/** What is at a path, links followed; undefined: nothing. */
export type Look = (path: string) => Promise<Found | undefined>

export async function withLook<T>(task: Task, image: ImageRef, body: (look: Look) => Promise<T>): Promise<T> {
  return withRoot(task, image, async ({ fs }) =>
    body(async (path) => {
      const inode = await findPath(task, fs, path)
      return inode && { ...factsOf(inode), content: await contentOf(task, fs, inode) }
    }),
  )
}

export async function lookAt(task: Task, image: ImageRef, path: string): Promise<Found | undefined> {
  return withLook(task, image, async (look) => look(path))
}

function factsOf({ type, mode, uid, gid }: Inode): Omit<Found, 'content'> {
  return { type, mode: mode.toString(8), owner: `${uid}:${gid}` }
}

async function contentOf(task: Task, fs: Ext4, inode: Inode): Promise<string | undefined> {
  if (inode.type !== 'file') return undefined
  const pieces: Buffer[] = []
  for await (const piece of await fs.content(task, inode)) pieces.push(piece)
  return Buffer.concat(pieces).toString('latin1')
}

export async function hashOf(filePath: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(filePath))
    .digest('hex')
}
