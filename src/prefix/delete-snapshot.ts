/** `lago snapshot --delete`. */
import { about } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import type { VmPlan } from '../plan/types.js'
import type { Host } from './host.js'
import { subjectsOf, takersAmong } from './pause.js'
import { savePrefix, withVms, type Prefix } from './prefix.js'
import { requireSnapshot } from './revert.js'
import { removeUnused } from './unused-files.js'

/**
 * Deletes the snapshot, with every file that nothing else needs. Running VMs run on.
 * Throws `LAGO_NO_SUCH_SNAPSHOT`, `LAGO_QEMU`, `LAGO_LIBVIRT`, `LAGO_PARTIAL`: a VM that failed has it still.
 */
export async function deleteSnapshot(task: Task, host: Host, prefix: Prefix, name: string): Promise<Prefix> {
  const takers = takersAmong(host, [...prefix.plan.vms.values()])
  if (!takers.some((vm) => vm.snapshots.has(name))) requireSnapshot(takers, name)
  const { subjects } = await subjectsOf(task, host, [...prefix.plan.vms.values()])
  const owners = subjects.filter(({ vm }) => vm.snapshots.has(name))
  return task.step(`Delete snapshot ${name}`, async (task) => {
    const done: VmPlan[] = []
    try {
      await fanOut(task, owners, async ({ vm, snapshots }, task) => {
        done.push(await about(`VM ${vm.spec.name}`, snapshots.remove(task, vm, name)))
      })
    } finally {
      const plan = withVms(prefix.plan, done)
      await savePrefix(prefix, plan)
      await removeUnused(prefix.layout, prefix.plan, plan)
    }
    return { ...prefix, plan: withVms(prefix.plan, done) }
  })
}
