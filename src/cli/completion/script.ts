/**
 * Completion for a shell as one static script: tables of the command line, and functions that read them, which stand in
 * templates/completion. On TAB nothing but the shell itself runs.
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { packageDir } from '../../base/package-dir.js'
import type { CommandLine } from '../command.js'
import { bashTables, zshTables } from './bourne.js'
import { fishTables } from './fish.js'
import { completionModel } from './model.js'

export type Shell = 'bash' | 'zsh' | 'fish'

const TABLES = { bash: bashTables, zsh: zshTables, fish: fishTables } as const

/** What `TABLES` stands for in the files of templates/completion. */
const PLACE = /^# TABLES\n/m

export async function completionScript(shell: Shell, commandLine: CommandLine): Promise<string> {
  const template = await readFile(path.join(packageDir(), 'templates/completion', `lago.${shell}`), 'utf8')
  const tables = TABLES[shell](completionModel(commandLine))
  return template.replace(PLACE, () => `${tables}\n`)
}
