/**
 * The prefix's log: everything at debug level, in upstream's line format (spec 1.12). Events have no call site, so that
 * the fields for file, function and line hold `task`, the title of the step and the step's number.
 */
import { createWriteStream, openSync } from 'node:fs'
import type { EventSink, LagoEvent, Level } from '../base/events.js'
import { messageOf } from '../base/errors.js'
import { plainText } from '../base/plain-text.js'
import { formatDuration } from './duration.js'

export interface LogFileSink extends EventSink {
  /** The first call counts. Until then events are kept (the latest 10,000). */
  open(logPath: string): void
}

const MAX_KEPT = 10_000

interface Line {
  readonly level: Level
  readonly message: string
}

/**
 * The file is made by the first event and never without one; its directory is not made. `onProblem` is told once when
 * the file cannot be opened or written; the log is lost then, nothing else.
 */
export function createLogFile(onProblem: (message: string) => void): LogFileSink {
  const format = createLineFormat()
  let kept: Line[] = []
  let path: string | undefined
  let writer: Promise<LogWriter | undefined> | undefined
  const flush = (): void => {
    if (path === undefined || kept.length === 0) return
    writer ??= openWriter(path, onProblem)
    const lines = kept
    kept = []
    writer = writer.then((open) => {
      for (const line of lines) open?.write(line)
      return open
    })
  }
  return {
    open(logPath) {
      path ??= logPath
      flush()
    },
    emit(event) {
      kept.push(...format(event))
      if (kept.length > MAX_KEPT) kept = kept.slice(-MAX_KEPT)
      flush()
    },
    async close() {
      await (await writer)?.close()
    },
  }
}

interface LogWriter {
  write(line: Line): void
  /** Resolves when everything is on disk. */
  close(): Promise<void>
}

/**
 * The file is opened at once and winston writes into it when it is loaded: a file made later could reappear in a
 * directory that the verb has removed meanwhile.
 */
async function openWriter(logPath: string, onProblem: (message: string) => void): Promise<LogWriter | undefined> {
  let fd: number
  try {
    fd = openSync(logPath, 'a', 0o600)
  } catch (error) {
    onProblem(`no log is written: ${messageOf(error)}`)
    return undefined
  }
  const stream = createWriteStream(logPath, { fd })
  const closed = new Promise<void>((resolve) => stream.once('close', resolve))
  let isTold = false
  stream.on('error', (error) => {
    if (!isTold) onProblem(`the log is incomplete: ${error.message}`)
    isTold = true
  })
  const { default: winston } = await import('winston')
  const transport = new winston.transports.Stream({ stream })
  const logger = winston.createLogger({
    level: 'debug',
    levels: { error: 0, warning: 1, info: 2, debug: 3 },
    format: winston.format.printf(({ message }) => String(message)),
    transports: [transport],
  })
  return {
    write: ({ level, message }) => void logger.log(level, message),
    async close() {
      await new Promise<void>((resolve) => {
        transport.once('finish', resolve)
        logger.end()
      })
      stream.end()
      await closed
    },
  }
}

/** Keeps the titles of steps, which events after the first name by number only. */
function createLineFormat(): (event: LagoEvent) => Line[] {
  const titles = new Map<number, string>()
  const line = (at: number, step: number | undefined, level: Level, text: string): Line[] => {
    const title = step === undefined ? 'main' : (titles.get(step) ?? '')
    const place = ['task', title, step ?? 0, 'lago'].join('::')
    return [{ level, message: plainText(`${formatTime(at)}::${place}::${level.toUpperCase()}::${text}`) }]
  }
  return (event) => {
    switch (event.type) {
      case 'step.start':
        titles.set(event.id, event.title)
        return line(event.at, event.id, 'debug', `start task ${event.title}`)
      case 'step.end': {
        const level = event.outcome === 'failed' ? 'error' : 'debug'
        const took = `${event.outcome} in ${formatDuration(event.durationMs)}`
        return line(event.at, event.id, level, `end task ${titles.get(event.id) ?? ''} (${took})`)
      }
      case 'log': {
        const data = event.data === undefined ? '' : ` ${JSON.stringify(event.data)}`
        return line(event.at, event.step, event.level, event.message + data)
      }
      case 'progress':
        return []
    }
  }
}

/** `2020-01-31 23:59:59,123`, local time, as Python's logging writes it. */
function formatTime(at: number): string {
  const local = new Date(at - new Date(at).getTimezoneOffset() * 60_000)
  return local.toISOString().replace('T', ' ').replace('.', ',').replace('Z', '')
}
