/**
 * The content of an image as a file that can be written, whatever the image's format: qemu-storage-daemon shows it by
 * FUSE. It is taken out of the directory tree as soon as it is open, so that however we end no mount is left: it goes
 * with the last process that has it open, and the daemon ends with us.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, realpath, rm, writeFile, type FileHandle } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { endWithParent, SETPRIV_NOT_FOUND } from '../base/end-with-us.js'
import { isSystemError, LagoError, NO_SPACE_HINT } from '../base/errors.js'
import { lastLines } from '../base/plain-text.js'
import { runCommand } from '../base/process.js'
import type { Task } from '../base/task.js'
import { beyondEnd, type BlockSource } from './block-source.js'
import type { ImageFormat } from './qemu-img.js'

export interface FuseImage extends BlockSource, AsyncDisposable {
  /** For a program to inherit, which can open `/dev/fd/N` again. */
  readonly fd: number
  /** Returns when all that was written is in the image file. Then, and when disposed of instead, nobody has it open. */
  finish(task: Task): Promise<void>
}

export interface FuseRequest {
  /** Absolute. */
  readonly path: string
  readonly format: ImageFormat
  /** For messages, where `path` is a file that the user does not know. */
  readonly shownPath: string
}

/** Of the daemon's start. */
const START_TIMEOUT_MS = 20_000
const END_GRACE_MS = 5_000

/**
 * Opens an image that nobody else has open, for writing.
 *
 * Throws `LAGO_DISK_UNREADABLE` when qemu cannot open it, `LAGO_NO_FUSE` when this host lets us use no FUSE,
 * `LAGO_COMMAND_MISSING` without qemu-storage-daemon, or without fusermount3 when we are not root.
 */
export async function openFuseImage(task: Task, image: FuseRequest): Promise<FuseImage> {
  const guard = await endWithParent(task)
  const dir = await mkdtemp(path.join(await realpath(os.tmpdir()), 'lago-fuse-')) // nobody else can enter it
  const mountPath = path.join(dir, 'image')
  let started: Daemon | undefined
  try {
    await writeFile(mountPath, '', { flag: 'wx', mode: 0o600 })
    const daemon = startDaemon(task, { guard, image, mountPath })
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
  readonly daemon: Daemon
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
    await file.close()
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
  readonly daemon: Daemon
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

interface Daemon {
  /** Returns once the image can be opened at `mountPath`. */
  ready(task: Task): Promise<void>
  /** Its exit code. May be called twice. */
  end(): Promise<number>
}

interface DaemonRequest {
  readonly guard: readonly string[]
  readonly image: FuseRequest
  readonly mountPath: string
}

/** File names go in as JSON: no character in them can be taken for an option. */
function startDaemon(task: Task, { guard, image, mountPath }: DaemonRequest): Daemon {
  const file = { driver: 'file', filename: image.path }
  const words = [
    '--blockdev',
    JSON.stringify({ driver: image.format, 'node-name': 'disk', file }),
    '--export',
    JSON.stringify({ type: 'fuse', id: 'disk', 'node-name': 'disk', mountpoint: mountPath, writable: true, ...OWN }),
    // greets on standard output when all before it is done
    '--chardev',
    'stdio,id=greeting',
    '--monitor',
    'greeting',
  ]
  const [program = '', ...argv] = [...guard, 'qemu-storage-daemon', ...words]
  task.log('debug', `run: qemu-storage-daemon ${words.join(' ')}`)
  const child = spawn(program, argv, { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.on('error', () => undefined) // it ended
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-MAX_STDERR)))
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', (error) => reject(isSystemError(error, 'ENOENT') ? missing('qemu-storage-daemon') : error))
    child.on('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : os.constants.signals[signal])))
  })
  ended.catch(() => undefined) // told to whoever awaits it
  return {
    async ready(task) {
      const failure = ended.then((code) => {
        throw guard.length > 0 && code === SETPRIV_NOT_FOUND
          ? missing('qemu-storage-daemon')
          : refused(image.shownPath, stderr)
      })
      await Promise.race([failure, once(child.stdout, 'data', { signal: task.signal })]).catch((error: unknown) => {
        task.signal.throwIfAborted()
        throw error
      })
    },
    end: async () => endChild(child, ended),
  }
}

/** Only we may open it. */
const OWN = { 'allow-other': 'off' } as const

const MAX_STDERR = 4000

async function endChild(child: ChildProcess, ended: Promise<number>): Promise<number> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
  const hard = setTimeout(() => child.kill('SIGKILL'), END_GRACE_MS)
  try {
    return await ended.catch(() => 0) // it never ran
  } finally {
    clearTimeout(hard)
  }
}

const FUSE_FAILURES: readonly { readonly said: RegExp; readonly make: (why: string) => LagoError }[] = [
  { said: /failed to exec fusermount3/, make: () => missing('fusermount3') },
  { said: /failed to open \/dev\/fuse/, make: (why) => noFuse(why, 'let this user read and write /dev/fuse') },
  { said: /device not found/, make: (why) => noFuse(why, 'load the kernel module: modprobe fuse') },
  {
    said: /FUSE session|fusermount|^fuse: |value 'fuse'/m,
    make: (why) => noFuse(why, 'prepare the image in another way'),
  },
]

function refused(imagePath: string, stderr: string): LagoError {
  const why = lastLines(stderr, 3).join('; ')
  const failure = FUSE_FAILURES.find(({ said }) => said.test(stderr))
  return failure === undefined ? unreadable(imagePath, why || 'qemu-storage-daemon ended') : failure.make(why)
}

function noFuse(why: string, hint: string): LagoError {
  return new LagoError('LAGO_NO_FUSE', `this host lets us use no FUSE, by which images are written: ${why}`, { hint })
}

function unreadable(imagePath: string, why: string): LagoError {
  return new LagoError('LAGO_DISK_UNREADABLE', `the image ${imagePath} cannot be opened: ${why}`, {
    data: { path: imagePath },
  })
}

const PACKAGES = { 'qemu-storage-daemon': 'qemu-system-common', fusermount3: 'fuse3' } as const

function missing(program: keyof typeof PACKAGES): LagoError {
  return new LagoError('LAGO_COMMAND_MISSING', `the program "${program}" is not on this host`, {
    hint: `install the package ${PACKAGES[program]}`,
    data: { program },
  })
}
