/** What the verbs of scripts/release share. */
import path from 'node:path'
import type { Argv } from 'yargs'
import type { Script } from '../../program.js'

/** Adds one verb to the parser. */
export type Command = (parser: Argv, script: Script) => Argv

/** Of `--key` and `LAGO_RELEASE_KEY`: what gpg takes for a key; undefined: nothing is signed. */
export function keyNameOf(given: string | undefined): string | undefined {
  return (given ?? process.env['LAGO_RELEASE_KEY']) || undefined
}

/** A path that a user has given. */
export function absolute(given: string): string {
  return path.resolve(given)
}
