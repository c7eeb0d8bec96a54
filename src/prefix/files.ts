/** Reads and writes what a prefix says about itself; the form of it is codec.ts's business. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { pathExists } from 'fs-extra/esm'
import { isSystemError, LagoError } from '../base/errors.js'
import { writeJsonAtomic } from '../base/files.js'
import type { Era } from '../base/prefix-era.js'
import type { EnvPlan } from '../plan/types.js'
import { decodeEnv, decodeNames, encodeEnv } from './codec.js'
import type { PrefixLayout } from './layout.js'

/** False for a prefix whose `init` did not come to its end: nothing in it has ever been started. */
export async function isDescribed(layout: PrefixLayout): Promise<boolean> {
  return pathExists(layout.env)
}

/** Throws `LAGO_PREFIX_CORRUPT`, naming the file, for what is missing or not what it should be. */
export async function readPrefixFiles(layout: PrefixLayout): Promise<EnvPlan> {
  if (!(await isDescribed(layout))) throw incomplete(layout)
  const env = await readJson(layout.env)
  const names = decodeNames(env, layout.dir)
  const read = async (name: string, file: string): Promise<[string, unknown]> => [name, await readJson(file)]
  const [uuid, metadata, nets, vms] = await Promise.all([
    readText(layout.uuid),
    readJson(layout.metadata),
    Promise.all(names.nets.map(async (name) => read(name, layout.net(name)))),
    Promise.all(names.vms.map(async (name) => read(name, layout.vm(name)))),
  ])
  if (uuid === undefined) throw new LagoError('LAGO_PREFIX_CORRUPT', `${layout.uuid} is missing`, { hint: DAMAGED })
  if (!UUID.test(uuid.trim()))
    throw new LagoError('LAGO_PREFIX_CORRUPT', `${layout.uuid} does not hold 32 hex characters`, { hint: DAMAGED })
  return decodeEnv({ metadata, env, nets: new Map(nets), vms: new Map(vms) }, layout.dir, uuid.trim())
}

/** The names alone, for when the rest cannot be read. Throws `LAGO_PREFIX_CORRUPT`. */
export async function readNames(layout: PrefixLayout): Promise<{ nets: readonly string[]; vms: readonly string[] }> {
  return decodeNames(await readJson(layout.env), layout.dir)
}

/** What of a prefix changes after its `init`. */
export async function writeVms(layout: PrefixLayout, plan: EnvPlan): Promise<void> {
  for (const [name, vm] of encodeEnv(plan, layout.dir).vms) await writeJsonAtomic(layout.vm(name), vm, PRIVATE)
}

/** `virt/env` comes last: from then on the prefix is described. */
export async function writePrefixFiles(layout: PrefixLayout, plan: EnvPlan): Promise<void> {
  const { metadata, env, nets, vms } = encodeEnv(plan, layout.dir)
  for (const [name, net] of nets) await writeJsonAtomic(layout.net(name), net)
  for (const [name, vm] of vms) await writeJsonAtomic(layout.vm(name), vm, PRIVATE)
  await writeJsonAtomic(layout.metadata, metadata)
  await writeJsonAtomic(layout.env, env)
}

/** From then on the directory is a prefix, of that era. */
export async function markInitialized(layout: PrefixLayout, era: Era): Promise<void> {
  if (era === '0.x') await writeFile(layout.oldMarker, '', { mode: 0o644 })
  await writeFile(layout.initialized, '', { mode: 0o644 })
}

const UUID = /^[0-9a-f]{32}$/

/** Both marks, of whatever era it is. */
export async function unmarkInitialized(layout: PrefixLayout): Promise<void> {
  for (const mark of [layout.initialized, layout.oldMarker]) await rm(mark, { force: true })
}

/** Passwords stand in the VMs' files. */
const PRIVATE = { mode: 0o600 }

/** Undefined for a file that is not there; decoding names it. */
async function readJson(file: string): Promise<unknown> {
  const text = await readText(file)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new LagoError('LAGO_PREFIX_CORRUPT', `${file} is not JSON`, { hint: DAMAGED, data: { file }, cause })
  }
}

async function readText(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  })
}

const DAMAGED = 'put the file back from a copy, or remove the environment with lago destroy'

function incomplete({ dir }: PrefixLayout): LagoError {
  return new LagoError('LAGO_PREFIX_CORRUPT', `prefix ${dir} is not complete: its init has not come to an end`, {
    hint: 'when no init is at work on it, run lago init again, or lago destroy',
    data: { dir },
  })
}
