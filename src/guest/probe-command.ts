/** A command of the user's that succeeds when the guest is ready. */
import { lastWords, type GuestProbe } from './probe.js'

/** `command` goes to the guest's shell as it is. */
export function commandProbe(command: string): GuestProbe {
  return async (task, guest) => {
    const { exitCode, stdout, stderr } = await guest.run(task, command)
    if (exitCode === 0) return { value: true }
    const said = lastWords(stderr) || lastWords(stdout)
    return { notYet: `the command ended with ${exitCode}${said === '' ? '' : `: ${said}`}` }
  }
}
