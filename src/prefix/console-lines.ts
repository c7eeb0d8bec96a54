/**
 * What a guest printed on its serial console, from the file in the prefix: followed as it grows, in lines that can be
 * shown. Guests print what they like, so control characters, endless lines and endless logs are expected.
 */
import { StringDecoder } from 'node:string_decoder'
import { isLagoError, messageOf } from '../base/errors.js'
import { lastLines } from '../base/plain-text.js'
import type { Task } from '../base/task.js'
import { LogReader } from '../vm/log-reader.js'
import { watchConsoleLog } from '../vm/log-watch.js'

export interface ConsoleFollower extends AsyncDisposable {
  /** Reads what has come by now. */
  refresh(): Promise<void>
  /** There is a log, though there may be nothing in it. */
  readonly isThere: boolean
}

/** Whole lines in their order, and the beginning of the next, as a prompt is. */
export type OnConsole = (lines: readonly string[], unfinished: string) => void

/** Of a longer log the end is read. */
const MOST_BYTES = 1024 ** 2
const LONGEST_LINE = 300
const LONGEST_UNFINISHED = 4096

/**
 * Tells what is in the log before it resolves, and afterwards what is added. The log need not be there yet, and may be
 * begun anew. One that cannot be read is told to the task and taken as empty.
 */
export async function followConsoleLines(task: Task, logPath: string, onConsole: OnConsole): Promise<ConsoleFollower> {
  const splitter = new Splitter(onConsole)
  const log = new LogReader(logPath, { lastBytes: MOST_BYTES, onBegun: () => splitter.beginAnew() })
  let reading = Promise.resolve()
  let isClosed = false
  const readOn = async (): Promise<void> => {
    if (!isClosed) for await (const chunk of log.unread()) splitter.take(chunk)
  }
  const refresh = async (): Promise<void> => {
    reading = reading.then(readOn).catch((error: unknown) => {
      if (isLagoError(error, 'LAGO_NO_CONSOLE_LOG')) return
      task.log('debug', `the console's log cannot be read: ${messageOf(error)}`)
    })
    return reading
  }
  const stopWatching = watchConsoleLog(logPath, () => void refresh())
  await refresh()
  return {
    refresh,
    get isThere() {
      return log.isThere
    },
    async [Symbol.asyncDispose]() {
      stopWatching()
      isClosed = true
      await reading
      await log[Symbol.asyncDispose]()
    },
  }
}

class Splitter {
  readonly #onConsole: OnConsole
  #decoder = new StringDecoder('utf8')
  #unfinished = ''

  constructor(onConsole: OnConsole) {
    this.#onConsole = onConsole
  }

  beginAnew(): void {
    this.#unfinished = ''
    this.#decoder = new StringDecoder('utf8')
  }

  take(chunk: Uint8Array): void {
    const parts = (this.#unfinished + this.#decoder.write(chunk)).split('\n')
    this.#unfinished = (parts.pop() ?? '').slice(-LONGEST_UNFINISHED)
    this.#onConsole(parts.map(plainLine), plainLine(this.#unfinished))
  }
}

/** A line as it can be shown, cut. Of what was overwritten with carriage returns the last remains. */
export function plainLine(raw: string): string {
  const [last = ''] = lastLines(raw.slice(0, LONGEST_UNFINISHED), 1, LONGEST_LINE)
  return last.replaceAll('\t', ' ')
}
