/**
 * The quick half of the doctor, which comes before every start: only what costs a few reads, and fails only where VMs
 * would not come up or would not live.
 */
import path from 'node:path'
import { LagoError } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import type { DiskBacking, VmPlan } from '../plan/types.js'
import type { HostUse } from '../vm/provider.js'
import type { HostFacts } from './facts.js'
import { guestUserOf } from './guest-user.js'
import type { EnvNeeds } from './needs.js'
import { byHand } from './remedy.js'
import { reachFinding } from './reach.js'
import { diskFinding, freeAt, memoryOf } from './resources.js'
import { failed, ok, type Finding } from './types.js'

export type QuickFacts = Pick<HostFacts, 'me' | 'stat' | 'readFile' | 'realPath' | 'run' | 'findProgram' | 'freeBytes'>

export interface QuickRequest {
  readonly needs: EnvNeeds
  /** Those that are to be started. */
  readonly vms: readonly VmPlan[]
  readonly use: HostUse
  /** The environment's own, which `start` opens for qemu's user itself. */
  readonly prefixDir: string
}

interface QuickFinding extends Finding {
  readonly id: string
}

/**
 * Throws `LAGO_NOT_READY` in the doctor's words when the VMs do not fit this host; tells when memory is tight. With
 * `force` what would be thrown is told.
 */
export async function requireFit(
  task: Task,
  facts: QuickFacts,
  request: QuickRequest,
  { force = false }: { readonly force?: boolean } = {},
): Promise<void> {
  const findings = await examineQuickly(task, facts, request)
  const bad = findings.filter(({ outcome }) => outcome === 'failed')
  const tight = findings.filter(({ id, outcome }) => id === 'memory' && outcome === 'warning')
  for (const { reason } of [...tight, ...(force ? bad : [])]) task.log('warning', reason)
  if (bad.length > 0 && !force) throw notReady(bad)
}

async function examineQuickly(
  task: Task,
  facts: QuickFacts,
  { needs, vms, use, prefixDir }: QuickRequest,
): Promise<readonly QuickFinding[]> {
  // a guess at the user is no reason to refuse
  const user = use.user === undefined ? undefined : await guestUserOf(use.user, facts)
  const checks: Readonly<Record<string, () => Promise<Finding>>> = {
    memory: async () => memoryOf(facts, needs),
    'disk-space': async () => diskFinding([await freeAt(facts, needs.imagesDir)], needs),
    qemu: async () => emulatorFinding(facts, use),
    'qemu-access': async () => (user === undefined ? ok('') : reachFinding(task, facts, user, dirsOf(vms, prefixDir))),
  }
  return fanOut(task, Object.entries(checks), async ([id, find]) => ({ id, ...(await find()) }))
}

async function emulatorFinding(facts: QuickFacts, { emulator }: HostUse): Promise<Finding> {
  if (emulator === undefined || (await facts.stat(emulator)) !== undefined) return ok('')
  return failed(`libvirt's emulator ${emulator} is not there any more`, byHand('lago doctor'))
}

/** Of the disks and of everything that they are laid over; for those within the prefix what is above it counts. */
function dirsOf(vms: readonly VmPlan[], prefixDir: string): readonly string[] {
  const files = vms.flatMap(({ disks }) => disks.flatMap((disk) => [disk.path, ...below(disk.backing)]))
  const dirs = files.map((file) => {
    return file.startsWith(`${prefixDir}${path.sep}`) ? path.dirname(prefixDir) : path.dirname(file)
  })
  return [...new Set(dirs)]
}

function below(backing: DiskBacking | undefined): readonly string[] {
  return backing === undefined ? [] : [backing.path, ...below(backing.backing)]
}

function notReady(bad: readonly QuickFinding[]): LagoError {
  const commands = bad.flatMap(({ remedy }) => (remedy === undefined ? [] : [remedy.command]))
  const advice = commands.length === 0 ? 'lago doctor tells more' : commands.join('; ')
  return new LagoError('LAGO_NOT_READY', `this host is not ready: ${bad.map(({ reason }) => reason).join('; ')}`, {
    hint: `${advice}; start --force starts all the same`,
    data: {
      checks: Object.fromEntries(bad.map(({ id, reason, remedy }) => [id, { reason, command: remedy?.command }])),
    },
  })
}
