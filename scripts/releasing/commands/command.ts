/** What the verbs of scripts/release share. */
import path from 'node:path'
import type { Argv } from 'yargs'
import { LagoError } from '../../../src/base/errors.js'
import type { Script } from '../../program.js'

/** Adds one verb to the parser. */
export type Command = (parser: Argv, script: Script) => Argv

/** A number in decimal digits, of an option that yargs takes for a string: yargs itself makes 0 of nothing, and 16 of 0x10. */
export function numberOf(option: string, given: string): number {
  if (/^\d{1,15}$/.test(given)) return Number(given)
  throw new LagoError('LAGO_USAGE', `--${option} takes a whole number, not "${given}"`, {
    hint: `as in --${option} 17`,
  })
}

/** The same from 1 on. */
export function positiveOf(option: string, given: string): number {
  const number = numberOf(option, given)
  if (number > 0) return number
  throw new LagoError('LAGO_USAGE', `--${option} takes a number from 1 on, not "${given}"`, {
    hint: `as in --${option} 5`,
  })
}

/**
 * Of `--key` and `LAGO_RELEASE_KEY`: what gpg takes for a key; undefined: nothing is signed. Throws `LAGO_USAGE` when the
 * variable is there and empty, as a secret of CI is that was not passed on.
 */
export function keyNameOf(given: string | undefined): string | undefined {
  const name = given ?? process.env['LAGO_RELEASE_KEY']
  if (name !== '') return name
  throw new LagoError('LAGO_USAGE', 'LAGO_RELEASE_KEY is empty', {
    hint: 'give it the key to sign with, or unset it to sign nothing',
  })
}

/** A path that a user has given. */
export function absolute(given: string): string {
  return path.resolve(given)
}
