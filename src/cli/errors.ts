/** How an error is told on stderr. */
import { inspect } from 'node:util'
import { isLagoError, type LagoError } from '../base/errors.js'
import { plainText } from '../base/plain-text.js'

/**
 * A known error is its message with its code and the hint; at debug level with its stack. Anything else is a fault of
 * the program and always comes with its stack (spec 1.6). Guests may have had a say in any of it.
 */
export function describeError(error: unknown, options: { readonly debug: boolean }): string {
  if (!isLagoError(error)) return plainText(`Error occured, aborting\n${inspect(error)}\n`)
  const stack = options.debug ? [inspect(error)] : []
  return plainText([...usageOf(error), messageWithCode(error), ...hintOf(error), ...stack].join('\n') + '\n')
}

/** The code stands at the end of the first line; further lines, as of an init file with several faults, follow. */
function messageWithCode({ message, code }: LagoError): string {
  const [first = '', ...others] = message.split('\n')
  return [`${first} [${code}]`, ...others].join('\n')
}

function usageOf({ data: { usage } }: LagoError): string[] {
  return typeof usage === 'string' ? [usage] : []
}

/** Suites of oVirt have files with placeholders in them, and commands that replace these (spec 3.10). */
const PLACEHOLDER = /@[A-Z][A-Z_]*@/

function hintOf({ hint, message }: LagoError): string[] {
  const hints = hint === undefined ? [] : [hint]
  const placeholder = PLACEHOLDER.exec(message)?.[0]
  if (placeholder !== undefined && !message.includes(`${placeholder} was not replaced`))
    hints.push(`${placeholder} was not replaced by what it stands for; for @SUITE@ that is the directory of the suite`)
  return hints.map((text) => `  hint: ${text}`)
}
