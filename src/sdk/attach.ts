/** A command in a guest that the user talks with. */
import { commandText } from '../guest/quote.js'
import { runAttachedInGuest } from '../guest/shell.js'
import type { VmPlan } from '../plan/types.js'
import { sshTargetOf } from '../prefix/guests.js'
import type { Opened } from './opened.js'
import type { AttachOptions, Command } from './types.js'

/** See `Vm.attach`. */
export async function attach(opened: Opened, vm: VmPlan, command: Command, options: AttachOptions): Promise<number> {
  const { session, prefix } = opened
  const tty = options.isTerminal ?? process.stdin.isTTY
  // a guest that is just booting is waited for, as for any other command
  await opened.line(vm.spec.name).use(opened.task(), async () => undefined)
  return runAttachedInGuest(opened.task(), sshTargetOf(session, prefix, vm), commandText(command), { tty })
}
