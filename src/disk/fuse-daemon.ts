/** qemu-storage-daemon, which shows one image as a file by FUSE. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import os from 'node:os'
import { endWithParent, SETPRIV_NOT_FOUND } from '../base/end-with-us.js'
import { isSystemError, LagoError } from '../base/errors.js'
import { lastLines } from '../base/plain-text.js'
import type { Task } from '../base/task.js'
import type { ImageFormat } from './qemu-img.js'

export interface FuseRequest {
  /** Absolute. */
  readonly path: string
  readonly format: ImageFormat
  /** For messages, where `path` is a file that the user does not know. */
  readonly shownPath: string
}

export interface FuseDaemon {
  /** Returns once the image can be opened at `mountPath`. */
  ready(task: Task): Promise<void>
  /** Its exit code. May be called twice. */
  end(): Promise<number>
}

const END_GRACE_MS = 5_000

/**
 * Shows `image` at `mountPath`, an empty file. Names of files go in as JSON: no character in them can be taken for an
 * option. The caller waits until it is ready, and ends it.
 */
export async function startFuseDaemon(task: Task, image: FuseRequest, mountPath: string): Promise<FuseDaemon> {
  const guard = await endWithParent(task)
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

export function unreadable(imagePath: string, why: string): LagoError {
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
