/** Who asks: user and password of a URL, or of `.netrc`, as the header that carries them (RFC 7617). */
import path from 'node:path'
import { keepSecret } from '../../base/secrets.js'
import { shareWork } from '../../base/shared-work.js'
import type { Task } from '../../base/task.js'
import { findNetrcEntry, readNetrc, type NetrcEntry } from './netrc.js'
import { hostOf } from './plain-url.js'
import type { Variables } from './proxy.js'

export interface Credentials {
  /** The value of `Authorization` for `url`; undefined: nothing is known for it. */
  authorizationFor(task: Task, url: URL): Promise<string | undefined>
}

/** What the URL says goes before `$NETRC` or `~/.netrc`, which is read once, when it is first needed. */
export function createCredentials(env: Variables): Credentials {
  const readOnce = shareWork(async (task) => netrcOf(task, env))
  return {
    async authorizationFor(task, url) {
      const user = decoded(url.username)
      if (url.password !== '') return basic(user, decoded(url.password))
      const entries = await readOnce(task)
      const entry = findNetrcEntry(entries, hostOf(url), user === '' ? undefined : user)
      if (entry?.password === undefined) return user === '' ? undefined : basic(user, '')
      return basic(entry.login ?? '', entry.password)
    },
  }
}

/** For a proxy, of whom only its own URL tells. */
export function authorizationOf(url: URL): string | undefined {
  return url.username === '' && url.password === '' ? undefined : basic(decoded(url.username), decoded(url.password))
}

async function netrcOf(task: Task, env: Variables): Promise<readonly NetrcEntry[]> {
  const filePath = env['NETRC'] || (env['HOME'] ? path.join(env['HOME'], '.netrc') : undefined)
  return filePath === undefined ? [] : readNetrc(task, filePath)
}

function basic(user: string, password: string): string {
  const encoded = Buffer.from(`${user}:${password}`).toString('base64')
  for (const secret of [password, encoded]) if (secret !== '') keepSecret(secret)
  return `Basic ${encoded}`
}

/** A percent sign that encodes nothing stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
