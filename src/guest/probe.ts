/** Questions that a wait asks in a guest, each one command over the connection that is there. */
import { lastLines } from '../base/plain-text.js'
import type { Task } from '../base/task.js'
import type { Probe } from '../base/wait.js'
import type { Guest } from './guest.js'

/** `never`: it is not worth waiting any longer, and why. */
export type GuestAnswer = Probe<true> | { readonly never: string; readonly hint?: string }

/** Throws what `Guest.run` throws. */
export type GuestProbe = (task: Task, guest: Guest) => Promise<GuestAnswer>

/** The last line of what a guest said, as it can be shown. */
export function lastWords(text: string): string {
  return lastLines(text, 1)[0] ?? ''
}
