/**
 * `lago init`: from a validated init file to a prefix, top to bottom. Every acquisition is followed by its undo, and
 * the mark that makes a prefix of the directory is written last.
 */
import { chmod, rm } from 'node:fs/promises'
import { about } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import { makeDirs, writeFileAtomic } from '../base/files.js'
import { formatSubnet } from '../base/ipv4.js'
import type { Era } from '../base/prefix-era.js'
import type { Task } from '../base/task.js'
import { UndoStack } from '../base/undo.js'
import { createSshKeyPair } from '../guest/ssh-key.js'
import { planEnv } from '../plan/plan-env.js'
import { templateKey } from '../plan/disks.js'
import { namedSubnet } from '../spec/net-values.js'
import type { EnvSpec } from '../spec/types.js'
import type { StoredTemplate } from '../store/types.js'
import { bootstrapVms } from './bootstrap.js'
import { buildDisks } from './build-disks.js'
import { claimPrefixDir } from './claim.js'
import { forgetFormer, noteEnvironment } from './known.js'
import { setExpiry } from './expiry.js'
import { copyDeployScripts } from './deploy-scripts.js'
import { finishDestroy } from './destroy.js'
import { markInitialized, writePrefixFiles } from './files.js'
import { freeUuid } from './free-uuid.js'
import type { Host } from './host.js'
import { makeDisks } from './make-disks.js'
import { resolveOvas } from './ova-domains.js'
import { leaseOwner, prefixLayout, type PrefixLayout } from './layout.js'
import { pathExpander, textExpander, type PathContext } from './named-files.js'
import { createTemplateFinder, type TemplateFinder } from './template-finder.js'
import { forgetUnderWay, noteUnderWay } from './under-way.js'

export interface InitRequest extends PathContext {
  readonly spec: EnvSpec
  /** False: no guest is given a key or a name, whatever the init file says. */
  readonly bootstrap: boolean
  /** False: `build` steps of disks are passed over. */
  readonly build: boolean
  /** Default 1.x. */
  readonly era?: Era | undefined
  /** How long the environment is wanted; default: until it is destroyed. */
  readonly ttlMs?: number | undefined
}

/**
 * Creates the prefix; on any failure nothing of it is left.
 * Throws what reading templates, leasing subnets and creating disks throw.
 */
export async function initPrefix(task: Task, host: Host, request: InitRequest): Promise<void> {
  const asked = request.bootstrap ? request.spec : withoutBootstrap(request.spec)
  const layout = prefixLayout(request.prefixDir)
  const { era = '1.x' } = request
  const expand = pathExpander(request)
  const remote = {
    downloader: host.templateOptions(request.vars).downloader,
    expandPath: expand,
    expandText: textExpander(request),
  }

  await task.step('Initialize and populate prefix', async (task) => {
    const uuid = await freeUuid(host.register)
    await finishDestroy(task, host, layout)
    // before there is anything: what a killed run leaves is found by it
    await noteEnvironment(task, host, { uuid, dir: layout.dir })
    await using forget = new UndoStack(task)
    forget.defer('forget the environment', async () => host.register.forget({ uuid, dir: layout.dir }))
    const free = async (former: string): Promise<void> =>
      void (await host.leases.release(task, leaseOwner(layout, former)))
    await using _lock = await claimPrefixDir(task, layout, uuid, free) // held until after the undo
    await using undo = new UndoStack(task)
    undo.defer('remove the prefix directory', async () => rm(layout.dir, { recursive: true, force: true }))
    await task.step('Initialize prefix', async (task) => fillPrefixDir(task, layout, uuid, era))
    const finder = createTemplateFinder(host, request.vars, leaseOwner(layout, uuid))
    const spec = await resolveOvas(task, layout, asked, remote)
    const templates = await ensureTemplates(task, finder, spec)
    const subnets = await leaseSubnets(task, host, spec, { layout, uuid }, undo)
    const wanted = planEnv(spec, { uuid, prefixDir: layout.dir, imagesDir: layout.images, subnets, templates, expand })
    const allowedDirs = [layout.dir, host.store.dir, ...imageDirs(host, request)]
    const planned = await makeDisks(task, wanted, { ...remote, templates: finder, allowedDirs, undo })
    const scripted = await copyDeployScripts(task, layout, planned, expand)
    const plan = await bootstrapVms(task, host, layout, scripted)
    if (request.build) await buildDisks(task, host, layout, plan)
    await task.step('Save prefix', async () => writePrefixFiles(layout, plan))
    if (request.ttlMs !== undefined) await setExpiry(layout, Date.now() + request.ttlMs)
    await task.step('Tag prefix as initialized', async () => markInitialized(layout, era))
    await forgetUnderWay(layout)
    await forgetFormer(task, host, { uuid, dir: layout.dir })
    await noteEnvironment(task, host, { uuid, dir: layout.dir }) // a gc may have taken it for that of nothing
    undo.commit()
    forget.commit()
  })
}

function withoutBootstrap(spec: EnvSpec): EnvSpec {
  const domains = [...spec.domains].map(([name, domain]) => [name, { ...domain, bootstrap: 'none' as const }] as const)
  return { ...spec, domains: new Map(domains) }
}

async function fillPrefixDir(task: Task, layout: PrefixLayout, uuid: string, era: Era): Promise<void> {
  await task.step('Create prefix dirs', async () => {
    await noteUnderWay(layout, { verb: 'init', era })
    for (const dir of [layout.images, layout.virt, layout.scripts, layout.logs]) {
      await makeDirs(dir) // the note is in one of them
      await chmod(dir, 0o700) // whatever the umask
    }
  })
  await task.step('Create ssh keys', async () => {
    const keys = await createSshKeyPair(`lago-${uuid.slice(0, 8)}`)
    await writeFileAtomic(layout.sshKey, keys.privateKey, { mode: 0o600, sync: false })
    await writeFileAtomic(layout.sshPublicKey, keys.publicKey, { sync: false })
  })
}

async function ensureTemplates(
  task: Task,
  finder: TemplateFinder,
  spec: EnvSpec,
): Promise<ReadonlyMap<string, StoredTemplate>> {
  const disks = [...spec.domains.values()].flatMap((domain) => domain.disks).filter((disk) => disk.type === 'template')
  const wanted = new Map(disks.map((disk) => [templateKey(disk), disk]))
  const stored = await fanOut(task, [...wanted], async ([key, disk], task) => {
    return [key, await finder.ensure(task, disk.template, disk.version)] as const
  })
  return new Map(stored)
}

async function leaseSubnets(
  task: Task,
  host: Host,
  spec: EnvSpec,
  prefix: { layout: PrefixLayout; uuid: string },
  undo: UndoStack,
): Promise<ReadonlyMap<string, string>> {
  const owner = leaseOwner(prefix.layout, prefix.uuid)
  undo.defer('free the subnets', async (task) => void (await host.leases.release(task, owner)))
  const subnets = new Map<string, string>()
  for (const net of [...spec.nets.values()].filter((net) => net.type !== 'bridge')) {
    const named = namedSubnet(net)
    const wish = named === undefined ? { length: net.prefixLength } : { subnet: named }
    const lease = await about(`net ${net.name}`, host.leases.acquire(task, owner, wish))
    subnets.set(net.name, formatSubnet(lease.subnet))
  }
  return subnets
}

/** Beside the image itself: the init file's own directory, and what is configured. */
function imageDirs({ config }: Host, { vars }: InitRequest): readonly string[] {
  const initFileDir = vars['LAGO_INITFILE_PATH']
  return [...(initFileDir === undefined ? [] : [initFileDir]), ...config.store.imageDirs]
}
