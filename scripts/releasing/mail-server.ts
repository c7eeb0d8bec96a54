/** The mail server that a maintainer names, and where the password for it comes from. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { LagoError } from '../../src/base/errors.js'
import { keepSecret } from '../../src/base/secrets.js'
import type { Task } from '../../src/base/task.js'
import { findNetrcEntry, readNetrc } from '../../src/store/download/netrc.js'

export interface MailServer {
  /** `smtp://mail.example.org:587`, without user and password. */
  readonly name: string
  readonly host: string
  /** Undefined: as usual for the scheme, 465 or 587. */
  readonly port: number | undefined
  /** TLS from the first byte on, not by STARTTLS. */
  readonly isTls: boolean
  readonly login: { readonly user: string; readonly password: string } | undefined
  /** PEM of whom to believe beside those that Node believes. */
  readonly ca: string | undefined
  readonly timeoutMs: number
}

export interface MailServerOptions {
  /** `smtp://[USER@]HOST[:PORT]` or `smtps://...`. */
  readonly url: string
  readonly caFile?: string | undefined
  readonly timeoutMs: number
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * The password of the URL's user is `LAGO_SMTP_PASSWORD`, or what `$NETRC` (`~/.netrc`) has for the host; command lines can be
 * read by all users of a host. Throws `LAGO_USAGE` for another URL, `LAGO_MAIL_PASSWORD` when the user has no password.
 */
export async function mailServerOf(
  task: Task,
  { url: given, caFile, timeoutMs, env }: MailServerOptions,
): Promise<MailServer> {
  const url = smtpUrl(given)
  const user = userOf(url)
  return {
    name: `${url.protocol}//${url.host}`,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? undefined : Number(url.port),
    isTls: url.protocol === 'smtps:',
    login: user === '' ? undefined : { user, password: await passwordOf(task, url.hostname, user, env) },
    ca: caFile === undefined ? undefined : await readFile(caFile, 'utf8'),
    timeoutMs,
  }
}

function smtpUrl(given: string): URL {
  const url = URL.canParse(given) ? new URL(given) : undefined
  if (url?.password) throw badUrl('the password of --smtp does not belong on a command line, where others can read it')
  const isPlain = url !== undefined && /^\/?$/.test(url.pathname) && url.search === '' && url.hash === ''
  if (isPlain && /^smtps?:$/.test(url.protocol) && url.hostname !== '') return url
  throw badUrl(`--smtp takes the URL of a mail server, not ${JSON.stringify(given)}`)
}

function userOf(url: URL): string {
  try {
    return decodeURIComponent(url.username)
  } catch {
    throw badUrl(`the user of --smtp is not encoded as URLs are: ${JSON.stringify(url.username)}`)
  }
}

function badUrl(message: string): LagoError {
  return new LagoError('LAGO_USAGE', message, {
    hint: '--smtp smtp://USER@mail.example.org:587, and the password in LAGO_SMTP_PASSWORD or in ~/.netrc',
  })
}

async function passwordOf(task: Task, host: string, user: string, env: MailServerOptions['env']): Promise<string> {
  const password = env['LAGO_SMTP_PASSWORD'] || (await passwordInNetrc(task, host, user, env))
  if (password === undefined)
    throw new LagoError('LAGO_MAIL_PASSWORD', `there is no password for ${user} at ${host}`, {
      hint: `set LAGO_SMTP_PASSWORD, or write "machine ${host} login ${user} password ..." to ~/.netrc`,
    })
  // as logins send it, and servers may repeat it: RFC 4616 (PLAIN), LOGIN
  for (const secret of [password, base64(`\0${user}\0${password}`), base64(password)]) keepSecret(secret)
  return password
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

async function passwordInNetrc(
  task: Task,
  host: string,
  user: string,
  env: MailServerOptions['env'],
): Promise<string | undefined> {
  const filePath = env['NETRC'] || (env['HOME'] ? path.join(env['HOME'], '.netrc') : undefined)
  if (filePath === undefined) return undefined
  return findNetrcEntry(await readNetrc(task, filePath), host, user)?.password
}
