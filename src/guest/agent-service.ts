/** The service in a guest that runs qemu's guest agent (spec 6.6). */
import { LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import type { Guest } from './guest.js'
import type { ServiceManager } from './services/manager.js'

const NAMES = ['qemu-guest-agent', 'qemu-ga'] as const

/** The first of its known names that the guest has. Throws `LAGO_SERVICE`. */
export async function findAgentService(task: Task, guest: Guest, manager: ServiceManager): Promise<string> {
  for (const name of NAMES) if ((await manager.state(task, guest, name)) !== 'missing') return name
  throw new LagoError('LAGO_SERVICE', `Could not find guest agent service in ${guest.vm}`, {
    hint: 'install qemu-guest-agent in the image, or name its service with guest-agent in the init file',
    data: { vm: guest.vm, names: NAMES },
  })
}
