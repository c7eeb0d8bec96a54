/** What the shape of a disk's keys does not say (spec 3.4, 3.8). */
import {
  describeValue,
  errorAt,
  isMapping,
  listNames,
  mappingOf,
  warningAt,
  type Finding,
  type Path,
  type PlainMapping,
} from './findings.js'
import type { MergedDomain } from './prototypes.js'
import { BUILD_COMMAND, SIZE_PATTERN } from './schema.js'
import { parseSizeBytes } from './size.js'

/** A disk as written: a key that has the wrong shape is told elsewhere and does not hide what is wrong beside it. */
export interface DiskDraft {
  readonly path: Path
  readonly raw: PlainMapping
}

const MIB = 1024 ** 2

export function draftDisks({ raw, pathOf }: MergedDomain): DiskDraft[] {
  const disks: readonly unknown[] = Array.isArray(raw.disks) ? raw.disks : []
  return disks.flatMap((disk, index) => (isMapping(disk) ? [{ path: [...pathOf('disks'), index], raw: disk }] : []))
}

export function checkDisks(disks: readonly DiskDraft[]): Finding[] {
  return [
    ...disks.flatMap((disk) => [...checkDisk(disk), ...checkBuild(disk)]),
    ...checkTwice(disks, 'name'),
    ...checkTwice(disks, 'dev'),
  ]
}

function checkDisk(disk: DiskDraft): Finding[] {
  switch (disk.raw.type) {
    case 'template':
      return disk.raw.template_type === 'qcow2'
        ? [...needs(disk, 'path', 'the qcow2 file to lay the disk over'), ...checkOwnSize(disk)]
        : [...needs(disk, 'template_name', 'the name of a template'), ...checkOwnSize(disk)]
    case 'empty':
      return checkSize([...disk.path, 'size'], disk.raw.size)
    case 'file':
      return disk.raw.url === undefined ? needs(disk, 'path', 'the path of the disk image, or its url') : []
    default:
      return []
  }
}

function needs({ path, raw }: DiskDraft, key: string, expected: string): Finding[] {
  return raw[key] === undefined ? [errorAt([...path, key], `is missing; expected ${expected}`, { at: 'key' })] : []
}

function checkOwnSize({ path, raw }: DiskDraft): Finding[] {
  return raw.size === undefined ? [] : checkSize([...path, 'size'], raw.size)
}

function checkSize(path: Path, size: unknown): Finding[] {
  if ((typeof size !== 'string' && typeof size !== 'number') || !SIZE_PATTERN.test(String(size))) return []
  const bytes = parseSizeBytes(size)
  if (bytes === undefined) return [errorAt(path, `${describeValue(size)} is not a size between 1 byte and 8 PiB`)]
  if (bytes >= MIB) return []
  return [warningAt(path, `${describeValue(size)} is only ${bytes} bytes; write the unit, as in 10G`, { at: 'value' })]
}

function checkTwice(disks: readonly DiskDraft[], key: 'name' | 'dev'): Finding[] {
  const seen = new Set<string>()
  return disks.flatMap(({ path, raw }) => {
    const value = raw[key]
    if (typeof value !== 'string') return []
    const isTwice = seen.has(value)
    seen.add(value)
    return isTwice ? [errorAt([...path, key], `${describeValue(value)} is the ${key} of another disk of this VM`)] : []
  })
}

function checkBuild({ path, raw }: DiskDraft): Finding[] {
  if (!Array.isArray(raw.build)) return []
  const buildPath = [...path, 'build']
  const wrong = raw.build.flatMap((step, index) =>
    Object.keys(mappingOf(step))
      .filter((command) => command !== BUILD_COMMAND)
      .map((command) => unknownCommand([...buildPath, index, command], command)),
  )
  return wrong
}

function unknownCommand(path: Path, command: string): Finding {
  const message = `${describeValue(command)} is not supported as a build command; supported: ${BUILD_COMMAND}`
  return errorAt(path, message, { at: 'key' })
}

/** Two disks of the environment whose images would have the same file name in the prefix; copies get out of the way. */
export function checkImageNames(
  domains: readonly { readonly name: string; readonly disks: readonly DiskDraft[] }[],
): Finding[] {
  const owners = new Map<string, string>()
  return domains.flatMap(({ name, disks }) =>
    disks.flatMap(({ path, raw }) => {
      const image = imageOf(name, raw)
      if (image === undefined) return []
      const owner = owners.get(image)
      owners.set(image, name)
      if (owner === undefined || owner === name) return [] // two disks of one VM with one name are told by checkTwice
      const message = `the image file ${describeValue(image)} would be that of a disk of ${listNames([owner])} too`
      return [errorAt([...path, 'name'], message)]
    }),
  )
}

/** As in spec 2.2; undefined for a file of the user's, used where it is or copied. */
function imageOf(domain: string, { type, name, format, url, path }: PlainMapping): string | undefined {
  const isOwn = type !== 'file' || (url !== undefined && path === undefined)
  return isOwn && typeof name === 'string' ? `${domain}_${name}.${String(format ?? 'qcow2')}` : undefined
}
