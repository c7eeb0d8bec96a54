/**
 * The verdict on KVM, kept until the host boots again, or emulator or kernel change; one that proves nothing, for an hour: a host
 * that was busy is not without KVM for long, and one whose KVM hangs does not wait for it at every start.
 */
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError, messageOf } from '../../base/errors.js'
import { makeDirs, writeJsonAtomic } from '../../base/files.js'
import type { Task } from '../../base/task.js'
import type { KvmProbe, KvmProbeResult } from './kvm-probe.js'

/** What a verdict depends on. */
export interface ProbeKey {
  readonly bootId: string
  readonly emulator: string
  readonly emulatorMtimeMs: number
  readonly kernelPath: string
  readonly kernelMtimeMs: number
}

/** Undefined when the host does not tell which boot this is: then nothing is kept. */
export async function probeKeyFor(
  emulator: string,
  kernelPath: string,
  bootIdPath: string,
): Promise<ProbeKey | undefined> {
  try {
    const bootId = (await readFile(bootIdPath, 'utf8')).trim()
    const [emulatorMtimeMs, kernelMtimeMs] = [(await stat(emulator)).mtimeMs, (await stat(kernelPath)).mtimeMs]
    return { bootId, emulator, emulatorMtimeMs, kernelPath, kernelMtimeMs }
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'EACCES')) return undefined
    throw error
  }
}

const UNPROVEN_MS = 3_600_000

/** Undefined for another key, one that is too old, and for a file that is missing or not ours to understand. */
export async function readVerdict(cacheDir: string, key: ProbeKey): Promise<KvmProbeResult | undefined> {
  const text = await readFile(cachePath(cacheDir), 'utf8').catch(() => '')
  const stored = parse(text)
  if (!isSameKey(stored['key'], key)) return undefined
  const { works, finding, isProof, atMs } = stored
  const ageMs = typeof atMs === 'number' ? Date.now() - atMs : -1
  if (isProof !== true && (ageMs < 0 || ageMs > UNPROVEN_MS)) return undefined
  return typeof works === 'boolean' && typeof finding === 'string' ? { works, finding } : undefined
}

/** A directory that cannot be written to costs another probe next time, no more. */
export async function writeVerdict(task: Task, cacheDir: string, key: ProbeKey, verdict: KvmProbe): Promise<void> {
  try {
    await makeDirs(cacheDir)
    await writeJsonAtomic(cachePath(cacheDir), { key, atMs: Date.now(), ...verdict })
  } catch (error) {
    task.log('debug', `the verdict on KVM is not kept: ${messageOf(error)}`)
  }
}

function cachePath(cacheDir: string): string {
  return path.join(cacheDir, 'kvm-probe.json')
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

function isSameKey(stored: unknown, key: ProbeKey): boolean {
  if (typeof stored !== 'object' || stored === null) return false
  const found: Readonly<Record<string, unknown>> = { ...stored }
  return Object.entries(key).every(([name, value]) => found[name] === value)
}
