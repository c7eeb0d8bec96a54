/**
 * The content of an image as a file that can be written, whatever the image's format: qemu-storage-daemon shows it by
 * FUSE. It is taken out of the directory tree as soon as it is open, so that however we end no mount is left: it goes
 * with the last process that has it open, and the daemon ends with us.
 */
import { open, realpath, rm, writeFile, type FileHandle } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { isSystemError, LagoError, NO_SPACE_HINT } from '../base/errors.js'
import { runCommand } from '../base/process.js'
import { makeScratchDir } from '../base/scratch-dir.js'
import type { Task } from '../base/task.js'
import { beyondEnd, type BlockSource } from './block-source.js'
import { startFuseDaemon, unreadable, type FuseDaemon, type FuseRequest } from './fuse-daemon.js'

export interface FuseImage extends BlockSource, AsyncDisposable {
  /** For a program to inherit, which can open `/dev/fd/N` again. */
  readonly fd: number
  /** Returns when all that was written is in the image file. Then, and when disposed of instead, nobody has it open. */
  finish(task: Task): Promise<void>
}

/** Of the daemon's start. */
const START_TIMEOUT_MS = 20_000

/**
 * Opens an image that nobody else has open, for writing.
 *
 * Throws `LAGO_DISK_UNREADABLE` when qemu cannot open it, `LAGO_NO_FUSE` when this host lets us use no FUSE,
 * `LAGO_COMMAND_MISSING` without qemu-storage-daemon, or without fusermount3 when we are not root.
 */
export async function openFuseImage(task: Task, image: FuseRequest): Promise<FuseImage> {
  const dir = await makeScratchDir('fuse', await realpath(os.tmpdir())) // nobody else can enter it
  const mountPath = path.join(dir, 'image')
  let started: FuseDaemon | undefined
  try {
    await writeFile(mountPath, '', { flag: 'wx', mode: 0o600 })
    const daemon = await startFuseDaemon(task, image, mountPath)
    started = daemon
    await task.within(START_TIMEOUT_MS, `opening ${image.shownPath}`, async (task) => daemon.ready(task))
    return await openedImage(task, { daemon, mountPath, imagePath: image.shownPath })
  } catch (error) {
    await started?.end()
    await rm(dir, { recursive: true, force: true }).catch(() => undefined) // what went wrong first says more
    throw error
  }
}

interface Mounted {
  readonly daemon: FuseDaemon
  readonly mountPath: string
  readonly imagePath: string
}

async function openedImage(task: Task, { daemon, mountPath, imagePath }: Mounted): Promise<FuseImage> {
  const file = await open(mountPath, 'r+')
  try {
    await unmount(task, mountPath)
    await rm(path.dirname(mountPath), { recursive: true })
    return fuseImage({ file, daemon, imagePath, sizeBytes: (await file.stat()).size })
  } catch (error) {
    await file.close().catch(() => undefined) // the daemon may have ended
    throw error
  }
}

/** Only out of the tree: what is open stays. */
async function unmount(task: Task, mountPath: string): Promise<void> {
  if (process.getuid?.() === 0)
    await runCommand(task, ['umount', '--lazy', '--internal-only', mountPath], { package: 'mount' })
  else await runCommand(task, ['fusermount3', '-u', '-z', '--', mountPath], { package: 'fuse3' })
}

interface Opened {
  readonly file: FileHandle
  readonly daemon: FuseDaemon
  readonly imagePath: string
  readonly sizeBytes: number
}

function fuseImage({ file, daemon, imagePath, sizeBytes }: Opened): FuseImage {
  const close = async (): Promise<number> => {
    await file.close().catch(() => undefined) // the daemon has ended; what counts was told by the sync before
    return daemon.end()
  }
  let closed: Promise<number> | undefined
  return {
    fd: file.fd,
    sizeBytes,
    async read(task, offset, length) {
      task.signal.throwIfAborted()
      if (offset < 0 || length < 0 || offset + length > sizeBytes) throw beyondEnd(offset, length, sizeBytes)
      return readFully(file, offset, length, imagePath)
    },
    async finish(task) {
      task.signal.throwIfAborted()
      await file.sync().catch((error: unknown) => {
        throw explainSyncError(error, imagePath)
      })
      closed ??= close()
      const exitCode = await closed
      if (exitCode !== 0)
        throw new LagoError(
          'LAGO_COMMAND_FAILED',
          `qemu-storage-daemon on ${imagePath} ended with exit code ${exitCode}`,
        )
    },
    async [Symbol.asyncDispose]() {
      closed ??= close()
      await closed
    },
  }
}

async function readFully(file: FileHandle, offset: number, length: number, imagePath: string): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(buffer, done, length - done, offset + done).catch((error: unknown) => {
      if (!isSystemError(error, 'EIO', 'ENOTCONN', 'ENODEV')) throw error
      throw unreadable(imagePath, `${error.code} at ${offset}`)
    })
    if (bytesRead === 0) throw unreadable(imagePath, `it ends at ${offset + done}`)
    done += bytesRead
  }
  return buffer
}

function explainSyncError(error: unknown, imagePath: string): unknown {
  if (!isSystemError(error, 'ENOSPC', 'EDQUOT')) return error
  return new LagoError('LAGO_NO_SPACE', `the disk is full: could not write ${imagePath}`, {
    hint: NO_SPACE_HINT,
    data: { path: imagePath },
    cause: error,
  })
}
