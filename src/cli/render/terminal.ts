/**
 * The task tree on the console (spec 1.12): a header line when a step starts, another with its outcome when it ends,
 * messages between them. Lines are written once and never moved, so that terminals, pipes and CI logs look the same.
 *
 * Steps that run side by side write between each other's lines. Upstream marked such lines with a thread's name; here
 * every line below a parallel step begins with that step's title in brackets.
 *
 * `loglevel` hides messages, and steps too, which count as info; `logdepth` hides steps below that depth and their
 * messages; but warnings and errors are shown at any depth. A failed step is always shown, with what it had hidden.
 *
 * Guests have a say in titles and messages: what a terminal would obey is taken out as they come in.
 */
import type { EventSink, LagoEvent, Level } from '../../base/events.js'
import { plainText } from '../../base/plain-text.js'
import { formatDuration } from '../../log/duration.js'
import { transferText } from './transfer-text.js'
import { ancestorsOf, hide, StepTree, type Step } from './step-tree.js'

export interface TerminalOptions {
  readonly write: (text: string) => void
  readonly level: Level
  /** Levels of steps to show; negative: all. */
  readonly depth: number
  readonly color: boolean
}

const INDICATORS = ['@', '#', '*', '-', '~']
const RANK: Readonly<Record<Level, number>> = { debug: 0, info: 1, warning: 2, error: 3 }
const COLORS: Readonly<Record<Level, string>> = { debug: '', info: '\x1b[36m', warning: '\x1b[33m', error: '\x1b[31m' }
const GREEN = '\x1b[32m'
const RESET = '\x1b[0m'
const OUTCOMES = {
  ok: { text: 'Success', color: GREEN },
  failed: { text: 'ERROR', color: COLORS.error },
  cancelled: { text: 'Cancelled', color: COLORS.warning },
}

/** Progress of one step is shown at most this often. */
const PROGRESS_EVERY_MS = 10_000

export function createTerminal(options: TerminalOptions): EventSink {
  const terminal = new Terminal(options)
  return {
    emit: (event) => terminal.emit(event),
    close: async () => undefined,
  }
}

class Terminal {
  readonly #options: TerminalOptions
  readonly #steps = new StepTree()

  constructor(options: TerminalOptions) {
    this.#options = options
  }

  emit(event: LagoEvent): void {
    switch (event.type) {
      case 'step.start':
        return this.#start(this.#steps.open({ ...event, title: plainText(event.title) }))
      case 'step.end': {
        const step = this.#steps.find(event.id)
        return step === undefined ? undefined : this.#end(step, event)
      }
      case 'log':
        return this.#log({ ...event, message: plainText(event.message) })
      case 'progress':
        return this.#progress(event)
    }
  }

  #start(step: Step): void {
    if (this.#isShown('info', step.depth)) this.#showHeader(step)
  }

  #end(step: Step, { outcome, durationMs }: Extract<LagoEvent, { type: 'step.end' }>): void {
    if (outcome === 'failed') this.#unfold(step)
    const { text, color } = OUTCOMES[outcome]
    const took = ` (in ${formatDuration(durationMs)})`
    if (step.isHeaderShown) this.#write(this.#paint('info', header(step)) + this.#colored(color, text) + took)
    else if (step.parent !== undefined) {
      const lines = [{ level: 'info' as const, text: header(step) }, ...step.hidden]
      hide(step.parent, [...lines, { level: 'info', text: header(step) + text + took }])
    }
    this.#steps.close(step)
  }

  /** Shows what `step` had hidden, unless a failed step below it has already shown the cause. */
  #unfold(step: Step): void {
    for (const above of [...ancestorsOf(step), step]) if (!above.isHeaderShown) this.#showHeader(above)
    if (!step.isUnfolded) for (const { level, text } of step.hidden) this.#write(this.#paint(level, text))
    for (const above of ancestorsOf(step)) above.isUnfolded = true
  }

  #log({ step: id, level, message }: Extract<LagoEvent, { type: 'log' }>): void {
    const step = this.#steps.find(id)
    const text = messageLine(step, message)
    const depth = RANK[level] >= RANK.warning ? 0 : (step?.depth ?? 0)
    if (this.#isShown(level, depth)) this.#write(this.#paint(level, text))
    else if (step !== undefined) hide(step, [{ level, text }])
  }

  /** At any depth: a step that takes this long is worth a line. */
  #progress({ at, step: id, done, total, unit }: Extract<LagoEvent, { type: 'progress' }>): void {
    const step = this.#steps.find(id)
    if (step === undefined) return
    const progress = (step.progress ??= { startedAt: at, shownAt: at })
    if (at - progress.shownAt < PROGRESS_EVERY_MS || !this.#isShown('info', 0)) return
    progress.shownAt = at
    const transfer = { done, total, forMs: at - progress.startedAt }
    const text = unit === 'bytes' ? transferText(transfer) : `${done} of ${total ?? '?'}`
    this.#write(this.#paint('info', messageLine(step, `${step.title}: ${text}`)))
  }

  #isShown(level: Level, depth: number): boolean {
    const { level: least, depth: deepest } = this.#options
    return RANK[level] >= RANK[least] && (deepest < 0 || depth <= deepest)
  }

  #showHeader(step: Step): void {
    step.isHeaderShown = true
    this.#write(this.#paint('info', header(step)))
  }

  #write(line: string): void {
    this.#options.write(`${line}\n`)
  }

  #paint(level: Level, text: string): string {
    return this.#colored(COLORS[level], text)
  }

  #colored(color: string, text: string): string {
    return this.#options.color && color !== '' ? color + text + RESET : text
  }
}

/** `  # Start nets: `; ends with a space, as upstream's does. */
function header(step: Step): string {
  return `${indentOf(step.depth)}${indicator(step.depth)} ${laneOf(step.parent)}${step.title}: `
}

/** One level below its step; further lines of the message stand below the first. */
function messageLine(step: Step | undefined, message: string): string {
  const depth = (step?.depth ?? 0) + 1
  return `${indentOf(depth)}${indicator(depth)} ${laneOf(step)}${message.replaceAll('\n', `\n${indentOf(depth)}  `)}`
}

/** `[Starting VM vm0] ` inside that step while it has company, else nothing. */
function laneOf(step: Step | undefined): string {
  const lane = step === undefined ? undefined : [...ancestorsOf(step), step].findLast(({ isParallel }) => isParallel)
  return lane === undefined ? '' : `[${lane.title}] `
}

function indentOf(depth: number): string {
  return '  '.repeat(depth - 1)
}

function indicator(depth: number): string {
  return INDICATORS[(depth - 1) % INDICATORS.length] ?? ''
}
