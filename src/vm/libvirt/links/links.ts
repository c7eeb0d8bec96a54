/**
 * Links of libvirt's VMs. Their state, and their rate where the kernel has what libvirt limits it with, go through
 * libvirt; delay, loss, and a rate on other kernels are done to the tap, from which the guest receives.
 */
import { readFile } from 'node:fs/promises'
import { LagoError } from '../../../base/errors.js'
import { findProgram } from '../../../base/process.js'
import type { Task } from '../../../base/task.js'
import type { LibvirtConnection } from '../../../libvirt/types.js'
import { hasOwnerMark } from '../../../plan/owner-mark.js'
import type { LinkConditions, NicPlan, VmPlan } from '../../../plan/types.js'
import type { VmLinks } from '../../provider.js'
import { kilobytesPerS } from '../domain-xml.js'
import { hasDegradedLinks, interfacesIn, withLinkState, type LiveInterface } from './interface-xml.js'
import { askKernel } from './kernel.js'
import { needsNetem, needsTapQueue, shapeTap, type RateWay } from './tap.js'

export interface LibvirtLinks extends VmLinks {
  /**
   * As `require`, for a VM that is to start. `limitsRates`: rates stand in its XML; `shapesTaps`: `apply` has to follow
   * before the guest runs.
   */
  prepare(task: Task, vm: VmPlan): Promise<{ readonly limitsRates: boolean; readonly shapesTaps: boolean }>
}

type Libvirt = Pick<LibvirtConnection, 'uri' | 'domainXml' | 'updateDevice' | 'limitInterface'>

export interface LinksOptions {
  /** May change the queue of a tap. */
  readonly isRoot?: boolean
}

export function createLinks(libvirt: Libvirt, { isRoot = process.geteuid?.() === 0 }: LinksOptions = {}): LibvirtLinks {
  /** Only qemu's domains have taps, and only on this host can we get at them. */
  const hasTaps = /^qemu:\/\/\//.test(libvirt.uri)
  let isWarned = false
  const warnOnce = (task: Task, message: string): void => {
    if (!isWarned) task.log('warning', message)
    isWarned = true
  }

  const prepare = async (task: Task, links: readonly LinkConditions[]): Promise<RateWay> => {
    if (links.some(needsNetem)) await requireNetem(task, { otherHost: hasTaps ? undefined : libvirt.uri, isRoot })
    return links.some(({ rateBitsPerS }) => rateBitsPerS !== undefined) && hasTaps
      ? rateWayHere(task, { isRoot, warn: warnOnce })
      : 'libvirt'
  }
  const applyOne = async (task: Task, nic: LiveNic, rateWay: RateWay, isWoken: boolean): Promise<void> => {
    const { live, link, mac, domain } = nic
    const isDown = link?.isDown ?? false
    // first, while the rest of the element is still as libvirt has it, which does nothing for a state that it believes in
    if (isWoken) await libvirt.updateDevice(task, domain, withLinkState(live.xml, !isDown))
    if (isWoken || live.isDown !== isDown) await libvirt.updateDevice(task, domain, withLinkState(live.xml, isDown))
    const rate = rateWay === 'libvirt' ? link?.rateBitsPerS : undefined
    if (rate !== undefined || live.hasBandwidth)
      await libvirt.limitInterface(task, domain, mac, rate === undefined ? 0 : kilobytesPerS(rate))
    const canHaveQueue = needsTapQueue(link, rateWay) || (hasTaps && (await findProgram('tc')) !== undefined)
    if (live.tap !== undefined && canHaveQueue) await shapeTap(task, live.tap, link, rateWay)
  }
  return {
    async prepare(task, vm) {
      const links = linksOf(vm)
      const rateWay = await prepare(task, links)
      return { limitsRates: rateWay === 'libvirt', shapesTaps: links.some((link) => needsTapQueue(link, rateWay)) }
    },
    async require(task, links) {
      await prepare(task, links)
    },
    async apply(task, vm, { uuid, keptXmlPath }) {
      const isWoken = keptXmlPath !== undefined
      if (isWoken && linksOf(vm).length === 0 && !hasDegradedLinks(await readFile(keptXmlPath, 'utf8'))) return
      const rateWay = await prepare(task, linksOf(vm))
      const xml = await libvirt.domainXml(task, vm.libvirtName)
      for (const nic of liveNics(vm, xml, uuid)) await applyOne(task, nic, rateWay, isWoken)
    },
  }
}

function linksOf({ nics }: VmPlan): readonly LinkConditions[] {
  return nics.flatMap(({ link }) => link ?? [])
}

interface LiveNic {
  readonly domain: string
  readonly mac: string
  readonly link: LinkConditions | undefined
  readonly live: LiveInterface
}

/** Throws `LAGO_LINK_FOREIGN` for a domain without the environment's mark, or without one of the nics. */
function liveNics(vm: VmPlan, xml: string, uuid: string): readonly LiveNic[] {
  const domain = vm.libvirtName
  if (!hasOwnerMark(xml, uuid)) throw foreign(vm, `${domain} in libvirt is not this environment's`)
  const interfaces = interfacesIn(xml)
  return vm.nics.map(({ mac, link }: NicPlan) => {
    const live = interfaces.get(mac.toLowerCase())
    if (live === undefined) throw foreign(vm, `${domain} in libvirt has no nic ${mac}`)
    return { domain, mac, link, live }
  })
}

function foreign(vm: VmPlan, what: string): LagoError {
  return new LagoError('LAGO_LINK_FOREIGN', `the links of ${vm.spec.name} are left alone: ${what}`, {
    hint: `look at it with "virsh dumpxml ${vm.libvirtName}"; lago stop ${vm.spec.name} and lago start make it anew`,
    data: { vm: vm.spec.name, domain: vm.libvirtName },
  })
}

async function requireNetem(
  task: Task,
  { otherHost, isRoot }: { readonly otherHost: string | undefined; readonly isRoot: boolean },
): Promise<void> {
  if (otherHost !== undefined) throw unsupported(`no delay and no loss: the taps of ${otherHost} are not on this host`)
  if (!isRoot) throw unsupported('no delay and no loss: only root may change the queue of a tap')
  const reason = await askKernel(task, 'netem')
  if (reason === undefined) return
  throw unsupported(
    `delay and loss need netem, which the kernel of this host does not have: ${reason}`,
    'modprobe sch_netem, where it is there as a module (Fedora: kernel-modules-extra); else start another kernel',
  )
}

async function rateWayHere(
  task: Task,
  { isRoot, warn }: { readonly isRoot: boolean; readonly warn: (task: Task, message: string) => void },
): Promise<RateWay> {
  const reason = await askKernel(task, 'libvirt')
  if (reason === undefined) return 'libvirt'
  const hint = 'a kernel with sch_htb, sch_sfq, cls_fw, sch_ingress, cls_u32 and act_police lets libvirt limit the rate'
  if (!isRoot) throw unsupported(`no rate: libvirt cannot limit it, for ${reason}; without it only root may`, hint)
  const other = await askKernel(task, 'tbf')
  if (other !== undefined) throw unsupported(`no rate: ${reason}; ${other}`, hint)
  warn(task, `the rate holds for what a guest receives, not for what it sends: on this kernel ${reason}`)
  return 'tap'
}

function unsupported(message: string, hint?: string): LagoError {
  return new LagoError('LAGO_LINK_UNSUPPORTED', message, { hint })
}
