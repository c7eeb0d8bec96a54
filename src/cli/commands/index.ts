/** Every verb, in the order of the help text. The files are light: what a verb does is loaded when it runs. */
import type { CommandSpec } from '../command.js'
import { cleanup } from './cleanup.js'
import { destroy } from './destroy.js'
import { init } from './init.js'
import { list } from './list.js'
import { setCurrent } from './set-current.js'
import { shell } from './shell.js'
import { start } from './start.js'
import { status } from './status.js'
import { stop } from './stop.js'

export const commands: readonly CommandSpec[] = [init, start, status, shell, stop, cleanup, destroy, list, setCurrent]
