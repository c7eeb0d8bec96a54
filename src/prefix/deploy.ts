/** `lago deploy`: every VM's scripts in their order, VMs side by side; what ran is written down (spec 6.3). */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { about, isLagoError, LagoError } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import type { Guest } from '../guest/guest.js'
import { runScript } from '../guest/script.js'
import type { VmPlan } from '../plan/types.js'
import { readDeployRecord, writeDeployRecord, type DeployRun } from './deploy-record.js'
import { findSource } from './deploy-source.js'
import { reachGuest } from './guests.js'
import type { Host } from './host.js'
import { selectVms, type Prefix } from './prefix.js'

export interface DeployOptions {
  /** Empty: all. */
  readonly names: readonly string[]
  /** From a VM's first script on that has changed, has failed or has not run; default false: all scripts. */
  readonly changedOnly?: boolean
}

/**
 * Runs the deploy scripts of the named VMs. After one that fails the rest of that VM is left out; other VMs go on.
 *
 * With `changedOnly` the scripts behind the first that has to run are run again too: they ran on what the one before
 * them had left. VMs that have nothing to run are not contacted.
 * Throws `LAGO_DEPLOY_FAILED` with the first script that failed, `LAGO_NO_SUCH_VM`, `LAGO_VM_NOT_RUNNING`,
 * `LAGO_GUEST_UNREACHABLE`, `LAGO_PREFIX_CORRUPT`, or `LAGO_PARTIAL` with several of them.
 */
export async function deployPrefix(task: Task, host: Host, prefix: Prefix, options: DeployOptions): Promise<void> {
  const vms = selectVms(prefix.plan, options.names)
  await task.step('Deploy environment', async (task) => {
    const work = await fanOut(task, vms, async (vm) => planWork(prefix, vm, options.changedOnly ?? false))
    for (const { vm, done, scripts } of work)
      if (scripts.length === 0 && done.length > 0)
        task.log('info', `${vm.spec.name}: nothing has changed in ${prefix.layout.scripts}`)
    await warnOfEdited(task, vms)
    const toDo = work.filter(({ scripts }) => scripts.length > 0)
    // scripts may wait for those of other machines, so all run at once unless the user says otherwise
    const limit = host.config.vm.jobs ?? Infinity
    const deploying = fanOut(task, toDo, async (vmWork, task) => deployVm(task, host, prefix, vmWork), { limit })
    const failures = await deploying.catch((error: unknown) => {
      throw namingAllDown(error)
    })
    const failed = failures.filter((failure) => failure !== undefined)
    if (failed.length > 0) throw joined(failed)
  })
}

/** What runs is the copy that the prefix has had since init, which is easily forgotten. */
async function warnOfEdited(task: Task, vms: readonly VmPlan[]): Promise<void> {
  for (const copyPath of new Set(vms.flatMap((vm) => vm.spec.deployScripts))) {
    const sourcePath = await findSource(copyPath)
    if (sourcePath === undefined) continue
    const same = await Promise.all([copyPath, sourcePath].map(async (file) => readFile(file))).then(
      ([copy, source]) => copy?.equals(source ?? Buffer.alloc(0)),
      () => true, // it is nobody's business here whether the source can be read
    )
    if (same !== true)
      task.log('warning', `${sourcePath} differs from its copy of lago init, which counts: ${copyPath}`)
  }
}

/** One hint for all VMs that are down, where there are several. */
function namingAllDown(error: unknown): unknown {
  if (!isLagoError(error, 'LAGO_PARTIAL') || !(error.cause instanceof AggregateError)) return error
  const down = error.cause.errors.filter((failure) => isLagoError(failure, 'LAGO_VM_NOT_RUNNING'))
  if (down.length < 2) return error
  const { code, message, data, cause } = error
  const names = down.map((failure: LagoError) => String(failure.data['vm']))
  return new LagoError(code, message, { hint: `lago start ${names.join(' ')}`, data, cause })
}

