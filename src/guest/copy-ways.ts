/** What a guest has for copying, and what there is at a path in it. */
import path from 'node:path'
import { LagoError } from '../base/errors.js'
import { lastLines } from '../base/plain-text.js'
import type { Task } from '../base/task.js'
import type { Guest } from './guest.js'
import type { SshGuest } from './ssh-guest.js'

export interface GuestPlace {
  /** `gnu` keeps holes; `plain` is another tar, as busybox's. */
  readonly tar: 'gnu' | 'plain' | 'none'
  readonly kind: 'directory' | 'file' | 'other' | 'missing' | 'no-parent'
}

const ASK = `
case "$(tar --version 2>/dev/null </dev/null)" in
  *'GNU tar'*) tar=gnu ;;
  *) if command -v tar >/dev/null 2>&1; then tar=plain; else tar=none; fi ;;
esac
if [ -d "$1" ]; then kind=directory
elif [ -f "$1" ]; then kind=file
elif [ -e "$1" ] || [ -L "$1" ]; then kind=other
elif [ -d "$2" ]; then kind=missing
else kind=no-parent
fi
echo "$tar $kind"
`

export async function askGuest(task: Task, guest: Guest, guestPath: string): Promise<GuestPlace> {
  const words = ['sh', '-c', ASK, 'sh', guestPath, path.posix.dirname(guestPath)]
  const { stdout, stderr } = await guest.run(task, words)
  const [, tar, kind] = /^(gnu|plain|none) (directory|file|other|missing|no-parent)$/m.exec(stdout) ?? []
  if (tar === undefined || kind === undefined) throw copyFailed(`asking ${guest.vm} what it has`, stderr || stdout)
  return { tar, kind } as GuestPlace // the words of the expression
}

/** For the guest's tools: nothing that looks like an option, `~/` as scp reads it, no slash at the end. */
export function guestPathOf(raw: string): string {
  const plain = raw.replace(/^~(\/+|$)/, '').replace(/(?<=.)\/+$/, '')
  if (plain === '') return '.'
  return plain.startsWith('-') ? `./${plain}` : plain
}

/** Undefined for a guest that is reached by something else than ssh. */
export function asSsh(guest: Guest): SshGuest | undefined {
  return 'connect' in guest ? (guest as SshGuest) : undefined // nothing else has one
}

/** Of the guest's or the host's tools; `LAGO_NO_SPACE` when they say that a disk is full, else `LAGO_COPY_FAILED`. */
export function copyFailed(what: string, said: string): LagoError {
  const last = lastLines(said, 3).join('; ')
  if (/no space left on device|disk quota exceeded/i.test(said))
    return new LagoError('LAGO_NO_SPACE', `${what}: the disk is full: ${last}`, { hint: 'free some space there' })
  return new LagoError('LAGO_COPY_FAILED', `${what}: ${last === '' ? 'it ended without a word' : last}`)
}
