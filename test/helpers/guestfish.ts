import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export interface FakeGuestfish {
  /** Device to type. */
  readonly fileSystems: Readonly<Record<string, string>>
  /** Device to the directory that is in it; `empty` for all others. */
  readonly root: Readonly<Record<string, string>>
  readonly empty: string
  /** Of the system that is found; undefined: none is. */
  readonly mountpoints?: Readonly<Record<string, string>>
  readonly needsTcg?: boolean
  readonly fails?: 'launch' | 'end' | 'hang'
}

/** A directory for PATH with the stand-in as `guestfish` and nothing else. */
export async function installGuestfish(dir: string, guest: FakeGuestfish): Promise<string> {
  await mkdir(dir, { recursive: true })
  const program = fileURLToPath(new URL('./guestfish-program.js', import.meta.url))
  const words = [process.execPath, program, JSON.stringify(guest)].map((word) => `'${word.replaceAll("'", `'\\''`)}'`)
  await writeFile(path.join(dir, 'guestfish'), `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`, { mode: 0o755 })
  return dir
}
