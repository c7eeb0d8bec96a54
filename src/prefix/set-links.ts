/** `lago net set`: links made worse on purpose, or better again, now and at every start from now on. */
import { LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { UndoStack } from '../base/undo.js'
import { changeLink, parseLinkWish, type LinkChange, type LinkWish } from '../plan/link-conditions.js'
import { findNics, type NicTarget } from '../plan/nic-targets.js'
import type { EnvPlan, LinkConditions, NicPlan, VmPlan } from '../plan/types.js'
import type { Host } from './host.js'
import { applyLinks } from './links.js'
import { providerOf, savePrefix, withVms, type Prefix } from './prefix.js'

/**
 * Every nic that `target` (`NET`, or `VM:NIC`) means, of VMs that run and of those that are down. It is written down
 * first and then done; a run that was killed in between is finished by the next verb that changes the prefix. When it
 * cannot be done, links and what is written down are as before.
 *
 * Throws `LAGO_LINK_VALUE`, `LAGO_NO_SUCH_NET`, `LAGO_NO_SUCH_VM`, `LAGO_NO_SUCH_NIC`, `LAGO_LINK_UNSUPPORTED`, all of them
 * before anything is changed; `LAGO_LINK_FOREIGN`, `LAGO_LIBVIRT`, `LAGO_COMMAND_FAILED`.
 */
export async function setLinks(
  task: Task,
  host: Host,
  prefix: Prefix,
  target: string,
  wish: LinkWish,
): Promise<Prefix> {
  const change = parseLinkWish(wish)
  const targets = ableAmong(task, host, prefix.plan, target)
  const vms = degraded(prefix.plan, targets, change)
  await requireLinks(task, host, vms, targets)
  return task.step(`Set links of ${target}`, async (task) => {
    await using undo = new UndoStack(task)
    const before = vms.map((vm) => prefix.plan.vms.get(vm.spec.name) ?? vm)
    undo.defer(`links of ${target}`, async (task) => {
      await savePrefix(prefix, prefix.plan)
      await applyLinks(task, host, prefix, before)
    })
    const saved = await savePrefix(prefix, withVms(prefix.plan, vms))
    await applyLinks(task, host, saved, vms)
    undo.commit()
    return saved
  })
}

/** On a net, machines of others are passed over with a warning; one that is named has to be able. */
function ableAmong(task: Task, host: Host, plan: EnvPlan, target: string): readonly NicTarget[] {
  const targets = findNics(plan, target)
  const isAble = (vm: VmPlan | undefined): boolean => vm !== undefined && providerOf(host, vm).links !== undefined
  const able = targets.filter(({ vm }) => isAble(plan.vms.get(vm)))
  const others = [...new Set(targets.filter((one) => !able.includes(one)).map(({ vm }) => vm))]
  if (able.length === 0)
    throw new LagoError('LAGO_LINK_UNSUPPORTED', `links of ${others.join(', ')} cannot be degraded by their provider`, {
      hint: 'only machines that run on this host have links that can be changed here',
      data: { target, vms: others },
    })
  for (const vm of others) task.log('warning', `${vm} stays as it is: its provider cannot degrade its links`)
  return able
}

function degraded(plan: EnvPlan, targets: readonly NicTarget[], change: LinkChange): readonly VmPlan[] {
  return [...plan.vms.values()].flatMap((vm) => {
    if (!targets.some((target) => target.vm === vm.spec.name)) return []
    const nics = vm.nics.map((nic, index) =>
      isMeant(targets, vm.spec.name, index) ? withLink(nic, changeLink(nic.link, change)) : nic,
    )
    return [{ ...vm, nics }]
  })
}

function withLink({ link: _, ...nic }: NicPlan, link: LinkConditions | undefined): NicPlan {
  return link === undefined ? nic : { ...nic, link }
}

/** Of the nics that are meant: what others of these VMs have need not be possible to mend one. */
async function requireLinks(
  task: Task,
  host: Host,
  vms: readonly VmPlan[],
  targets: readonly NicTarget[],
): Promise<void> {
  for (const provider of new Set(vms.map((vm) => providerOf(host, vm)))) {
    const own = vms.filter((vm) => providerOf(host, vm) === provider)
    const links = own.flatMap(({ spec, nics }) =>
      nics.flatMap(({ link }, index) => (link !== undefined && isMeant(targets, spec.name, index) ? [link] : [])),
    )
    await provider.links?.require(task, links)
  }
}

function isMeant(targets: readonly NicTarget[], vm: string, index: number): boolean {
  return targets.some((target) => target.vm === vm && target.index === index)
}
