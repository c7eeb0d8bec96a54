/**
 * Whether cloud-init has done its work in a guest, by the files that it leaves in /run: its own `status --wait` is a
 * Python program that looks four times a second, which an emulated guest feels.
 */
import { plainLine } from '../base/plain-text.js'
import type { GuestProbe } from './probe.js'

/** cloud-init, "Boot status": `result.json` is written at the end of a boot, `disabled` by its generator. */
const SCRIPT = `
cd /run/cloud-init 2>/dev/null || { command -v cloud-init >/dev/null 2>&1 && echo waiting || echo missing; exit 0; }
if [ -e result.json ]; then echo done; cat result.json; elif [ -e disabled ]; then echo disabled; else echo waiting; fi
`.trim()

/** Errors that cloud-init recorded are told, and not waited for. */
export const probeCloudInit: GuestProbe = async (task, guest) => {
  const { stdout } = await guest.run(task, SCRIPT)
  const [word = '', ...rest] = stdout.split('\n')
  switch (word) {
    case 'done': {
      const errors = errorsIn(rest.join('\n'))
      if (errors.length === 0) return { value: true }
      return { never: `cloud-init in ${guest.vm} ended with errors: ${errors.join('; ')}`, hint: LOOK }
    }
    case 'disabled':
      return { never: `cloud-init is disabled in ${guest.vm}`, hint: 'wait for ssh instead' }
    case 'missing':
      return { never: `${guest.vm} has no cloud-init`, hint: 'wait for ssh instead' }
    default:
      return { notYet: word === 'waiting' ? 'cloud-init is at work' : 'cloud-init: no known answer' }
  }
}

const LOOK = 'lago shell VM cat /var/log/cloud-init-output.log'

/** A file that is half written has none yet; that it exists is what counts. */
function errorsIn(json: string): string[] {
  const errors = membersOf(membersOf(parsed(json))['v1'])['errors']
  return Array.isArray(errors) ? errors.map((error) => plainLine(String(error))) : []
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}
}
