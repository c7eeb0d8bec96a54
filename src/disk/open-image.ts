/**
 * The content of an image file, whatever its format and chain: read-only, without mounting anything and without any
 * right but to read the file. qemu-nbd does the reading; it ends when its one client is gone, and with us, however that
 * went. Its socket is there until we are connected, and no longer.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { isLagoError, isSystemError, LagoError } from '../base/errors.js'
import { makeScratchDir } from '../base/scratch-dir.js'
import { socketDir } from '../base/socket-dir.js'
import type { Task } from '../base/task.js'
import { waitUntil } from '../base/wait.js'
import type { BlockSource } from './block-source.js'
import { endWithParent, SETPRIV_NOT_FOUND } from '../base/end-with-us.js'
import { connectNbd, type NbdClient } from './nbd-client.js'

export interface OpenImage extends BlockSource, AsyncDisposable {}

const OPEN_TIMEOUT_MS = 20_000
const EVERY_MS = 10
const END_GRACE_MS = 5_000

/**
 * Works on an image that a running VM writes to, too: what is read may be inconsistent then.
 * Throws `LAGO_DISK_UNREADABLE` when qemu cannot open it, `LAGO_COMMAND_MISSING` without qemu-nbd.
 */
export async function openImage(
  task: Task,
  image: { readonly path: string; readonly format: 'qcow2' | 'raw' },
): Promise<OpenImage> {
  const guard = await endWithParent(task)
  const dir = await makeScratchDir('disk', socketDir()) // nobody else can enter it
  try {
    const socketPath = path.join(dir, 'nbd')
    const server = startServer(task, guard, image, socketPath)
    return await openedImage(task, server, socketPath, image.path)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function openedImage(task: Task, server: Server, socketPath: string, imagePath: string): Promise<OpenImage> {
  try {
    const client = await connect(task, server, socketPath, imagePath)
    return {
      sizeBytes: client.sizeBytes,
      read: async (task, offset, length) => client.read(task, offset, length),
      async [Symbol.asyncDispose]() {
        await client[Symbol.asyncDispose]()
        await server.end()
      },
    }
  } catch (error) {
    await server.end()
    throw error
  }
}

interface Server {
  /** Why it has ended; undefined while it runs. */
  failure(): unknown
  end(): Promise<void>
}

/** The file name goes in as JSON: no character in it can be taken for an option. */
function startServer(
  task: Task,
  guard: readonly string[],
  image: { path: string; format: string },
  socketPath: string,
): Server {
  const file = { driver: 'file', filename: image.path }
  const node = { driver: image.format, 'read-only': true, 'force-share': true, file }
  const words = ['--read-only', `--socket=${socketPath}`, `json:${JSON.stringify(node)}`]
  const [program = '', ...argv] = [...guard, 'qemu-nbd', ...words]
  task.log('debug', `run: qemu-nbd ${words.join(' ')}`)
  const child = spawn(program, argv, { stdio: ['ignore', 'ignore', 'pipe'], signal: task.signal })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  let failure: unknown
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-MAX_STDERR)))
  child.on('error', (error) => (failure ??= isSystemError(error, 'ENOENT') ? MISSING() : error))
  child.on('close', (code) => {
    const isMissing = guard.length > 0 && code === SETPRIV_NOT_FOUND
    failure ??= isMissing ? MISSING() : refused(image.path, stderr.trim() || `exit code ${code}`)
  })
  return { failure: () => failure, end: async () => endChild(child, ended) }
}

const MAX_STDERR = 2000

async function endChild(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.pid === undefined) return
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
  const hard = setTimeout(() => child.kill('SIGKILL'), END_GRACE_MS)
  await ended
  clearTimeout(hard)
}

async function connect(task: Task, server: Server, socketPath: string, imagePath: string): Promise<NbdClient> {
  return waitUntil(
    task,
    `opening ${imagePath}`,
    async (task) => {
      if (server.failure() !== undefined) throw server.failure()
      try {
        return { value: await connectNbd(task, socketPath) }
      } catch (error) {
        if (!isSystemError(error, ...NOT_YET) && !isLagoError(error, 'LAGO_DISK_UNREADABLE')) throw error
        return { notYet: error.message } // a server that ends tells why on the next try
      }
    },
    { timeoutMs: OPEN_TIMEOUT_MS, everyMs: EVERY_MS },
  )
}

const NOT_YET = ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE']

function refused(imagePath: string, why: string): LagoError {
  return new LagoError('LAGO_DISK_UNREADABLE', `the image ${imagePath} cannot be opened: ${why}`, {
    data: { path: imagePath },
  })
}

const MISSING = (): LagoError =>
  new LagoError('LAGO_COMMAND_MISSING', 'the program "qemu-nbd" is not on this host', {
    hint: 'install the package qemu-utils',
    data: { program: 'qemu-nbd' },
  })
