/** The programs of this directory as a person can call them. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { shellWord } from './shell-word.js'

/** The top of Lago's checkout; compiled, this file is in build/scripts. */
const TOP = fileURLToPath(new URL('../..', import.meta.url))

/** `scripts/release` in the top of Lago's checkout; from elsewhere the path that leads there, ready to be pasted. */
export function scriptCommand(name: string): string {
  const filePath = path.join(TOP, 'scripts', name)
  const dir = `${process.cwd()}/`
  if (!dir.startsWith(TOP) || !filePath.startsWith(dir)) return shellWord(filePath)
  const below = filePath.slice(dir.length)
  return shellWord(below === name ? `./${name}` : below)
}
