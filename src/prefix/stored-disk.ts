/** One disk as an entry of its VM's file in a prefix (spec 2.3, 3.4). */
import path from 'node:path'
import { attachment } from '../plan/disks.js'
import type { DiskBacking, DiskPlan } from '../plan/types.js'
import type { DiskCommon, DiskSpec, RemoteFile } from '../spec/types.js'
import { parseSizeBytes } from '../spec/size.js'
import { definedOnly } from './given.js'
import {
  choiceAt,
  flagAt,
  has,
  mappingAt,
  mappingsAt,
  optionalTextAt,
  textAt,
  wholeNumberAt,
  wrong,
  type JsonObject,
  type Stored,
} from './stored.js'
import { fromStoredPath, toStoredPath } from './stored-paths.js'

export function encodeDisk(disk: DiskPlan, prefixDir: string): JsonObject {
  const { spec, backing, metadata } = disk
  return definedOnly({
    ...givenDiskKeys(spec),
    name: spec.name,
    type: storedType(spec),
    dev: spec.dev,
    format: spec.format === 'iso' ? 'iso' : disk.driver,
    path: toStoredPath(disk.path, prefixDir),
    metadata,
    backing: backing && encodeBacking(backing, prefixDir),
  })
}

/** `given` is the same disk as the user wrote it. */
export function decodeDisk(stored: Stored, given: Stored, prefixDir: string): DiskPlan {
  const spec = diskSpec(given)
  const format = choiceAt(stored, 'format', ['qcow2', 'raw', 'iso'], 'qcow2')
  return {
    spec,
    path: fromStoredPath(textAt(stored, 'path'), prefixDir),
    ...attachment(textAt(stored, 'dev'), format),
    metadata: mappingAt(stored, 'metadata').values,
    backing: has(stored, 'backing') ? backingAt(mappingAt(stored, 'backing'), prefixDir) : undefined,
  }
}

/**
 * The file of a VM with what 0.5 did not keep of its disks: of one it has where the image is, `<domain>_<disk>.<format>`,
 * and how it is attached (spec 2.3). To us it is an image that is there.
 */
export function withDiskNames(stored: Stored, vmName: string): Stored {
  const disks = mappingsAt(stored, 'disks')
  if (disks.every((disk) => has(disk, 'type'))) return stored
  const named = disks.map((disk) => {
    if (has(disk, 'type')) return disk.values
    const file = path.basename(textAt(disk, 'path'))
    const [name] = (file.startsWith(`${vmName}_`) ? file.slice(vmName.length + 1) : file).split('.', 1)
    return { name, type: 'file', ...disk.values }
  })
  return { ...stored, values: { ...stored.values, disks: named } }
}

/** The user's keys; what they do not say, because the spec was not read from a file, is added. */
export function givenDiskKeys(spec: DiskSpec): JsonObject {
  return {
    name: spec.name,
    dev: spec.dev,
    type: storedType(spec),
    ...(Object.keys(spec.metadata).length === 0 ? {} : { metadata: spec.metadata }),
    ...givenTypeKeys(spec),
    ...spec.raw,
  }
}

function givenTypeKeys(spec: DiskSpec): JsonObject {
  switch (spec.type) {
    case 'template':
      return definedOnly({ template_name: spec.template, template_version: spec.version, size: spec.sizeBytes })
    case 'layered':
      return definedOnly({ template_type: 'qcow2', path: spec.rawPath, size: spec.sizeBytes })
    case 'empty':
      return definedOnly({ size: spec.sizeBytes, format: spec.format === 'qcow2' ? undefined : spec.format })
    case 'file':
      return definedOnly({
        format: spec.format,
        path: spec.rawPath,
        url: spec.remote?.rawUrl,
        checksum: spec.remote?.checksum,
        make_a_copy: spec.copy ? true : undefined,
      })
  }
}

function storedType(spec: DiskSpec): string {
  return spec.type === 'layered' ? 'template' : spec.type
}

export function diskSpec(given: Stored): DiskSpec {
  const common: DiskCommon = {
    name: textAt(given, 'name'),
    dev: textAt(given, 'dev'),
    metadata: mappingAt(given, 'metadata').values,
    build: [], // they were taken by init
    raw: given.values,
  }
  switch (choiceAt(given, 'type', ['template', 'empty', 'file'])) {
    case 'template':
      return templateSpec(common, given)
    case 'empty':
      return { ...common, type: 'empty', format: emptyFormat(given), sizeBytes: sizeAt(given) }
    case 'file':
      return {
        ...common,
        type: 'file',
        format: choiceAt(given, 'format', ['qcow2', 'raw', 'iso']),
        rawPath: optionalTextAt(given, 'path'),
        remote: remoteAt(given),
        copy: flagAt(given, 'make_a_copy', false),
      }
  }
}

function templateSpec(common: DiskCommon, given: Stored): DiskSpec {
  if (choiceAt(given, 'template_type', ['lago', 'qcow2'], 'lago') === 'qcow2')
    return {
      ...common,
      type: 'layered',
      format: 'qcow2',
      rawPath: textAt(given, 'path'),
      sizeBytes: optionalSizeAt(given),
    }
  const version = optionalTextAt(given, 'template_version')
  const sizeBytes = optionalSizeAt(given)
  return { ...common, type: 'template', format: 'qcow2', template: textAt(given, 'template_name'), version, sizeBytes }
}

function remoteAt(given: Stored): RemoteFile | undefined {
  const rawUrl = optionalTextAt(given, 'url')
  return rawUrl === undefined ? undefined : { rawUrl, checksum: optionalTextAt(given, 'checksum') }
}

function emptyFormat(given: Stored): 'qcow2' | 'raw' {
  return choiceAt(given, 'format', ['qcow2', 'raw'], 'qcow2')
}

function optionalSizeAt(given: Stored): number | undefined {
  return has(given, 'size') ? sizeAt(given) : undefined
}

function sizeAt(given: Stored): number {
  const sizeBytes = parseSizeBytes(textAt(given, 'size'))
  if (sizeBytes === undefined) throw wrong(given, 'size', 'a size, such as 10G')
  return sizeBytes
}

export function encodeBacking(backing: DiskBacking, prefixDir: string): JsonObject {
  return definedOnly({
    path: toStoredPath(backing.path, prefixDir),
    format: backing.format,
    size_bytes: backing.sizeBytes,
    changed_at_ms: backing.changedAtMs,
    backing: backing.backing && encodeBacking(backing.backing, prefixDir),
  })
}

export function backingAt(backing: Stored, prefixDir: string): DiskBacking {
  return {
    path: fromStoredPath(textAt(backing, 'path'), prefixDir),
    format: choiceAt(backing, 'format', ['raw', 'qcow2']),
    ...(has(backing, 'size_bytes') ? { sizeBytes: wholeNumberAt(backing, 'size_bytes') } : {}),
    ...(has(backing, 'changed_at_ms') ? { changedAtMs: wholeNumberAt(backing, 'changed_at_ms') } : {}),
    ...(has(backing, 'backing') ? { backing: backingAt(mappingAt(backing, 'backing'), prefixDir) } : {}),
  }
}
