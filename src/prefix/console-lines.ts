/**
 * What a guest printed on its serial console, from the file in the prefix: followed as it grows, in lines that can be
 * shown. Guests print what they like, so control characters, endless lines and endless logs are expected.
 */
import { watch } from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import { isSystemError, messageOf } from '../base/errors.js'
import type { Task } from '../base/task.js'

export interface ConsoleFollower extends AsyncDisposable {
  /** Reads what has come by now. */
  refresh(): Promise<void>
  /** There is a log, though there may be nothing in it. */
  readonly isThere: boolean
}

/** Whole lines in their order, and the beginning of the next, as a prompt is. */
export type OnConsole = (lines: readonly string[], unfinished: string) => void

const CHUNK_BYTES = 64 * 1024
/** Of a longer log the end is read. */
const MOST_BYTES = 1024 ** 2
const LONGEST_LINE = 300
const LONGEST_UNFINISHED = 4096
/** Where the host has no watches left to give. */
const LOOK_EVERY_MS = 500

/**
 * Tells what is in the log before it resolves, and afterwards what is added. The log need not be there yet, and may be
 * begun anew. One that cannot be read is told to the task and taken as empty.
 */
export async function followConsoleLines(task: Task, logPath: string, onConsole: OnConsole): Promise<ConsoleFollower> {
  const reader = new LogReader(logPath, onConsole)
  let reading = Promise.resolve()
  let isClosed = false
  const refresh = async (): Promise<void> => {
    const read = async (): Promise<void> => (isClosed ? undefined : reader.readOn())
    reading = reading.then(read).catch((error: unknown) => {
      task.log('debug', `the console's log cannot be read: ${messageOf(error)}`)
    })
    return reading
  }
  const stopWatching = watchFile(task, logPath, () => void refresh())
  await refresh()
  return {
    refresh,
    get isThere() {
      return reader.isThere
    },
    async [Symbol.asyncDispose]() {
      stopWatching()
      isClosed = true
      await reading
    },
  }
}

/** The directory is watched: the file may be missing, or be replaced. */
function watchFile(task: Task, filePath: string, onChange: () => void): () => void {
  try {
    const watcher = watch(path.dirname(filePath), (_, name) => {
      if (name === null || name === path.basename(filePath)) onChange()
    })
    watcher.on('error', () => watcher.close())
    return () => watcher.close()
  } catch (error) {
    task.log('debug', `the console's log is looked at from time to time: ${messageOf(error)}`)
    const timer = setInterval(onChange, LOOK_EVERY_MS)
    return () => clearInterval(timer)
  }
}

class LogReader {
  readonly #path: string
  readonly #onConsole: OnConsole
  #decoder = new StringDecoder('utf8')
  #offset = 0
  #inode: number | undefined
  #unfinished = ''

  constructor(logPath: string, onConsole: OnConsole) {
    this.#path = logPath
    this.#onConsole = onConsole
  }

  get isThere(): boolean {
    return this.#inode !== undefined
  }

  async readOn(): Promise<void> {
    const file = await open(this.#path, 'r').catch((error: unknown) => {
      if (isSystemError(error, 'ENOENT')) return undefined
      throw error
    })
    if (file === undefined) return
    try {
      const { size, ino } = await file.stat()
      if (size < this.#offset || (this.#inode !== undefined && ino !== this.#inode)) this.#beginAnew()
      this.#inode = ino
      this.#offset = Math.max(this.#offset, size - MOST_BYTES)
      const buffer = Buffer.alloc(CHUNK_BYTES)
      while (this.#offset < size) {
        const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, this.#offset)
        if (bytesRead === 0) return
        this.#offset += bytesRead
        this.#take(this.#decoder.write(buffer.subarray(0, bytesRead)))
      }
    } finally {
      await file.close()
    }
  }

  #beginAnew(): void {
    this.#offset = 0
    this.#unfinished = ''
    this.#decoder = new StringDecoder('utf8')
  }

  #take(text: string): void {
    const parts = (this.#unfinished + text).split('\n')
    this.#unfinished = (parts.pop() ?? '').slice(-LONGEST_UNFINISHED)
    this.#onConsole(parts.map(plainLine), plainLine(this.#unfinished))
  }
}

/**
 * A line as it can be shown: without escape sequences and anything else that a terminal would obey, cut to 300
 * characters. Of what was overwritten with carriage returns the last remains.
 */
export function plainLine(raw: string): string {
  const shown = raw.slice(0, LONGEST_UNFINISHED).replace(ESCAPES, '')
  const last = shown.split('\r').findLast((part) => part.trim() !== '') ?? ''
  return [...last.replace(/\t/g, ' ')]
    .filter((char) => /\P{C}/u.test(char))
    .slice(0, LONGEST_LINE)
    .join('')
    .trimEnd()
}

// ECMA-48: control sequences; control strings, ended or not; any other escape with its final character
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~]?)/g
