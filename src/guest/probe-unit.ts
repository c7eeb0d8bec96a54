/** Whether a unit of systemd is active in a guest. */
import { plainLine } from '../base/plain-text.js'
import type { GuestProbe } from './probe.js'

const NO_SYSTEMD = 97
const JOURNAL_LINES = 10

/** The state, and for a unit that has failed the end of its journal, in one command. */
const SCRIPT = `
[ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1 || exit ${NO_SYSTEMD}
state=$(systemctl show --property=LoadState,ActiveState,SubState -- "$1") || exit 1
echo "$state"
case "$state" in
*ActiveState=failed*) echo; journalctl --no-pager --quiet --output=cat --lines=${JOURNAL_LINES} --unit="$1" 2>/dev/null ;;
esac
exit 0
`.trim()

/**
 * A unit that has failed is not waited for. One that is not there is: the guest may be about to install it.
 * `unit` is the name of a unit, which must not begin with a dash.
 */
export function unitProbe(unit: string): GuestProbe {
  return async (task, guest) => {
    const { exitCode, stdout } = await guest.run(task, ['sh', '-c', SCRIPT, 'sh', unit])
    if (exitCode === NO_SYSTEMD)
      return {
        never: `${guest.vm} does not run systemd, so that it has no unit ${unit}`,
        hint: 'wait for port:N or cmd:COMMAND',
      }
    const [properties = '', ...journal] = stdout.split('\n\n')
    const property = (name: string): string => plainLine(new RegExp(`^${name}=(.*)$`, 'm').exec(properties)?.[1] ?? '')
    const [load, active] = [property('LoadState'), property('ActiveState')]
    if (active === 'active') return { value: true }
    if (active === 'failed') return { never: [`unit ${unit} has failed`, ...lastOf(journal.join('\n'))].join('\n    ') }
    if (load === 'not-found') return { notYet: `there is no unit ${unit}` }
    return { notYet: `unit ${unit} is ${active || 'in no known state'} (${property('SubState')})` }
  }
}

function lastOf(journal: string): string[] {
  const lines = journal.split('\n').filter((line) => line.trim() !== '')
  return lines.slice(-JOURNAL_LINES).map((line) => plainLine(line))
}
