/** Which exit code an error gives (spec 1.6): 2 for what Lago knows, 1 for the rest, 128 + n after a signal. */
import os from 'node:os'
import { isLagoError } from '../base/errors.js'

export const EXIT_FAILURE = 1
const EXIT_KNOWN_ERROR = 2

/** `verb` undefined: the error came before a verb was known. */
export function exitCodeOf(error: unknown, verb?: string): number {
  if (!isLagoError(error)) return EXIT_FAILURE
  if (error.code === 'LAGO_CANCELLED') return signalExitCode(error.data['signal'])
  if (error.code === 'LAGO_NO_PREFIX') return EXIT_FAILURE // spec 1.5
  if (error.code === 'LAGO_NO_SUCH_VM' && (verb === 'shell' || verb === 'console')) return EXIT_FAILURE // spec 1.13
  if (verb?.startsWith('ovirt ') === true && error.code !== 'LAGO_USAGE') return EXIT_FAILURE // spec 1.6
  return EXIT_KNOWN_ERROR
}

/** 130 for `SIGINT`; 1 for what is no signal. */
export function signalExitCode(signal: unknown): number {
  const known = Object.entries(os.constants.signals).find(([name]) => name === signal)
  return known === undefined ? EXIT_FAILURE : 128 + known[1]
}
