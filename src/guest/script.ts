/** A local script run by the guest's shell: its text goes over standard input, so that nothing is left in the guest. */
import { plainText } from '../base/plain-text.js'
import type { Task } from '../base/task.js'
import type { Guest } from './guest.js'

export interface ScriptResult {
  readonly exitCode: number
  /** The last lines of what it printed on both streams, in the order of their arrival. */
  readonly lastLines: readonly string[]
}

/** bash where there is one, as deploy scripts expect; else what there is. */
export const SCRIPT_SHELL = 'if command -v bash >/dev/null 2>&1; then exec bash -s; else exec sh -s; fi'

const MAX_LAST_LINES = 20
/** A line that is longer is given in pieces. */
const MAX_LINE_LENGTH = 4096

/**
 * Runs it to its end, without arguments; `onLine` is called with every line as it comes, unfit for a terminal no more.
 * Throws `LAGO_GUEST_UNREACHABLE` without a connection.
 */
export async function runScript(
  task: Task,
  guest: Guest,
  content: Uint8Array,
  onLine: (line: string) => void,
): Promise<ScriptResult> {
  const lastLines: string[] = []
  const take = (line: string): void => {
    for (const text of plainText(line).split('\n')) {
      lastLines.push(text)
      if (lastLines.length > MAX_LAST_LINES) lastLines.shift()
      onLine(text)
    }
  }
  const splitters = { stdout: createLineSplitter(take), stderr: createLineSplitter(take) }
  const { exitCode } = await guest.run(task, SCRIPT_SHELL, {
    input: content,
    onOutput: (text, stream) => splitters[stream].write(text),
  })
  splitters.stdout.end()
  splitters.stderr.end()
  return { exitCode, lastLines }
}

function createLineSplitter(onLine: (line: string) => void): { write(text: string): void; end(): void } {
  let rest = ''
  return {
    write(text) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) onLine(line.replace(/\r$/, ''))
      for (; rest.length > MAX_LINE_LENGTH; rest = rest.slice(MAX_LINE_LENGTH)) onLine(rest.slice(0, MAX_LINE_LENGTH))
    },
    end() {
      if (rest !== '') onLine(rest)
      rest = ''
    },
  }
}
