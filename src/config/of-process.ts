/** What the configuration is read from when Lago runs inside somebody's program. */
import { homedir } from 'node:os'

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly homeDir: string
  /** Absolute. */
  readonly cwd: string
}

export function surroundingsOfProcess(): Surroundings {
  return { env: process.env, homeDir: homedir(), cwd: process.cwd() }
}
