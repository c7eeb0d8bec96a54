/**
 * An archive that holds a machine (DMTF DSP0243, Open Virtualization Format): its description, and its disk. Both the
 * standard's layout and oVirt's (`master/vms/ID/ID.ovf`, `images/GROUP/IMAGE`; spec 3.6).
 */
import { createReadStream } from 'node:fs'
import { mkdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { entriesBelow } from '../base/entries-below.js'
import { LagoError, messageOf } from '../base/errors.js'
import type { Task } from '../base/task.js'

export interface UnpackedOva {
  readonly memoryMiB: number
  readonly vcpus: number
  /** Absolute, of the one disk; of whatever format it came in. */
  readonly diskPath: string
}

/**
 * Unpacks to `toDir`, which is made. Links and devices in the archive are left out, and so is what leads out of it.
 * Throws `LAGO_OVA` naming the archive: no archive, not exactly one machine or one disk, memory or CPUs not said.
 */
export async function unpackOva(task: Task, ovaPath: string, toDir: string): Promise<UnpackedOva> {
  await mkdir(toDir)
  await unpack(task, ovaPath, toDir)
  const [ovf, another] = (await filesBelow(toDir)).filter((file) => file.endsWith('.ovf'))
  if (ovf === undefined) throw ovaError(ovaPath, 'it has no description (.ovf)')
  if (another !== undefined) throw ovaError(ovaPath, 'it holds several machines; only one is supported')
  const machine = await readOvf(ovaPath, path.join(toDir, ovf))
  const diskPath = await findDisk(ovaPath, toDir, path.dirname(ovf), machine.disk)
  return { memoryMiB: machine.memoryMiB, vcpus: machine.vcpus, diskPath }
}

async function unpack(task: Task, ovaPath: string, toDir: string): Promise<void> {
  const tar = await import('tar')
  const { size: archiveBytes } = await stat(ovaPath)
  let unpackedBytes = 0
  const extract = tar.extract({
    cwd: toDir,
    strict: true,
    noChmod: true,
    filter: (_, entry) => {
      unpackedBytes += entry.size ?? 0
      return unpackedBytes <= archiveBytes && 'type' in entry && UNPACKED_TYPES.includes(entry.type)
    },
  })
  try {
    await pipeline(createReadStream(ovaPath), extract, { signal: task.signal })
  } catch (error) {
    task.signal.throwIfAborted()
    throw ovaError(ovaPath, `it cannot be unpacked: ${messageOf(error)}`, error)
  }
  // packed once more inside, where nobody has counted
  if (unpackedBytes > archiveBytes) throw ovaError(ovaPath, 'it holds more than its own size')
}

const UNPACKED_TYPES: readonly string[] = ['File', 'OldFile', 'ContiguousFile', 'Directory']

async function filesBelow(dir: string): Promise<string[]> {
  const entries = await entriesBelow(dir)
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)))
    .sort()
}

/** Those of whole oVirt clusters have some ten kilobytes. */
const LONGEST_OVF = 4 * 1024 ** 2

interface Machine {
  readonly memoryMiB: number
  readonly vcpus: number
  /** Relative to the description, or as oVirt has it, `GROUP/IMAGE`. */
  readonly disk: string
}

type Node = Readonly<Record<string, unknown>>

/** CIM's resource types (DSP0243, 8.1; CIM_ResourceAllocationSettingData). */
const [CPU, MEMORY, DISK] = ['3', '4', '17']

async function readOvf(ovaPath: string, ovfPath: string): Promise<Machine> {
  if ((await stat(ovfPath)).size > LONGEST_OVF) throw ovaError(ovaPath, 'its description is too long')
  const { XMLParser, XMLValidator } = await import('fast-xml-parser')
  const text = await readFile(ovfPath, 'utf8')
  if (XMLValidator.validate(text) !== true) throw ovaError(ovaPath, 'its description is not XML')
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    removeNSPrefix: true,
    parseTagValue: false,
    processEntities: false,
  })
  const root = parseOvf(ovaPath, () => parser.parse(text) as unknown)
  const items = nodesNamed(root, 'Item')
  const ofType = (type: string): Node[] => items.filter((item) => textAt(item, 'ResourceType') === type)
  const [cpu, memory, disks] = [ofType(CPU)[0], ofType(MEMORY)[0], ofType(DISK)]
  if (cpu === undefined || memory === undefined)
    throw ovaError(ovaPath, 'its description says nothing of CPUs or memory')
  const [disk, another] = disks
  if (disk === undefined || another !== undefined)
    throw ovaError(ovaPath, `it has ${disks.length} disks; only one is supported`)
  return {
    memoryMiB: memoryOf(ovaPath, memory),
    vcpus: cpusOf(ovaPath, cpu),
    disk: fileOf(root, textAt(disk, 'HostResource') ?? ''),
  }
}

