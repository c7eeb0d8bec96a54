/**
 * Every VM of a new environment is told which machine it is, in the way that its image and its init file ask for. What
 * can only be told to a running machine is left for its first start (`finish-bootstrap.ts`).
 */
import path from 'node:path'
import { chooseStrategy, type StrategyChoice } from '../bootstrap/choose.js'
import { writeSeed } from '../bootstrap/cloud-init/seed.js'
import { createHostKey } from '../bootstrap/host-key.js'
import { lookAtImage, type ImageFacts } from '../bootstrap/image-facts.js'
import { injectIdentity } from '../bootstrap/inject/inject.js'
import { hashPassword } from '../bootstrap/password.js'
import type { BootstrapStrategy, Identity, RootDisk } from '../bootstrap/types.js'
import { about, isLagoError } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import { findProgram } from '../base/process.js'
import type { Task } from '../base/task.js'
import { pinHostKey } from '../guest/host-key.js'
import type { BootstrapPlan, DiskPlan, EnvPlan, VmPlan } from '../plan/types.js'
import type { Host } from './host.js'
import { identityOf } from './identity.js'
import type { PrefixLayout } from './layout.js'
import { providerOf } from './prefix.js'

/** Some write disks, others boot a machine each. */
const VMS_AT_ONCE = 4

/**
 * Gives the plan with how each VM was told. Throws what the strategies throw, with the VM's name in front.
 */
export async function bootstrapVms(task: Task, host: Host, layout: PrefixLayout, plan: EnvPlan): Promise<EnvPlan> {
  const images = imageLooker()
  const vms = await fanOut(
    task,
    [...plan.vms.values()],
    async (vm, task) => {
      const bootstrap = await bootstrapVm(task, { host, layout, plan, look: images }, vm)
      if (vm.spec.userData !== undefined && bootstrap.strategy !== 'cloud-init')
        task.log('warning', unusedUserData(vm.spec.name, bootstrap.strategy))
      return { ...vm, bootstrap }
    },
    { limit: VMS_AT_ONCE },
  )
  return { ...plan, vms: new Map(vms.map((vm) => [vm.spec.name, vm])) }
}

function unusedUserData(name: string, strategy: BootstrapStrategy): string {
  return `user-data of ${name} is not used: it is for cloud-init, and the bootstrap of ${name} is ${strategy}; "bootstrap: cloud-init" in its domain would use it`
}

interface Context {
  readonly host: Host
  readonly layout: PrefixLayout
  readonly plan: EnvPlan
  readonly look: (task: Task, disk: DiskPlan) => Promise<ImageFacts>
}

const NOTHING: BootstrapPlan = { strategy: 'none', seedPath: undefined, isDone: true }

async function bootstrapVm(task: Task, context: Context, vm: VmPlan): Promise<BootstrapPlan> {
  const { name, bootstrap } = vm.spec
  const [root] = vm.disks
  if (bootstrap === 'none' || providerOf(context.host, vm).foreign === true) return NOTHING
  if (root === undefined || root.device !== 'disk' || root.spec.type === 'empty')
    return { ...NOTHING, strategy: 'credentials' }
  return task.step(`Bootstrapping ${name}`, async (task) =>
    about(`VM ${name}`, Promise.resolve(prepare(task, context, vm, root))),
  )
}

async function prepare(task: Task, context: Context, vm: VmPlan, root: DiskPlan): Promise<BootstrapPlan> {
  const { strategy, reason } = await choose(task, context, vm, root)
  task.log('debug', `${vm.spec.name} is told by ${strategy}: ${reason}`)
  const done = { strategy, seedPath: undefined, isDone: true }
  switch (strategy) {
    case 'cloud-init':
      return { ...done, seedPath: await prepareSeed(task, context, vm, root) }
    case 'inject':
      await inject(task, context, vm, root)
      return done
    case 'guestfs':
      await sysprep(task, context, vm, root)
      return done
    case 'agent':
      return { ...done, isDone: false }
    case 'credentials':
    case 'none':
      return done
  }
}

