/** `lago collect`: the artifacts of all VMs, side by side, to one directory for each (spec 6.4). */
import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { about, explainSystemError, isLagoError, LagoError } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import { makeDirs } from '../base/files.js'
import { prefixEra } from '../base/prefix-era.js'
import type { Task } from '../base/task.js'
import { openSshGuest } from '../guest/ssh-guest.js'
import { waitForSsh } from '../guest/wait-for-ssh.js'
import type { VmState } from '../libvirt/types.js'
import type { VmPlan } from '../plan/types.js'
import { collectLive } from './collect-live.js'
import { clearPlace } from './collect-place.js'
import { collectStopped } from './collect-stopped.js'
import { sshTargetOf } from './guests.js'
import type { Host } from './host.js'
import { providerOf, statesOf, type Prefix } from './prefix.js'
import { artifactsOf } from './vm-types.js'

export interface CollectOptions {
  /** Absolute. What an earlier collect has left there is renamed to `DIR.YYYY-mm-dd_HH:MM:SS`. */
  readonly outputDir: string
  /** Default false: what is not there is passed over. */
  readonly failOnMissing?: boolean
  /** For each VM. Default 300 s. */
  readonly vmTimeoutMs?: number
}

const DEFAULT_VM_TIMEOUT_MS = 300_000

/**
 * Fetches each artifact P of a VM to `<outputDir>/<vm>/<P with / as _>`: over ssh, or out of the disk where the VM does
 * not run or cannot be reached. A failing VM does not stop the others.
 *
 * Throws `LAGO_COLLECT_TARGET` before anything is touched, `LAGO_GUEST_NO_FILE` with `failOnMissing`, `LAGO_TIMEOUT`, `LAGO_NO_SPACE`, `LAGO_DISK_UNREADABLE`, what the
 * unpacking throws, or `LAGO_PARTIAL` with several of them.
 */
export async function collectArtifacts(task: Task, host: Host, prefix: Prefix, options: CollectOptions): Promise<void> {
  const { failOnMissing = false } = options
  const limitMs = options.vmTimeoutMs ?? DEFAULT_VM_TIMEOUT_MS
  const vms = [...prefix.plan.vms.values()]
  await task.step('Collect artifacts', async (task) => {
    const outputDir = await clearPlace(prefix, options.outputDir)
    for (const vm of vms) await makeDirs(path.join(outputDir, vm.spec.name))
    const era = await prefixEra(prefix.dir)
    const all = vms.map((vm) => ({ vm, artifacts: artifactsOf(host, vm, era) }))
    const wanting = all.filter(({ artifacts }) => artifacts.length > 0)
    const states = await statesOf(
      task,
      host,
      wanting.map(({ vm }) => vm),
    )
    const missing = await fanOut(task, wanting, async ({ vm, artifacts }, task) => {
      const { name } = vm.spec
      const source: Source = {
        vm,
        artifacts,
        state: states.get(name) ?? 'unknown',
        targetDir: path.join(outputDir, name),
      }
      const collecting = task.step(`Collect artifacts of VM ${name}`, async (task) =>
        task.within(limitMs, `collecting from ${name}`, async (task) => collectVm(task, host, prefix, source)),
      )
      const explained = collecting.catch((error: unknown) => {
        throw explainSystemError(error)
      })
      const left = await about(`VM ${name}, to ${source.targetDir}`, explained)
      return left.map((artifact) => ({ vm: name, artifact }))
    })
    if (failOnMissing && missing.flat().length > 0) throw noFile(missing.flat())
  })
}

interface Source {
  readonly vm: VmPlan
  /** Paths in the guest. */
  readonly artifacts: readonly string[]
  readonly state: VmState
  readonly targetDir: string
}

async function collectVm(task: Task, host: Host, prefix: Prefix, source: Source): Promise<readonly string[]> {
  const { vm, artifacts, state, targetDir } = source
  const isForeign = providerOf(host, vm).foreign === true // its disks are not here
  if (state === 'running') {
    try {
      return await collectOverSsh(task, host, prefix, source)
    } catch (error) {
      if (!isLagoError(error) || !NO_SSH.includes(error.code) || isForeign) throw error
      task.log('warning', `${vm.spec.name}: reading the disk, for ssh did not work: ${error.message}`)
      await rm(targetDir, { recursive: true, force: true })
      await mkdir(targetDir, { mode: 0o755 })
    }
  }
  if (state !== 'down')
    task.log('warning', `${vm.spec.name} is "${state}" while its disk is read: what is collected may be inconsistent`)
  const user = vm.spec.sshUser ?? host.config.ssh.user
  return collectStopped(task, { vm, homeDir: user === 'root' ? '/root' : `/home/${user}` }, artifacts, targetDir)
}

const NO_SSH: readonly string[] = ['LAGO_GUEST_UNREACHABLE', 'LAGO_GUEST_AUTH', 'LAGO_HOST_KEY_CHANGED']

/** A VM that runs and does not greet within the time for one connection is taken for one that never will. */
async function collectOverSsh(task: Task, host: Host, prefix: Prefix, source: Source): Promise<readonly string[]> {
  const target = { ...sshTargetOf(host, prefix, source.vm), connectTries: 1 }
  await waitForSsh(task, target, target.connectTimeoutMs)
  await using guest = openSshGuest(target)
  return await collectLive(task, guest, source.artifacts, source.targetDir)
}

function noFile(missing: readonly { readonly vm: string; readonly artifact: string }[]): LagoError {
  const texts = missing.map(({ vm, artifact }) => `${artifact} (${vm})`)
  return new LagoError('LAGO_GUEST_NO_FILE', `Failed to extract files: ${texts.join(', ')}`, {
    hint: 'without --no-skip what is not there is passed over',
    data: { missing },
  })
}
