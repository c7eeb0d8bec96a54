/** `scripts/release`, run as a program. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Compiled. */
export const RELEASE_PROGRAM: string = fileURLToPath(new URL('../../scripts/releasing/release.js', import.meta.url))

export interface Run {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
}

/** With `input` on its standard input, which ends then. */
export async function runRelease(
  args: readonly string[],
  { cwd = '/', input = '', env = {} }: RunOptions = {},
): Promise<Run> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [RELEASE_PROGRAM, ...args],
      { cwd, env: { ...process.env, ...env } },
      (error, stdout, stderr) => {
        resolve({ exitCode: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr })
      },
    )
    child.stdin?.end(input)
  })
}
