/** Words for a guest's shell. The one place where Lago quotes. */
import type { GuestCommand } from './guest.js'

/** One word as a POSIX shell reads it back. Throws a plain `Error` for a NUL, which no argument can hold. */
export function quoteWord(word: string): string {
  if (word.includes('\0')) throw new Error(`not a word that a command can have: ${JSON.stringify(word)}`)
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

export function quoteWords(words: readonly string[]): string {
  return words.map(quoteWord).join(' ')
}

export function commandText(command: GuestCommand): string {
  return typeof command === 'string' ? command : quoteWords(command)
}
