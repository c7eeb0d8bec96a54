/** The content of a lease file: `["<path of the uuid file>", "<uuid>"]`, as upstream has it (spec 5.5). */
import { rm } from 'node:fs/promises'
import { isSystemError } from '../base/errors.js'
import { writeJsonAtomic } from '../base/files.js'
import { readSmallFile } from '../base/read-small-file.js'
import { permissionError } from './errors.js'
import type { LeaseOwner } from './types.js'

/**
 * The owner that a lease file names, alive or not.
 *
 * Undefined when there is no file, and when it cannot be anybody's: cut short, not JSON, another shape.
 * Throws `LAGO_PERMISSION` when it may not be read.
 */
export async function readLeaseOwner(leasePath: string): Promise<LeaseOwner | undefined> {
  try {
    return parseOwner((await readSmallFile(leasePath)) ?? '')
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'EISDIR', 'ENXIO', 'ELOOP')) return undefined
    throw permissionError(leasePath, error)
  }
}

export async function writeLease(leasePath: string, owner: LeaseOwner): Promise<void> {
  try {
    await writeJsonAtomic(leasePath, [owner.uuidPath, owner.uuid])
  } catch (error) {
    throw permissionError(leasePath, error)
  }
}

export async function removeLease(leasePath: string): Promise<void> {
  try {
    await rm(leasePath, { force: true })
  } catch (error) {
    throw permissionError(leasePath, error)
  }
}

export function isSameOwner(a: LeaseOwner, b: LeaseOwner): boolean {
  return a.uuidPath === b.uuidPath && a.uuid.trim() === b.uuid.trim()
}

function parseOwner(text: string): LeaseOwner | undefined {
  const value = parseJson(text)
  if (!Array.isArray(value) || value.length !== 2) return undefined
  const [uuidPath, uuid] = value as readonly unknown[] // an array of whatever was in the file
  if (typeof uuidPath !== 'string' || typeof uuid !== 'string' || uuidPath.includes('\0')) return undefined
  return { uuidPath, uuid }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