/** The parser refuses names that mean something to JavaScript, and nesting without end. */
function parseOvf(ovaPath: string, parse: () => unknown): unknown {
  try {
    return parse()
  } catch (error) {
    throw ovaError(ovaPath, `its description cannot be read: ${messageOf(error)}`, error)
  }
}

function cpusOf(ovaPath: string, cpu: Node): number {
  const [sockets, cores] = [textAt(cpu, 'num_of_sockets'), textAt(cpu, 'cpu_per_socket')]
  const count =
    sockets === undefined || cores === undefined ? textAt(cpu, 'VirtualQuantity') : Number(sockets) * Number(cores)
  return wholeNumber(ovaPath, 'number of CPUs', count)
}

/** Powers of two of a byte, in the spellings of the programs that write such files (DSP0004, annex C). */
const UNITS_MIB: Readonly<Record<string, number>> = {
  megabytes: 1,
  mb: 1,
  'byte*2^20': 1,
  gigabytes: 1024,
  gb: 1024,
  'byte*2^30': 1024,
}

function memoryOf(ovaPath: string, memory: Node): number {
  const unit = textAt(memory, 'AllocationUnits') ?? 'MegaBytes'
  const spelling = unit.toLowerCase().replaceAll(' ', '')
  const factor = Object.hasOwn(UNITS_MIB, spelling) ? UNITS_MIB[spelling] : undefined
  if (factor === undefined) throw ovaError(ovaPath, `its memory is in "${unit}"; known are MegaBytes and byte * 2^20`)
  return factor * wholeNumber(ovaPath, 'memory', textAt(memory, 'VirtualQuantity'))
}

function wholeNumber(ovaPath: string, what: string, value: string | number | undefined): number {
  const number = Number(value)
  if (Number.isSafeInteger(number) && number > 0) return number
  throw ovaError(ovaPath, `its ${what} is ${JSON.stringify(value)}, not a whole number above 0`)
}

/** `ovf:/disk/ID` leads to a disk, that to a file; oVirt names the file itself. */
function fileOf(root: unknown, hostResource: string): string {
  const id = /^(?:ovf:)?\/disk\/(.+)$/.exec(hostResource)?.[1]
  if (id === undefined) return hostResource
  const disk = nodesNamed(root, 'Disk').find((node) => textAt(node, '@diskId') === id)
  const file = nodesNamed(root, 'File').find((node) => textAt(node, '@id') === textAt(disk ?? {}, '@fileRef'))
  return textAt(file ?? {}, '@href') ?? hostResource
}

async function findDisk(ovaPath: string, dir: string, ovfDir: string, disk: string): Promise<string> {
  for (const below of [path.join(ovfDir, disk), path.join('images', disk), disk]) {
    const diskPath = path.join(dir, below)
    if (disk !== '' && diskPath.startsWith(`${dir}${path.sep}`) && (await isFile(diskPath))) return diskPath
  }
  throw ovaError(ovaPath, `its disk ${JSON.stringify(disk)} is not in it`)
}

async function isFile(filePath: string): Promise<boolean> {
  return stat(filePath).then(
    (found) => found.isFile(),
    () => false,
  )
}

/** Every element of this name, at any depth. */
function nodesNamed(value: unknown, name: string): Node[] {
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap((item) => nodesNamed(item, name))
  return Object.entries(value).flatMap(([key, child]: [string, unknown]) => {
    const own =
      key === name ? [child].flat().filter((node): node is Node => typeof node === 'object' && node !== null) : []
    return [...own, ...nodesNamed(child, name)]
  })
}

function textAt(node: Node, key: string): string | undefined {
  const value = node[key]
  if (typeof value === 'string') return value
  // an element with attributes has its text beside them
  return typeof value === 'object' && value !== null ? textAt(value as Node, '#text') : undefined
}

function ovaError(ovaPath: string, why: string, cause?: unknown): LagoError {
  return new LagoError('LAGO_OVA', `archive ${ovaPath}: ${why}`, {
    hint: 'an archive has one machine with one disk, as oVirt and others export it; else give the disk by path',
    data: { path: ovaPath },
    cause,
  })
}
