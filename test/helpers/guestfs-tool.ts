import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export interface FakeGuestfs {
  /** Absent: all goes well. `hang` writes its process id to the directory, as `pid`. */
  readonly fails?: 'refuses' | 'full' | 'crashes' | 'hang'
}

/** What a stand-in was told. */
export interface GuestfsRun {
  readonly tool: string
  readonly format: string
  readonly disk: string
  /** In their order; of the command line and of the file of commands. */
  readonly options: readonly (readonly [string, string?])[]
  /** Contents of the files that options name, by path. */
  readonly files: Readonly<Record<string, string>>
  /** For its own files; it leaves one there. */
  readonly temporaryDir: string
  readonly forcesTcg: boolean
}

export interface GuestfsTools {
  /** For PATH: virt-sysprep, virt-customize and nothing else. */
  readonly bin: string
  runs(): Promise<readonly GuestfsRun[]>
}

export async function installGuestfsTools(dir: string, fake: FakeGuestfs = {}): Promise<GuestfsTools> {
  const [bin, record] = [path.join(dir, 'bin'), path.join(dir, 'runs')]
  await mkdir(bin, { recursive: true })
  await writeFile(record, '')
  const program = fileURLToPath(new URL('./guestfs-tool-program.js', import.meta.url))
  for (const tool of ['virt-sysprep', 'virt-customize']) {
    const words = [process.execPath, program, JSON.stringify({ ...fake, tool, dir, record })]
    const script = `#!/bin/sh\nexec ${words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')} "$@"\n`
    await writeFile(path.join(bin, tool), script, { mode: 0o755 })
  }
  return {
    bin,
    async runs() {
      const lines = (await readFile(record, 'utf8')).split('\n').filter((line) => line !== '')
      return lines.map((line) => JSON.parse(line) as GuestfsRun) // the stand-in's
    },
  }
}
