/** Where each disk's file is, what it is laid over, and how it is put into the machine (spec 2.2, 3.4, 5.3). */
import path from 'node:path'
import { LagoError } from '../base/errors.js'
import { withoutSuffix } from '../disk/compression.js'
import type { DiskSpec, DomainSpec } from '../spec/types.js'
import type { DiskBacking, DiskPlan } from './types.js'

/** What the planner needs of a stored template. */
export interface TemplateFacts {
  readonly path: string
  readonly format: DiskBacking['format']
  readonly metadata: Readonly<Record<string, unknown>>
}

export interface DiskFacts {
  readonly imagesDir: string
  /** By `templateKey`. */
  readonly templates: ReadonlyMap<string, TemplateFacts>
  /** From a path as written to an absolute one. */
  readonly expand: (rawPath: string) => string
}

/** Disks of one key share one stored template. */
export function templateKey(disk: { readonly template: string; readonly version: string | undefined }): string {
  return JSON.stringify([disk.template, disk.version])
}

/** The disks of each domain, by domain name. Throws `LAGO_SPEC_INVALID` when two would be one file in the prefix. */
export function planDisks(domains: Iterable<DomainSpec>, facts: DiskFacts): ReadonlyMap<string, readonly DiskPlan[]> {
  const owners = new Map<string, string>()
  const claim = (image: string, owner: string): void => {
    const other = owners.get(image)
    if (other !== undefined) throw imageTaken(image, [other, owner])
    owners.set(image, owner)
  }
  const planned = new Map<string, readonly DiskPlan[]>()
  for (const domain of domains) {
    const disks = domain.disks.map((spec) => {
      const image = imageNameOf(domain, spec, facts, owners)
      if (image !== undefined) claim(image, `${domain.name}:${spec.name}`)
      return planDisk(spec, image, facts)
    })
    planned.set(domain.name, disks)
  }
  return planned
}

/** How a disk of this target device and format is attached: an iso is always an ide cdrom. */
export function attachment(dev: string, format: DiskSpec['format']): Pick<DiskPlan, 'bus' | 'device' | 'driver'> {
  if (format === 'iso') return { bus: 'ide', device: 'cdrom', driver: 'raw' }
  return {
    bus: dev.startsWith('sd') ? 'scsi' : dev.startsWith('hd') ? 'ide' : 'virtio',
    device: 'disk',
    driver: format,
  }
}

function planDisk(spec: DiskSpec, image: string | undefined, facts: DiskFacts): DiskPlan {
  const template = spec.type === 'template' ? templateOf(spec, facts) : undefined
  return {
    spec,
    path: image !== undefined ? path.join(facts.imagesDir, image) : expandedPath(spec, facts),
    ...attachment(spec.dev, spec.format),
    metadata: { ...spec.metadata, ...template?.metadata },
    backing: backingOf(spec, template, facts),
  }
}

/**
 * The disk's file name in the images directory; undefined for a file that is used where it is.
 * A copy keeps its name, unless the copy of another disk has it already.
 */
function imageNameOf(
  domain: DomainSpec,
  disk: DiskSpec,
  facts: DiskFacts,
  taken: ReadonlyMap<string, string>,
): string | undefined {
  const ownName = `${domain.name}_${disk.name}.${disk.format}`
  if (disk.type !== 'file' || disk.rawPath === undefined) return ownName
  if (!disk.copy) return undefined
  const baseName = withoutSuffix(path.basename(facts.expand(disk.rawPath))) // the copy is unpacked
  return taken.has(baseName) ? ownName : baseName
}

function templateOf(spec: DiskSpec & { type: 'template' }, { templates }: DiskFacts): TemplateFacts {
  const template = templates.get(templateKey(spec))
  if (template === undefined) throw new Error(`unreachable: template ${spec.template} was not fetched`)
  return template
}

function backingOf(spec: DiskSpec, template: TemplateFacts | undefined, facts: DiskFacts): DiskBacking | undefined {
  if (template !== undefined) return { path: template.path, format: template.format }
  return spec.type === 'layered' ? { path: facts.expand(spec.rawPath), format: 'qcow2' } : undefined
}

function expandedPath(spec: DiskSpec, facts: DiskFacts): string {
  if (spec.type !== 'file' || spec.rawPath === undefined)
    throw new Error(`unreachable: disk ${spec.name} has no file name`)
  return facts.expand(spec.rawPath)
}

function imageTaken(image: string, disks: readonly [string, string]): LagoError {
  return new LagoError('LAGO_SPEC_INVALID', `the disks ${disks.join(' and ')} would share the file ${image}`, {
    hint: 'give one of them another name',
    data: { image, disks },
  })
}
