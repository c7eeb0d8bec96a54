/** What helps a guest agent up that keeps silent: its service may be there and stopped, as some images have it. */
import { factsOf, messageOf } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { pause } from '../base/wait.js'
import type { Guest } from '../guest/guest.js'

export interface AgentHelp {
  readonly vm: string
  /** As soon as its ssh answers. */
  reachGuest(task: Task): Promise<Guest>
  /** The name of the service that was started; undefined when there was no need. */
  startAgent(task: Task, guest: Guest): Promise<string | undefined>
}

/** A guest that boots may let us in before it starts its agent. */
const GRACE_MS = 5_000

/**
 * Starts the service once, over ssh, when the guest has been up for `graceMs`; tells `say` what came of it. Ends with the
 * task, and never rejects: the agent may come without it.
 */
export async function helpAgent(
  task: Task,
  help: AgentHelp,
  say: (text: string) => void,
  graceMs = GRACE_MS,
): Promise<void> {
  try {
    await using guest = await help.reachGuest(task)
    await pause(task, graceMs)
    const service = await help.startAgent(task, guest)
    if (service === undefined) return
    task.log('info', `${help.vm}: started the service of its guest agent, ${service}`)
    say(`its service ${service} was not running and has been started`)
  } catch (error) {
    if (task.signal.aborted) return
    task.log('debug', `${help.vm}: its guest agent could not be helped: ${messageOf(error)}`, factsOf(error))
    say(messageOf(error))
  }
}
