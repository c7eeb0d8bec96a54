/** URLs as they may be shown: without user, password and fragment, and with what may be a key in the query masked. */
import { plainLine } from '../../base/plain-text.js'

const MASK = '***'

/** Any text; of what is no URL of a host, all between the scheme and the query that may be a user is left out, too. */
export function plainUrl(url: string | URL): string {
  const parsed = typeof url === 'string' ? parseUrl(url) : url
  if (parsed === undefined || parsed.host === '') return plainLine(withoutUser(String(url)))
  const shown = new URL(parsed)
  shown.username = ''
  shown.password = ''
  shown.hash = ''
  const { href, search } = shown
  return search === ''
    ? href
    : `${href.slice(0, -search.length)}?${search.slice(1).split('&').map(plainField).join('&')}`
}

function withoutUser(text: string): string {
  return text.replace(/[?#].*$/s, '').replace(/^([^/]*\/\/)?.*@/s, '$1')
}

/** Undefined for what is no absolute URL. */
export function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}

/** A field of the query, `name=value` or a value alone, both still encoded. */
function plainField(field: string): string {
  const equals = field.indexOf('=')
  if (equals === -1) return looksRandom(field) ? MASK : field
  const [name, value] = [field.slice(0, equals), field.slice(equals + 1)]
  return SECRET_NAME.test(name) || looksRandom(value) ? `${name}=${MASK}` : field
}

const SECRET_NAME = /token|sig|key|secret|passw|pwd|auth|cred|session|policy|jwt|code|hmac|\bst\b/i

/** Has letters and digits in a mix that no word or number has, as keys, hashes and UUIDs do. */
function looksRandom(value: string): boolean {
  return (value.match(/[a-z\d]{12,}/gi) ?? []).some((run) => /\d/.test(run) && /[a-z]/i.test(run))
}

/** Without brackets and the dot at the end that a full name may have, in lower case. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
}
