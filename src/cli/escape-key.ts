/** The key that leaves a console, written as users of virsh write it: `^]`. */
import { LagoError } from '../base/errors.js'

export interface EscapeKey {
  /** For people: `^]`. */
  readonly text: string
  readonly byte: number
}

/**
 * `^X` for Ctrl-X, or one character that stands for itself. Throws `LAGO_USAGE`.
 */
export function parseEscapeKey(text: string): EscapeKey {
  const control = /^\^([@-_a-z?])$/.exec(text)?.[1]
  if (control !== undefined) return { text: text.toUpperCase(), byte: control.toUpperCase().charCodeAt(0) ^ 0x40 }
  if (/^[\x21-\x7e]$/.test(text)) return { text, byte: text.charCodeAt(0) }
  throw new LagoError('LAGO_USAGE', `--escape: "${text}" is no key`, {
    hint: '^] is Ctrl-], as are ^A to ^Z, ^[, ^\\, ^^ and ^_; a single character stands for itself',
  })
}

/** What was typed up to the key, and whether the key was hit. */
export function beforeEscape(typed: Uint8Array, { byte }: EscapeKey): { typed: Uint8Array; escaped: boolean } {
  const place = typed.indexOf(byte)
  return place < 0 ? { typed, escaped: false } : { typed: typed.subarray(0, place), escaped: true }
}