interface VmWork {
  readonly vm: VmPlan
  /** What ran before and holds. */
  readonly done: readonly DeployRun[]
  readonly scripts: readonly Script[]
}

interface Script {
  readonly name: string
  readonly content: Uint8Array
  readonly sha256: string
}

async function planWork(prefix: Prefix, vm: VmPlan, changedOnly: boolean): Promise<VmWork> {
  const scripts = await Promise.all(vm.spec.deployScripts.map(readScript))
  if (!changedOnly) return { vm, done: [], scripts }
  const runs = (await readDeployRecord(prefix.layout, vm.spec.name))?.runs ?? []
  const holds = ({ sha256 }: Script, index: number): boolean =>
    runs[index]?.sha256 === sha256 && runs[index].exitCode === 0
  const first = scripts.findIndex((script, index) => !holds(script, index))
  const count = first === -1 ? scripts.length : first
  return { vm, done: runs.slice(0, count), scripts: scripts.slice(count) }
}

async function readScript(scriptPath: string): Promise<Script> {
  const content = await readFile(scriptPath)
  return { name: path.basename(scriptPath), content, sha256: createHash('sha256').update(content).digest('hex') }
}

/** Gives the failure of a script, so that it can be told from those of the connection. */
async function deployVm(task: Task, host: Host, prefix: Prefix, work: VmWork): Promise<LagoError | undefined> {
  const { name } = work.vm.spec
  return task
    .step(`Deploy VM ${name}`, async (task) => {
      const reached = task.step('Wait for ssh connectivity', async (task) => reachGuest(task, host, prefix, work.vm))
      await using guest = await about(`deploy ${name}`, reached)
      let runs = work.done
      const save = async (): Promise<void> => writeDeployRecord(prefix.layout, name, { runs })
      for (const script of work.scripts) {
        await save() // what runs now counts as not run until it has ended
        await runOne(task, guest, script, async (run) => {
          runs = [...runs, run]
          await save()
        })
      }
      return undefined
    })
    .catch((error: unknown) => {
      if (isLagoError(error, 'LAGO_DEPLOY_FAILED')) return error
      throw error
    })
}

async function runOne(
  task: Task,
  guest: Guest,
  script: Script,
  onEnd: (run: DeployRun) => Promise<void>,
): Promise<void> {
  await task.step(`Run script ${script.name}`, async (task) => {
    const startedAtMs = Date.now()
    const onLine = (line: string): void => task.log('debug', `${guest.vm} ${script.name}: ${line}`)
    const running = runScript(task, guest, script.content, onLine)
    const { exitCode, lastLines } = await about(`script ${script.name} on ${guest.vm}`, running)
    await onEnd({ script: script.name, sha256: script.sha256, startedAtMs, exitCode })
    if (exitCode !== 0) throw scriptFailed(guest.vm, script.name, exitCode, lastLines)
  })
}

const SHOWN_LINES = 5

function scriptFailed(vm: string, script: string, exitCode: number, lastLines: readonly string[]): LagoError {
  const shown = lastLines.slice(-SHOWN_LINES).map((line) => `\n  ${line}`)
  return new LagoError('LAGO_DEPLOY_FAILED', `${script} failed with status ${exitCode} on ${vm}${shown.join('')}`, {
    hint: 'its whole output is in the log of the prefix; lago deploy --changed goes on from this script',
    data: { vm, script, exitCode, lastLines },
  })
}

function joined(failures: readonly LagoError[]): LagoError {
  const [first, ...others] = failures
  if (first === undefined) throw new Error('unreachable: no failure')
  if (others.length === 0) return first
  const also = others.map(
    ({ data }) => `\nalso ${String(data['script'])}, status ${String(data['exitCode'])}, on ${String(data['vm'])}`,
  )
  return new LagoError('LAGO_DEPLOY_FAILED', `${first.message}${also.join('')}`, {
    hint: first.hint,
    data: { ...first.data, failures: failures.map(({ data }) => data) },
    cause: new AggregateError(failures),
  })
}
