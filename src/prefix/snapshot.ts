/** `lago snapshot`: all VMs of the prefix at one point in time, or none of them. */
import { about, factsOf, LagoError, messageOf } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import { UndoStack } from '../base/undo.js'
import type { VmPlan } from '../plan/types.js'
import type { GuestAgent } from '../vm/provider.js'
import { requireSnapshotName } from '../vm/snapshot-name.js'
import { agentAnswers } from './agent-answers.js'
import type { Host } from './host.js'
import { pauseRunning, resume, subjectsOf, type Subject } from './pause.js'
import { providerOf, savePrefix, selectVms, withVms, type Prefix } from './prefix.js'
import { noteUnderWay } from './under-way.js'
import { removeUnused } from './unused-files.js'
import { keepRecords } from './records.js'
import { refuseSleeping } from './sleep-files.js'

export interface SnapshotOptions {
  /** Without the memory of running VMs; their file systems are quiet meanwhile where an agent answers. */
  readonly diskOnly: boolean
  /** Names of VMs; default, and with none: all. */
  readonly vms?: readonly string[]
}

/**
 * Running VMs are kept with their memory, stopped ones as they are. Gives the prefix with the snapshot written down.
 * VMs that take no snapshots are left out with a warning.
 *
 * Throws `LAGO_NO_SUCH_VM`, `LAGO_SNAPSHOT_NAME`, `LAGO_SNAPSHOT_EXISTS`, `LAGO_VM_SUSPENDED`, `LAGO_QEMU`, `LAGO_LIBVIRT`,
 * `LAGO_NO_SPACE`, or `LAGO_PARTIAL` with several of them; then no VM has it and all run on.
 */
export async function snapshotPrefix(
  task: Task,
  host: Host,
  prefix: Prefix,
  name: string,
  { diskOnly, vms = [] }: SnapshotOptions,
): Promise<Prefix> {
  requireSnapshotName(name)
  const all = selectVms(prefix.plan, vms)
  refuseKnown(all, name)
  await refuseSleeping(prefix, all)
  return task.step('Create VMs snapshots', async (task) => {
    const { subjects, others } = await subjectsOf(task, host, all)
    for (const vm of others) task.log('warning', `${vm.spec.name} is left out: its provider takes no snapshots`)
    requireSome(subjects, all)
    return await atOnePoint(task, host, prefix, subjects, { name, diskOnly })
  })
}

async function atOnePoint(
  task: Task,
  host: Host,
  prefix: Prefix,
  subjects: readonly Subject[],
  wanted: SnapshotOptions & { readonly name: string },
): Promise<Prefix> {
  const frozen = wanted.diskOnly ? await freezeRunning(task, host, subjects) : []
  try {
    return await takeAll(task, host, prefix, subjects, wanted)
  } finally {
    await task.shielded(THAW_LIMIT_MS, async (task) => thawAll(task, frozen))
  }
}

async function takeAll(
  task: Task,
  host: Host,
  prefix: Prefix,
  subjects: readonly Subject[],
  wanted: SnapshotOptions & { readonly name: string },
): Promise<Prefix> {
  const running = subjects.filter(({ state }) => state === 'running')
  await using _note = await noteUnderWay(
    prefix.layout,
    { verb: 'snapshot', name: wanted.name, vms: subjects.map(({ vm }) => vm.spec.name) },
    { paused: running.map(({ vm }) => vm) },
  )
  await using undo = new UndoStack(task)
  await pauseRunning(task, subjects, undo)
  const takenAtMs = Date.now()
  const taken: VmPlan[] = []
  undo.defer(`remove the snapshot ${wanted.name}`, async (task) => removeTaken(task, host, prefix, taken, wanted.name))
  await fanOut(task, subjects, async ({ vm, snapshots }, task) =>
    task.step(`Creating live snapshot named ${wanted.name} for ${vm.spec.name}`, async (task) => {
      const files = prefix.layout.snapshot(vm.spec.name, wanted.name)
      const request = { ...wanted, takenAtMs, files }
      taken.push(await about(`VM ${vm.spec.name}`, snapshots.take(task, vm, request)))
      await keepRecords(prefix.layout, vm.spec.name, wanted.name)
    }),
  )
  // before they run on: whatever happens then, what they write to is known
  const saved = await savePrefix(prefix, withVms(prefix.plan, taken))
  undo.commit()
  await resume(task, running)
  return saved
}

interface Frozen {
  readonly vm: VmPlan
  readonly agent: GuestAgent
}

/** Where an agent answers, the file systems are made quiet; elsewhere the disks are as after a power cut. */
async function freezeRunning(task: Task, host: Host, subjects: readonly Subject[]): Promise<readonly Frozen[]> {
  const frozen: Frozen[] = []
  const running = subjects.filter(({ state }) => state === 'running')
  try {
    await fanOut(task, running, async ({ vm }, task) => {
      const agent = providerOf(host, vm).agent?.(vm)
      if (agent !== undefined && (await freeze(task, vm, agent))) frozen.push({ vm, agent })
    })
  } catch (error) {
    await task.shielded(THAW_LIMIT_MS, async (task) => thawAll(task, frozen))
    throw error
  }
  return frozen
}

async function freeze(task: Task, vm: VmPlan, agent: GuestAgent): Promise<boolean> {
  try {
    await agentAnswers(task, agent, AGENT_LIMIT_MS)
    await agent.freeze(task)
    return true
  } catch (error) {
    task.signal.throwIfAborted()
    task.log('info', `the disks of ${vm.spec.name} are taken as after a power cut: ${messageOf(error)}`)
    return false
  }
}

async function thawAll(task: Task, frozen: readonly Frozen[]): Promise<void> {
  await fanOut(task, frozen, async ({ vm, agent }, task) => {
    await agent.thaw(task).catch((error: unknown) => {
      task.log('error', `${vm.spec.name} may not be able to write to its disks: ${messageOf(error)}`, factsOf(error))
    })
  })
}

const THAW_LIMIT_MS = 120_000
const AGENT_LIMIT_MS = 2_000

/** Where images were frozen, they stay so: the VM writes to new ones, and that is written down. */
async function removeTaken(
  task: Task,
  host: Host,
  prefix: Prefix,
  taken: readonly VmPlan[],
  name: string,
): Promise<void> {
  let plan = withVms(prefix.plan, taken)
  await savePrefix(prefix, plan) // one that will not go is known
  const removeFrom = async (vm: VmPlan, task: Task): Promise<void> => {
    const without = await providerOf(host, vm).snapshots?.remove(task, vm, name)
    const before = plan
    plan = withVms(plan, [without ?? vm])
    await savePrefix(prefix, plan)
    await removeUnused(prefix.layout, before, plan)
  }
  await fanOut(task, taken, removeFrom, { limit: 1 })
}

function refuseKnown(vms: readonly VmPlan[], name: string): void {
  const owners = vms.filter((vm) => vm.snapshots.has(name)).map((vm) => vm.spec.name)
  if (owners.length === 0) return
  throw new LagoError('LAGO_SNAPSHOT_EXISTS', `there is a snapshot ${name} already, of ${owners.join(', ')}`, {
    hint: `take another name, or remove it: lago snapshot --delete ${name}`,
    data: { snapshot: name, vms: owners },
  })
}

function requireSome(subjects: readonly Subject[], all: readonly VmPlan[]): void {
  if (subjects.length > 0) return
  const names = all.map((vm) => vm.spec.name).join(', ')
  const why = names === '' ? 'there are no VMs' : `the provider of ${names} takes none`
  throw new LagoError('LAGO_NO_SNAPSHOTS', `no snapshot can be taken: ${why}`)
}
