import { announce } from './announce.js'
import type { Command } from './command.js'
import { promote } from './promote.js'
import { prune } from './prune.js'
import { snapshot } from './snapshot.js'
import { verify } from './verify.js'

/** In the order of the help. */
export const COMMANDS: readonly Command[] = [snapshot, promote, announce, verify, prune]
