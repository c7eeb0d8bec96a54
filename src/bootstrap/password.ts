/** Passwords for guests: whether one can be given to any, and in the form of crypt(3). */
import { LagoError } from '../base/errors.js'
import { runCommand } from '../base/process.js'
import type { Task } from '../base/task.js'

/** openssl-passwd(1) leaves out what comes after them, and says nothing. */
const MAX_BYTES = 256

/**
 * Throws `LAGO_PASSWORD` for one that is empty, longer than 256 bytes, or has control characters in it: some program on
 * its way would make something else of it.
 */
export function checkPassword(password: string): void {
  const why = whyUnusable(password)
  if (why === undefined) return
  throw new LagoError('LAGO_PASSWORD', `the root password cannot be put into a guest: ${why}`, {
    hint: 'choose another for root-password in the init file, or with --default_root_password',
  })
}

function whyUnusable(password: string): string | undefined {
  if (password === '') return 'it is empty'
  if (/\p{Cc}/u.test(password)) return 'it has a line break or another control character in it'
  return Buffer.byteLength(password) > MAX_BYTES ? `it is longer than ${MAX_BYTES} bytes` : undefined
}

/**
 * SHA-512 crypt. A password is hashed once per process, so VMs that share one have the same hash: openssl takes 15 ms,
 * and as many of them as there are VMs would keep every core busy.
 *
 * Throws as `checkPassword` does, and `LAGO_COMMAND_MISSING` without openssl.
 */
export async function hashPassword(task: Task, password: string): Promise<string> {
  checkPassword(password)
  const begun = hashes.get(password)
  if (begun !== undefined) return begun.catch(async () => hashPassword(task, password)) // another task's abort
  const hash = runOpenssl(task, password).catch((error: unknown) => {
    hashes.delete(password)
    throw error
  })
  hashes.set(password, hash)
  return hash
}

const hashes = new Map<string, Promise<string>>()

/** The password goes in by standard input: every user of the host may read arguments. */
async function runOpenssl(task: Task, password: string): Promise<string> {
  const options = { input: `${password}\n`, package: 'openssl' }
  return (await runCommand(task, ['openssl', 'passwd', '-6', '-stdin'], options)).stdout.trim()
}
