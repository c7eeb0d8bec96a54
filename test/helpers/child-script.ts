import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface ChildScript {
  readonly pid: number
  /** The next line of its output; `undefined` after the last. */
  nextLine(): Promise<string | undefined>
  kill(signal: NodeJS.Signals): Promise<void>
}

/** Runs a compiled script of the tests in a process of its own: `startScript(new URL('./child.js', import.meta.url))`. */
export function startScript(script: URL, args: readonly string[] = []): ChildScript {
  const child = spawn(process.execPath, [fileURLToPath(script), ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    pid: pidOf(child),
    nextLine: async () => (await lines.next()).value as string | undefined, // readline gives lines
    kill: async (signal) => {
      const ended = once(child, 'exit')
      child.kill(signal)
      await ended
    },
  }
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('the script did not start')
  return child.pid
}
