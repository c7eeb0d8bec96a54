/** The host's clock: guests take theirs from it, and certificates and file times are compared with it. */
import type { Task } from '../base/task.js'
import type { HostFacts } from './facts.js'
import { byHand, byRoot, install, safeByRoot, type Remedy } from './remedy.js'
import { failed, ok, warning, type Check } from './types.js'

export const clock: Check = {
  id: 'clock',
  title: "the host's clock",
  async run(task, { facts }) {
    const behind = await newestAhead(facts)
    if (behind !== undefined)
      return failed(
        `it is behind: ${behind.path} was changed ${duration(behind.byMs)} later than now`,
        (await syncRemedy(facts)) ?? byHand('# set it: date -s "YYYY-MM-DD hh:mm:ss"'),
      )
    const synchronized = await isSynchronized(task, facts)
    if (synchronized === true) return ok('it is synchronised by NTP')
    const remedy = await syncRemedy(facts)
    if (synchronized === false) return warning('it is plausible, but not synchronised', remedy)
    return warning('it is plausible; nobody tells whether it is synchronised', remedy)
  },
}

/** Written at every boot or login, or with the system's packages. */
const WITNESSES = ['/etc/passwd', '/etc/hostname', '/var/log', '/var/lib/dpkg/status', '/var/lib/rpm', '/var/log/wtmp']
const TOLERANCE_MS = 120_000

async function newestAhead(facts: HostFacts): Promise<{ path: string; byMs: number } | undefined> {
  const found = await Promise.all(
    WITNESSES.map(async (path) => ({ path, byMs: ((await facts.stat(path))?.modifiedAtMs ?? 0) - facts.now() })),
  )
  return found.filter(({ byMs }) => byMs > TOLERANCE_MS).sort((one, other) => other.byMs - one.byMs)[0]
}

/** Undefined: nobody tells. */
async function isSynchronized(task: Task, facts: HostFacts): Promise<boolean | undefined> {
  const chrony = await facts.run(task, ['chronyc', '-n', 'tracking'])
  const [, leap] = /^Leap status\s*:\s*(.*)$/m.exec(chrony?.stdout ?? '') ?? []
  if (chrony?.exitCode === 0 && leap !== undefined) return leap.trim() !== 'Not synchronised'
  const systemd = await facts.run(task, ['timedatectl', 'show', '--property=NTPSynchronized', '--value'])
  const value = systemd?.exitCode === 0 ? systemd.stdout.trim() : ''
  return value === 'yes' ? true : value === 'no' ? false : undefined
}

async function syncRemedy(facts: HostFacts): Promise<Remedy | undefined> {
  if ((await facts.findProgram('chronyc')) !== undefined) return byRoot(facts, ['chronyc', 'makestep'])
  if ((await facts.stat('/run/systemd/system')) === undefined) return undefined
  if ((await facts.stat('/usr/lib/systemd/systemd-timesyncd')) !== undefined)
    return safeByRoot(facts, ['timedatectl', 'set-ntp', 'true'])
  return install(facts, [{ apt: 'systemd-timesyncd', dnf: 'chrony' }])
}

function duration(ms: number): string {
  const minutes = Math.round(ms / 60_000)
  if (minutes < 120) return `${minutes} min`
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`
}
