/** Questions that a wait asks in a guest, each one command over the connection that is there. */
import type { Task } from '../base/task.js'
import type { Probe } from '../base/wait.js'
import type { Guest } from './guest.js'

/** `never`: it is not worth waiting any longer, and why. */
export type GuestAnswer = Probe<true> | { readonly never: string; readonly hint?: string }

/** Throws what `Guest.run` throws. */
export type GuestProbe = (task: Task, guest: Guest) => Promise<GuestAnswer>

const LONGEST_TEXT = 300

/** The last line of what a guest said, as it can be shown. */
export function lastWords(text: string): string {
  const line = text.trimEnd().split('\n').at(-1) ?? ''
  return plainText(line)
}

export function plainText(text: string): string {
  return [...text.slice(0, LONGEST_TEXT * 4)]
    .filter((char) => /\P{C}/u.test(char))
    .slice(0, LONGEST_TEXT)
    .join('')
}
