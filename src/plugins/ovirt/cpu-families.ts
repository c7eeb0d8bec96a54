/** From libvirt's models of CPUs to oVirt's types of clusters (oVirt 4.3, Administration Guide, "CPU Types"). */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expandVars } from '../../base/expand-vars.js'
import { isSystemError, LagoError, messageOf } from '../../base/errors.js'
import type { CommandContext, Vm, VmCpu } from '../../index.js'

type Families = Readonly<Record<string, Readonly<Record<string, string>>>>

/** By vendor and model, as files of the user have them. */
const FAMILIES: Families = {
  Intel: {
    Conroe: 'Intel Conroe Family',
    Penryn: 'Intel Penryn Family',
    Nehalem: 'Intel Nehalem Family',
    'Nehalem-IBRS': 'Intel Nehalem IBRS Family',
    Westmere: 'Intel Westmere Family',
    'Westmere-IBRS': 'Intel Westmere IBRS Family',
    SandyBridge: 'Intel SandyBridge Family',
    'SandyBridge-IBRS': 'Intel SandyBridge IBRS Family',
    IvyBridge: 'Intel IvyBridge Family',
    'IvyBridge-IBRS': 'Intel IvyBridge IBRS Family',
    'Haswell-noTSX': 'Intel Haswell-noTSX Family',
    'Haswell-noTSX-IBRS': 'Intel Haswell-noTSX IBRS Family',
    Haswell: 'Intel Haswell Family',
    'Haswell-IBRS': 'Intel Haswell IBRS Family',
    'Broadwell-noTSX': 'Intel Broadwell-noTSX Family',
    'Broadwell-noTSX-IBRS': 'Intel Broadwell-noTSX IBRS Family',
    Broadwell: 'Intel Broadwell Family',
    'Broadwell-IBRS': 'Intel Broadwell IBRS Family',
    'Skylake-Client': 'Intel Skylake Client Family',
    'Skylake-Client-IBRS': 'Intel Skylake Client IBRS Family',
    'Skylake-Server': 'Intel Skylake Server Family',
    'Skylake-Server-IBRS': 'Intel Skylake Server IBRS Family',
    'Cascadelake-Server': 'Intel Cascadelake Server Family',
  },
  AMD: {
    Opteron_G1: 'AMD Opteron G1',
    Opteron_G2: 'AMD Opteron G2',
    Opteron_G3: 'AMD Opteron G3',
    Opteron_G4: 'AMD Opteron G4',
    Opteron_G5: 'AMD Opteron G5',
    EPYC: 'AMD EPYC',
    'EPYC-IBPB': 'AMD EPYC IBPB',
  },
}

/**
 * The type of clusters for a host, by its `ovirt-cpu-map` where it has one: a YAML file of vendors, models and types,
 * relative to the current directory, with variables. Undefined for a CPU that is not in it.
 * Throws `LAGO_ENGINE_CPU_MAP` for a file that is none.
 */
export async function cpuFamilyOf(
  { metadata }: Pick<Vm, 'metadata'>,
  { model, vendor }: VmCpu,
  { cwd, env }: Pick<CommandContext, 'cwd' | 'env'>,
): Promise<string | undefined> {
  const given = metadata['ovirt-cpu-map']
  const families = typeof given === 'string' ? await readMap(path.resolve(cwd, expandVars(given, env))) : FAMILIES
  return new Map(Object.entries(new Map(Object.entries(families)).get(vendor) ?? {})).get(model)
}

async function readMap(filePath: string): Promise<Families> {
  const { load } = await import('js-yaml')
  try {
    const families: unknown = load(await readFile(filePath, 'utf8'))
    if (isMap(families) && Object.values(families).every(isTextMap)) return families as Families // just looked at
  } catch (error) {
    if (isSystemError(error)) throw notAMap(filePath, messageOf(error), error)
    throw notAMap(filePath, `not YAML: ${messageOf(error).split('\n')[0] ?? ''}`, error)
  }
  throw notAMap(filePath, 'it is not a map of vendors to maps of models to types')
}

function isTextMap(value: unknown): boolean {
  return isMap(value) && Object.values(value).every((part) => typeof part === 'string')
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function notAMap(filePath: string, reason: string, cause?: unknown): LagoError {
  return new LagoError('LAGO_ENGINE_CPU_MAP', `${filePath}, named by ovirt-cpu-map, cannot be used: ${reason}`, {
    hint: 'such as "Intel: {Haswell: Intel Haswell Family}"',
    data: { path: filePath },
    cause,
  })
}
