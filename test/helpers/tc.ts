import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export interface FakeTc {
  /** To be put in front of PATH. */
  readonly dir: string
  /** The lines of changes since the last call, without `tc`. */
  changes(): Promise<string[]>
  queues(): Promise<Readonly<Record<string, readonly string[]>>>
  /** As libvirt or another program would. */
  setQueues(queues: Readonly<Record<string, readonly string[]>>): Promise<void>
}

/** The stand-in as `tc` in `dir`, for a kernel that lacks these words. */
export async function installTc(dir: string, lacks: readonly string[]): Promise<FakeTc> {
  const [stateFile, logFile] = [path.join(dir, 'state.json'), path.join(dir, 'log')]
  const program = fileURLToPath(new URL('./tc-program.js', import.meta.url))
  const words = [process.execPath, program, stateFile, logFile].map((word) => `'${word.replaceAll("'", `'\\''`)}'`)
  const setQueues = async (queues: Readonly<Record<string, readonly string[]>>): Promise<void> =>
    writeFile(stateFile, JSON.stringify({ lacks, queues }))
  await setQueues({})
  await writeFile(path.join(dir, 'tc'), `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`, { mode: 0o755 })
  return {
    dir,
    async changes() {
      const text = await readFile(logFile, 'utf8').catch(() => '')
      await writeFile(logFile, '')
      return text.split('\n').filter((line) => line !== '')
    },
    queues: async () => (JSON.parse(await readFile(stateFile, 'utf8')) as { queues: Record<string, string[]> }).queues, // written above
    setQueues,
  }
}
