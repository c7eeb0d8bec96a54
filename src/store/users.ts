/**
 * Who uses a stored template: upstream's `.users` file (spec 4.3), with the uuid file and the uuid of each prefix. A
 * prefix whose uuid file is gone, or holds another uuid, is forgotten.
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError } from '../base/errors.js'
import { writeJsonAtomic } from '../base/files.js'
import { holdsUuid } from '../base/uuid-file.js'
import type { TemplateUser } from './types.js'

/** Those that are still there. The file of a killed write, or of anybody else, that cannot be read counts as empty. */
export async function readUsers(usersPath: string): Promise<readonly TemplateUser[]> {
  const noted = await readNoted(usersPath)
  const alive = await Promise.all(noted.map(async (user) => ((await holdsUuid(user)) ? [user] : [])))
  return alive.flat()
}

/** The directory of the prefix. */
export function prefixDirOf({ uuidPath }: TemplateUser): string {
  return path.dirname(uuidPath)
}

/** To be called with the template's lock held. */
export async function noteUser(usersPath: string, user: TemplateUser, nowMs: number): Promise<void> {
  const others = (await readUsers(usersPath)).filter(({ uuidPath }) => uuidPath !== user.uuidPath)
  const users = Object.fromEntries([...others, user].map(({ uuidPath, uuid }) => [uuidPath, uuid]))
  await writeJsonAtomic(usersPath, { users, last_access: Math.floor(nowMs / 1000) })
}

async function readNoted(usersPath: string): Promise<readonly TemplateUser[]> {
  const text = await readFile(usersPath, 'utf8').catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return '{}'
    throw error
  })
  try {
    const { users } = JSON.parse(text) as { readonly users?: unknown } // looked at below
    const entries = typeof users === 'object' && users !== null ? Object.entries(users) : []
    return entries.flatMap(([uuidPath, uuid]) => (typeof uuid === 'string' ? [{ uuidPath, uuid }] : []))
  } catch {
    return []
  }
}
