import type { Command } from './command.js'

/** In the order of the help. */
export const COMMANDS: readonly Command[] = []
