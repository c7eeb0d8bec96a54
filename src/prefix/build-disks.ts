/** `build:` steps of disks, before the first start (spec 3.8). */
import { about } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import type { DiskPlan, EnvPlan, VmPlan } from '../plan/types.js'
import type { Host } from './host.js'
import type { PrefixLayout } from './layout.js'
import { providerOf } from './prefix.js'

/** Each boots a small machine of half a GiB. */
const DISKS_AT_ONCE = 2

/** The steps of one disk in their order, several disks side by side. Throws what `customizeDisk` throws. */
export async function buildDisks(task: Task, host: Host, layout: PrefixLayout, plan: EnvPlan): Promise<void> {
  const all = [...plan.vms.values()].flatMap((vm) => vm.disks.map((disk) => ({ vm, disk })))
  const built = all.filter(({ disk }) => disk.spec.build.length > 0)
  await fanOut(task, built, async ({ vm, disk }, task) => buildDisk(task, host, layout, vm, disk), {
    limit: host.config.vm.jobs ?? DISKS_AT_ONCE,
  })
}

async function buildDisk(task: Task, host: Host, layout: PrefixLayout, vm: VmPlan, disk: DiskPlan): Promise<void> {
  const { customizeDisk } = await import('../bootstrap/guestfs/customize.js')
  const { name } = vm.spec
  await task.step(`Building ${name} disk ${disk.path}`, async (task) => {
    const kvmWorks = (await providerOf(host, vm).usesKvm?.(task)) ?? false
    const options = { vm: name, kvmWorks, publicKeyPath: layout.sshPublicKey }
    const image = { path: disk.path, format: disk.driver }
    for (const step of disk.spec.build)
      await about(`disk ${disk.spec.name} of VM ${name}`, customizeDisk(task, image, step, options))
  })
}
