import type { Command } from './command.js'
import { prune } from './prune.js'
import { snapshot } from './snapshot.js'
import { verify } from './verify.js'

/** In the order of the help. */
export const COMMANDS: readonly Command[] = [snapshot, verify, prune]
