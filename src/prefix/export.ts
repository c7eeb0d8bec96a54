/**
 * `lago export`: disks and an init file that make the environment anew, here or elsewhere (spec 4.7). The prefix itself
 * is only read.
 */
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { LagoError } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import { writeFileAtomic, writeJsonAtomic } from '../base/files.js'
import type { Task } from '../base/task.js'
import { suffixOf, type Compression } from '../disk/compression.js'
import type { DiskPlan, EnvPlan, VmPlan } from '../plan/types.js'
import { renderInitFile, type InitFileFormat } from '../spec/render.js'
import { exportDisk, toRoom, type ExportedDisk } from './export-disk.js'
import { exportedInitFile } from './export-init-file.js'
import { isSkipped, planDiskExports, type DiskExport } from './export-plan.js'
import { publishFiles } from '../base/publish-files.js'
import { withoutForeign } from './foreign.js'
import type { Host } from './host.js'
import { statesOf, type Prefix } from './prefix.js'
import { sleepersAmong } from './sleep-files.js'
import { noteUnderWay } from './under-way.js'

export interface ExportRequest {
  /** None: all VMs. Those that the init file wants left out are left out either way. */
  readonly names: readonly string[]
  /** False: disks over a template are exported as the layer that differs from it. */
  readonly standalone: boolean
  readonly compress: Compression | undefined
  /** Absolute; made when it is not there, but not its parents. */
  readonly dstDir: string
  /** A file name without a directory. */
  readonly initFileName: string
  readonly format: InitFileFormat
  /** Only tell which images would be exported. */
  readonly collectOnly: boolean
  /** Disks at once; default: as many as there are cores, at most 4. */
  readonly jobs: number | undefined
  /** Replace files of the same names; default: they are a reason to refuse. */
  readonly force?: boolean
}

export interface ExportResult {
  /** By VM: the images that were written; with `collectOnly` those that they come from. */
  readonly vms: Readonly<Record<string, readonly string[]>>
  /** Undefined with `collectOnly`. */
  readonly initFile: string | undefined
}

const REPOSITORY_FILE = 'template-repo.json'

/**
 * Writes everything to `dstDir`, or nothing. VMs must be off: an image that is written to cannot be copied.
 *
 * Throws `LAGO_NO_SUCH_VM`, `LAGO_VM_RUNNING` naming every VM that is not off, `LAGO_EXPORT_EXISTS`,
 * `LAGO_EXPORT_EMPTY` when every VM is to be left out, `LAGO_USAGE` for a name that cannot be the init file's,
 * `LAGO_NO_SPACE`, and what qemu-img leads to.
 */
export async function exportPrefix(
  task: Task,
  host: Host,
  prefix: Prefix,
  request: ExportRequest,
): Promise<ExportResult> {
  const vms = selectExported(task, host, prefix.plan, request.names)
  await requireOff(task, host, vms)
  const disks = planDiskExports(vms)
  if (request.collectOnly) return { vms: pathsByVm(vms, disks, ({ disk }) => disk.path), initFile: undefined }
  checkInitFileName(request, disks)
  await warnOfSleepers(task, prefix, vms)
  return task.step('Export prefix', async (task) => {
    const publishing = publishFiles(
      task,
      {
        dir: request.dstDir,
        names: namesOf(request, disks),
        force: request.force ?? false,
        onUnfinished: async (unfinished) =>
          void (await noteUnderWay(prefix.layout, { verb: 'export', vms: request.names }, { unfinished })),
      },
      async (toDir) => writeExport(task, prefix, vms, disks, { ...request, toDir }),
    )
    const written = await toRoom(request.dstDir, publishing)
    return {
      vms: pathsByVm(vms, written, ({ imageName }) => path.join(request.dstDir, imageName)),
      initFile: path.join(request.dstDir, request.initFileName),
    }
  })
}

/** Throws `LAGO_NO_SUCH_VM`, `LAGO_EXPORT_EMPTY`. */
function selectExported(task: Task, host: Host, plan: EnvPlan, names: readonly string[]): readonly VmPlan[] {
  const known = [...plan.vms.keys()]
  const unknown = names.filter((name) => !plan.vms.has(name))
  if (unknown.length > 0)
    throw new LagoError('LAGO_NO_SUCH_VM', `Entity ${unknown.join(', ')} does not exist`, {
      hint: `Available VMs: ${known.join(', ')}`,
      data: { unknown, vms: known },
    })
  const wanted = [...plan.vms.values()].filter((vm) => names.length === 0 || names.includes(vm.spec.name))
  const exported = withoutForeign(
    task,
    host,
    wanted.filter(({ spec }) => !isSkipped(spec.raw)),
  )
  if (exported.length > 0) return exported
  throw new LagoError(
    'LAGO_EXPORT_EMPTY',
    'there is no VM to export: each is a machine of others, or the init file says skip-export',
    {
      data: { vms: wanted.map((vm) => vm.spec.name) },
    },
  )
}

