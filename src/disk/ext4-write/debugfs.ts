/** Runs debugfs, which writes to a file system that is not mounted, past its journal. */
import { spawn } from 'node:child_process'
import { open, rm, type FileHandle } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { endWithParent, SETPRIV_NOT_FOUND } from '../../base/end-with-us.js'
import { isSystemError, LagoError, NO_SPACE_HINT } from '../../base/errors.js'
import { plainLine } from '../../base/plain-text.js'
import { makeScratchDir } from '../../base/scratch-dir.js'
import type { Task } from '../../base/task.js'
import { debugfsLine, type Batch } from './commands.js'
import { findComplaint } from './transcript.js'

export interface DebugfsTarget {
  /** Of the image, open for reading and writing. */
  readonly fd: number
  /** Where in it the file system begins. */
  readonly offsetBytes: number
  /** For messages. */
  readonly imagePath: string
}

/** A hostile file system may keep it busy for ever. */
const TIMEOUT_MS = 120_000
/** More would be a hostile file system's doing. */
const MAX_TRANSCRIPT = 4 * 1024 * 1024

/**
 * Does all that `batch` asks for, or throws; then some of it may be done. The contents are in files that have lost their
 * name before debugfs starts, and are in no list of arguments.
 * Throws `LAGO_DISK_UNWRITABLE` with debugfs's own words, `LAGO_NO_SPACE` when the file system or the host's disk is
 * full, `LAGO_FILE_NAME`, `LAGO_COMMAND_MISSING`, `LAGO_COMMAND_FAILED`, `LAGO_TIMEOUT`.
 */
export async function runDebugfs(task: Task, target: DebugfsTarget, batch: Batch): Promise<void> {
  const lines = batch.commands.map((command) =>
    debugfsLine('words' in command ? command.words : ['write', contentPath(command.content), command.write]),
  )
  await using files = await openNamelessFiles(batch.contents)
  const fds = [target.fd, ...files.contents.map(({ fd }) => fd)]
  task.log('debug', `run: debugfs on ${target.imagePath}, ${lines.length} commands`)
  const exitCode = await task.within(TIMEOUT_MS, 'writing to the image by debugfs', async (task) =>
    start(task, { argv: argvOf(target), said: files.said.fd, fds, input: `${lines.join('\n')}\n` }),
  )
  const complaint = findComplaint(lines, await readTranscript(files.said))
  if (complaint !== undefined) throw refused(target.imagePath, complaint)
  if (exitCode !== 0)
    throw new LagoError('LAGO_COMMAND_FAILED', `debugfs on ${target.imagePath} ended with exit code ${exitCode}`)
}

/** Behind the standard streams, in the program. */
const IMAGE_FD = 3

function contentPath(index: number): string {
  return `/dev/fd/${IMAGE_FD + 1 + index}`
}

function argvOf({ offsetBytes }: DebugfsTarget): readonly string[] {
  const offset = offsetBytes === 0 ? '' : `?offset=${offsetBytes}`
  return ['debugfs', '-w', '-f', '-', `/dev/fd/${IMAGE_FD}${offset}`]
}

interface Start {
  readonly argv: readonly string[]
  /** Takes both its output and its messages, so that their order stays. */
  readonly said: number
  readonly fds: readonly number[]
  readonly input: string
}

/** Gives the exit code, 128 + n for signal n. */
async function start(task: Task, { argv, said, fds, input }: Start): Promise<number> {
  const guard = await endWithParent(task)
  const [program = '', ...args] = [...guard, ...argv]
  const exitCode = await new Promise<number>((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['pipe', said, said, ...fds],
      env: environment(),
      signal: task.signal,
      killSignal: 'SIGKILL', // it has nothing to put away
    })
    child.stdin?.on('error', () => undefined) // EPIPE: it ended
    child.stdin?.end(input)
    child.on('error', (error) => {
      if (!task.signal.aborted) reject(isSystemError(error, 'ENOENT') ? missing() : error)
    })
    child.on('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : os.constants.signals[signal])))
  })
  task.signal.throwIfAborted()
  if (guard.length > 0 && exitCode === SETPRIV_NOT_FOUND) throw missing()
  return exitCode
}

/** Debian keeps debugfs where users do not look for programs. */
function environment(): Readonly<Record<string, string | undefined>> {
  // eslint-disable-next-line no-restricted-properties -- added to what every program inherits
  const inherited = process.env
  return { ...inherited, LC_ALL: 'C', PATH: `${inherited['PATH'] ?? ''}:/usr/sbin:/sbin` }
}

interface NamelessFiles extends AsyncDisposable {
  readonly said: FileHandle
  readonly contents: readonly FileHandle[]
}

/** Nobody else can open them, and they are gone with the last process that has them open. */
async function openNamelessFiles(contents: readonly Buffer[]): Promise<NamelessFiles> {
  const dir = await makeScratchDir('write')
  const opened: FileHandle[] = []
  const close = async (): Promise<void> => {
    for (const file of opened) await file.close()
  }
  try {
    for (const content of [Buffer.alloc(0), ...contents]) {
      const filePath = path.join(dir, 'file')
      const file = await open(filePath, 'wx+', 0o600)
      opened.push(file)
      await rm(filePath)
      await file.writeFile(content)
    }
  } catch (error) {
    await close()
    throw error
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
  const [said, ...rest] = opened
  return { said: said!, contents: rest, [Symbol.asyncDispose]: close } // the first one was opened above
}

async function readTranscript(said: FileHandle): Promise<string> {
  const size = Math.min((await said.stat()).size, MAX_TRANSCRIPT)
  const { buffer, bytesRead } = await said.read(Buffer.alloc(size), 0, size, 0)
  return buffer.toString('utf8', 0, bytesRead)
}

function refused(imagePath: string, complaint: string): LagoError {
  const data = { path: imagePath, complaint: plainLine(complaint) }
  if (/Could not allocate (block|inode)/.test(complaint))
    return new LagoError('LAGO_NO_SPACE', `the file system in the image ${imagePath} is full`, {
      hint: 'use an image with more room on its root file system',
      data,
    })
  if (/No space left on device/.test(complaint))
    return new LagoError('LAGO_NO_SPACE', `the disk is full: could not write ${imagePath}`, {
      hint: NO_SPACE_HINT,
      data,
    })
  return new LagoError('LAGO_DISK_UNWRITABLE', `debugfs could not write to ${imagePath}: ${plainLine(complaint)}`, {
    hint: 'look at the file system with e2fsck -fn, or prepare the image in another way',
    data,
  })
}

function missing(): LagoError {
  return new LagoError('LAGO_COMMAND_MISSING', 'the program "debugfs" is not on this host', {
    hint: 'install the package e2fsprogs',
    data: { program: 'debugfs' },
  })
}
