/** What a package brings for users beside the program, made of the definitions of its verbs: completion and manual. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { commands } from '../../src/cli/commands/index.js'
import { completionScript, type Shell } from '../../src/cli/completion/script.js'
import { outputFormats } from '../../src/cli/output/index.js'
import { ovirt } from '../../src/plugins/ovirt/plugin.js'
import { manPages } from './man-pages.js'
import type { Edition } from './roff.js'

/** By the names under which shells look for them, but for the link of `lagocli`. */
const SCRIPTS: Readonly<Record<Shell, string>> = { bash: 'lago.bash', zsh: '_lago', fish: 'lago.fish' }

/** Writes `completions/lago.bash`, `completions/_lago`, `completions/lago.fish` and `man/*.1`, `man/*.5` below `outDir`. */
export async function writeUserFiles(outDir: string, edition: Edition): Promise<void> {
  const verbs = [...commands, ...(ovirt.commands ?? [])]
  const shells = Object.keys(SCRIPTS) as Shell[] // keys of our own
  const scripts = shells.map(
    async (shell) =>
      [
        `completions/${SCRIPTS[shell]}`,
        await completionScript(shell, { verbs, outputFormats: outputFormats.names() }),
      ] as const,
  )
  const pages = manPages(verbs, edition).map(({ file, text }) => [`man/${file}`, text] as const)
  for (const dir of ['completions', 'man']) await mkdir(path.join(outDir, dir), { recursive: true })
  for (const [name, text] of [...(await Promise.all(scripts)), ...pages]) await writeFile(path.join(outDir, name), text)
}
