/** Text from files, environment and command line, read as what it means; undefined for what it cannot mean. */
import { isPrivateRange, parseAddressRange, type AddressRange } from '../base/ipv4.js'

export const BOOLEAN_WORDS = 'true, false, yes, no, on, off, 1, 0'

export function parseBoolean(text: string): boolean | undefined {
  if (/^(true|yes|on|1)$/i.test(text)) return true
  if (/^(false|no|off|0)$/i.test(text)) return false
  return undefined
}

/** Words separated by spaces or commas; a backslash makes the next character part of its word. */
export function splitWords(text: string): string[] {
  const words = text.match(/(?:\\.|[^\s,\\])+/gs) ?? []
  return words.map((word) => word.replace(/\\(.)/gs, '$1'))
}

/** The text that `splitWords` reads as `words`, none of which may be empty. */
export function joinWords(words: readonly string[]): string {
  return words.map((word) => word.replace(/[\s,\\]/g, '\\$&')).join(' ')
}

export function parseWholeNumber(text: string): number | undefined {
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : NaN
  return Number.isSafeInteger(value) ? value : undefined
}

/** A range of addresses that all lie in one private block (RFC 1918 and the like). */
export function parsePrivateRange(text: string): AddressRange | undefined {
  const range = parseAddressRange(text)
  return range !== undefined && isPrivateRange(range) ? range : undefined
}

export const PRIVATE_RANGE_WORDS = 'a subnet, or the first and the last with a dash between, all of it private'
