/**
 * What `lago deploy` ran in a VM and how it ended: one file per VM in the prefix.
 *
 * The record tells what is on the VM's disks. Whoever puts the disks back to an earlier state puts the record of that
 * time back as well.
 */
import { readFile, rm } from 'node:fs/promises'
import { isSystemError, LagoError } from '../base/errors.js'
import { writeJsonAtomic } from '../base/files.js'
import type { PrefixLayout } from './layout.js'

export interface DeployRecord {
  /** In the order in which they ran. */
  readonly runs: readonly DeployRun[]
}

export interface DeployRun {
  /** File name in the prefix's scripts. */
  readonly script: string
  /** Of the script's content, in hex. */
  readonly sha256: string
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number
  readonly exitCode: number
}

/** Undefined: nothing has been deployed. Throws `LAGO_PREFIX_CORRUPT`. */
export async function readDeployRecord(layout: PrefixLayout, vm: string): Promise<DeployRecord | undefined> {
  const file = layout.deployed(vm)
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  })
  return text === undefined ? undefined : parseRecord(text, file)
}

/** Undefined: nothing has been deployed. */
export async function writeDeployRecord(
  layout: PrefixLayout,
  vm: string,
  record: DeployRecord | undefined,
): Promise<void> {
  const file = layout.deployed(vm)
  if (record === undefined) await rm(file, { force: true })
  else await writeJsonAtomic(file, { runs: record.runs })
}

function parseRecord(text: string, file: string): DeployRecord {
  try {
    const runs = (JSON.parse(text) as Partial<DeployRecord> | null)?.runs // checked below
    if (Array.isArray(runs) && runs.every(isRun)) return { runs }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new LagoError('LAGO_PREFIX_CORRUPT', `${file} does not tell which scripts have run`, {
    hint: 'remove it; the next lago deploy runs every script',
    data: { file },
  })
}

function isRun(value: unknown): value is DeployRun {
  const run = value as Partial<Record<keyof DeployRun, unknown>> | null // every member is checked
  return (
    typeof run?.script === 'string' &&
    typeof run.sha256 === 'string' &&
    typeof run.startedAtMs === 'number' &&
    typeof run.exitCode === 'number'
  )
}
