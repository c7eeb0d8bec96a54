/** Programs that shall not outlive us, even when we are killed and cannot end them. */
import { isLagoError } from './errors.js'
import { runCommand } from './process.js'
import type { Task } from './task.js'

const SETPRIV = ['setpriv', '--pdeathsig', 'TERM'] as const

const LIMIT_MS = 10_000

let isUsable: Promise<boolean> | undefined

/**
 * Words to put in front of a program, so that the kernel ends it with us. None where setpriv(1) is missing or older
 * than util-linux 2.33. A program that is not there makes setpriv end with `SETPRIV_NOT_FOUND`.
 */
export async function endWithParent(task: Task): Promise<readonly string[]> {
  // many may wait for it: no abort of one of them is that of the others
  isUsable ??= task.shielded(LIMIT_MS, tryIt).catch((error: unknown) => {
    isUsable = undefined // the next one tries again
    throw error
  })
  return (await isUsable) ? SETPRIV : []
}

/** As a shell's. */
export const SETPRIV_NOT_FOUND = 127

async function tryIt(task: Task): Promise<boolean> {
  return runCommand(task, [...SETPRIV, 'true']).then(
    () => true,
    (error: unknown) => {
      if (isLagoError(error, 'LAGO_COMMAND_MISSING') || isLagoError(error, 'LAGO_COMMAND_FAILED')) return false
      throw error
    },
  )
}
