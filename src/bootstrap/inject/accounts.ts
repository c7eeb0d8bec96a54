/** Who is who in an image (passwd(5), shadow(5)). Texts are latin1. */
import path from 'node:path'

export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
  /** Absolute, without `..` and a slash at its end; for `/` the empty text. */
  readonly homeDir: string
}

/** Where nobody says otherwise. */
export const ROOT: Account = { name: 'root', uid: 0, gid: 0, homeDir: '/root' }

/** Undefined when there is no such user, or one whose line is none. */
export function findAccount(passwd: string, name: string): Account | undefined {
  const fields = fieldsOf(passwd, name)
  const [uid, gid, home] = [idOf(fields?.[2]), idOf(fields?.[3]), fields?.[5]]
  if (uid === undefined || gid === undefined || home?.startsWith('/') !== true) return undefined
  const homeDir = Buffer.from(path.posix.normalize(home), 'latin1').toString('utf8')
  return { name, uid, gid, homeDir: homeDir.replace(/\/+$/, '') }
}

/** Numbers above are `nobody at all` for the kernel. */
const MAX_ID = 2 ** 32 - 2

function idOf(text: string | undefined): number | undefined {
  const id = /^\d{1,10}$/.test(text ?? '') ? Number(text) : NaN
  return id <= MAX_ID ? id : undefined
}

function fieldsOf(table: string, name: string): readonly string[] | undefined {
  const line = table.split('\n').find((line) => line.startsWith(`${name}:`))
  return line?.split(':')
}

/** Field numbers of shadow(5), from 0 on. */
const HASH = 1
const LAST_CHANGE = 2

/**
 * The table with `hash` as the password of `name`; undefined when the user has no line. The same for passwd and shadow.
 * A password that was to be changed at the next login is not any more: nobody could log in by program.
 */
export function withPasswordHash(table: string, name: string, hash: string): string | undefined {
  if (fieldsOf(table, name) === undefined) return undefined
  const lines = table.split('\n').map((line) => {
    if (!line.startsWith(`${name}:`)) return line
    const fields = line.split(':')
    fields[HASH] = hash
    if (fields[LAST_CHANGE] === '0' && fields.length > SHADOW_FIELDS_MIN) fields[LAST_CHANGE] = ''
    return fields.join(':')
  })
  return lines.join('\n')
}

/** passwd(5) has seven, and there the third is the user's number. */
const SHADOW_FIELDS_MIN = 7