async function requireOff(task: Task, host: Host, vms: readonly VmPlan[]): Promise<void> {
  const states = await statesOf(task, host, vms)
  const running = vms.map((vm) => vm.spec.name).filter((name) => !OFF.includes(states.get(name) ?? 'unknown'))
  if (running.length === 0) return
  throw new LagoError('LAGO_VM_RUNNING', `The following vms must be off:\n${running.join('\n')}`, {
    hint: `lago stop ${running.join(' ')}`,
    data: { vms: running },
  })
}

const OFF: readonly string[] = ['down', 'shut off']

function checkInitFileName({ initFileName }: ExportRequest, disks: readonly DiskExport[]): void {
  const isName = path.basename(initFileName) === initFileName && !['', '.', '..'].includes(initFileName)
  const taken = [REPOSITORY_FILE, ...disks.flatMap(({ fileName }) => filesOf(fileName, fileName))]
  if (isName && !taken.includes(initFileName)) return
  throw new LagoError('LAGO_USAGE', `the init file cannot be called ${JSON.stringify(initFileName)}`, {
    hint: 'give a file name without a directory that is not the name of another exported file',
    data: { initFileName },
  })
}

async function warnOfSleepers(task: Task, prefix: Prefix, vms: readonly VmPlan[]): Promise<void> {
  for (const { spec } of await sleepersAmong(prefix, vms))
    task.log('warning', `VM ${spec.name} is suspended: its disks are exported without what is in its memory`)
}

/** Every file of the export. Which layers turn out to stand alone does not change their names. */
function namesOf({ initFileName, compress }: ExportRequest, disks: readonly DiskExport[]): string[] {
  const images = disks.flatMap(({ disk, fileName }) => filesOf(fileName, `${fileName}${packedSuffix(disk, compress)}`))
  return [...new Set([...images, initFileName, REPOSITORY_FILE])]
}

function filesOf(fileName: string, imageName: string): string[] {
  return [imageName, ...['.hash', '.sha256', '.metadata'].map((suffix) => `${fileName}${suffix}`)]
}

function packedSuffix({ device }: DiskPlan, compress: Compression | undefined): string {
  return compress === undefined || device === 'cdrom' ? '' : suffixOf(compress)
}

async function writeExport(
  task: Task,
  prefix: Prefix,
  vms: readonly VmPlan[],
  disks: readonly DiskExport[],
  request: ExportRequest & { readonly toDir: string },
): Promise<readonly ExportedDisk[]> {
  const now = new Date()
  const limit = request.jobs ?? Math.min(availableParallelism(), MAX_JOBS)
  const first = disks.filter(
    (wanted, index) => disks.findIndex(({ fileName }) => fileName === wanted.fileName) === index,
  )
  const exported = await fanOut(task, first, async (wanted, task) => exportDisk(task, wanted, { ...request, now }), {
    limit,
  })
  const byFile = new Map(exported.map((disk) => [disk.fileName, disk]))
  const all = disks.map((wanted) => ({ ...(byFile.get(wanted.fileName) as ExportedDisk), ...wanted })) // each was written
  await task.step('Write init file', async () => {
    const fileOf = new Map(all.map(({ disk, imageName }) => [disk, imageName]))
    const content = exportedInitFile(prefix.plan, vms, prefix.dir, fileOf)
    await writeFileAtomic(path.join(request.toDir, request.initFileName), renderInitFile(content, request.format))
    const whole = exported.filter(({ disk, parent }) => parent === undefined && disk.device === 'disk')
    if (whole.length > 0) await writeJsonAtomic(path.join(request.toDir, REPOSITORY_FILE), repositoryOf(whole, now))
  })
  return all
}

/** Each is a whole read of an image; more at once only make a disk seek. */
const MAX_JOBS = 4

/**
 * Images that stand alone as templates `<vm>_<disk>`, with the sha1 in the version: a store keeps what it has fetched of
 * a version for ever. A layer is none, it needs a template itself.
 */
function repositoryOf(whole: readonly ExportedDisk[], now: Date): unknown {
  const templates = whole.map(({ vm, disk, fileName, version, digests }) => {
    const entry = { source: 'export', handle: fileName, timestamp: Math.floor(now.getTime() / 1000) }
    return [`${vm}_${disk.spec.name}`, { versions: { [`${version}-${digests.sha1.slice(0, 12)}`]: entry } }] as const
  })
  return {
    name: 'export',
    templates: Object.fromEntries(templates),
    sources: { export: { type: 'file', args: { root: '.' } } }, // the directory of the file itself
  }
}

function pathsByVm<T extends DiskExport>(
  vms: readonly VmPlan[],
  disks: readonly T[],
  pathOf: (disk: T) => string,
): Record<string, readonly string[]> {
  return Object.fromEntries(vms.map(({ spec }) => [spec.name, disks.filter(({ vm }) => vm === spec.name).map(pathOf)]))
}