/** An image that is used where it is belongs to the user: it is changed only when the init file says so. */
async function choose(task: Task, context: Context, vm: VmPlan, root: DiskPlan): Promise<StrategyChoice> {
  const { bootstrap } = vm.spec
  if (bootstrap !== 'auto') return { strategy: bootstrap, reason: 'the init file says so' }
  const { bootstrap: named } = root.metadata
  const chosen =
    typeof named === 'string' && named !== 'auto'
      ? chooseStrategy(NOT_LOOKED_AT, { named })
      : chooseStrategy(await context.look(task, root), { named: undefined })
  const isUsersOwn = root.spec.type === 'file' && !root.spec.copy && root.spec.rawPath !== undefined
  if (isUsersOwn && WRITING.includes(chosen.strategy))
    return { strategy: 'credentials', reason: `the image is used where it is, and is not changed (${chosen.reason})` }
  if (chosen.strategy !== 'guestfs' || typeof named === 'string' || (await findProgram('virt-sysprep'))) return chosen
  task.log(
    'warning',
    `${vm.spec.name} gets a seed for cloud-init, and knows its name and your key only if that is in its image: ${chosen.reason}. Install guestfs-tools, or say how with "bootstrap" in the init file`,
  )
  return { strategy: 'cloud-init', reason: 'virt-sysprep is not on this host, and a seed harms nobody' }
}

const WRITING: readonly BootstrapStrategy[] = ['inject', 'guestfs']
const NOT_LOOKED_AT: ImageFacts = { rootFs: undefined, why: 'nobody has asked', contents: [] }

async function prepareSeed(task: Task, context: Context, vm: VmPlan, root: DiskPlan): Promise<string> {
  const { layout, plan } = context
  const { name, userData } = vm.spec
  const hostKey = (await obeysCloudInit(task, context, root)) ? await createHostKey(name) : undefined
  const identity = { ...(await identityOf(context, vm)), hostKey }
  const seedPath = path.join(layout.images, `${name}.seed.iso`)
  await writeSeed(task, seedPath, { identity, userData, instanceId: `${plan.uuid}-${name}` })
  await pin(context, vm, identity)
  return seedPath
}

/** Others read a seed as well, and not all of it: the mini guest has an ssh server that makes its own key. */
async function obeysCloudInit(task: Task, { look }: Context, root: DiskPlan): Promise<boolean> {
  try {
    const facts = await look(task, root)
    return facts.rootFs !== undefined && facts.system.cloudInit === 'enabled'
  } catch (error) {
    if (!isLagoError(error, 'LAGO_DISK_UNREADABLE') && !isLagoError(error, 'LAGO_COMMAND_MISSING')) throw error
    return false
  }
}

async function inject(task: Task, context: Context, vm: VmPlan, root: DiskPlan): Promise<void> {
  const identity = { ...(await identityOf(context, vm)), hostKey: await createHostKey(vm.spec.name) }
  const { rootPassword } = identity
  const rootPasswordHash = rootPassword === undefined ? undefined : await hashPassword(task, rootPassword)
  const { hasHostKey } = await injectIdentity(task, rootDiskOf(root), identity, { rootPasswordHash })
  if (hasHostKey) await pin(context, vm, identity)
}

async function sysprep(task: Task, context: Context, vm: VmPlan, root: DiskPlan): Promise<void> {
  const { sysprepDisk } = await import('../bootstrap/guestfs/sysprep.js')
  const kvmWorks = (await providerOf(context.host, vm).usesKvm?.(task)) ?? false
  const identity = await identityOf(context, vm)
  // upstream sets the password that it tries itself (spec 6.1)
  const { sshPassword } = vm.spec
  const rootPassword = identity.rootPassword ?? sshPassword ?? context.host.config.ssh.password
  await sysprepDisk(task, rootDiskOf(root), { ...identity, rootPassword }, { kvmWorks })
}

async function pin({ layout }: Context, vm: VmPlan, { hostKey }: Identity): Promise<void> {
  if (hostKey !== undefined) await pinHostKey(layout.knownHosts(vm.spec.name), vm.spec.name, hostKey.publicKey)
}

export function rootDiskOf({ path, driver, metadata }: DiskPlan): RootDisk {
  const partition = metadata['root-partition']
  const isDevice = typeof partition === 'string' && partition.startsWith('/dev/')
  return { path, format: driver, rootPartition: isDevice ? partition : undefined }
}

/** Each image is looked at once: VMs share templates. */
function imageLooker(): Context['look'] {
  const looks = new Map<string, Promise<ImageFacts>>()
  return async (task, disk) => {
    const below = disk.backing
    const image =
      below === undefined ? rootDiskOf(disk) : { ...rootDiskOf(disk), path: below.path, format: below.format }
    const known = looks.get(image.path)
    if (known !== undefined) return known
    const look = lookAtImage(task, image)
    looks.set(image.path, look)
    return look
  }
}
