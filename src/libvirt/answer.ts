/** What qemu and the guest agent answer: JSON with `return`, or with `error`. */
import { LagoError } from '../base/errors.js'
import { plainLine } from '../base/plain-text.js'
import type { QemuCommand } from './types.js'

/**
 * The content of `return`. Throws `LAGO_QEMU` with the answer's own words for anything else; an agent is the guest's
 * program and may answer whatever it likes.
 */
export function answerOf(text: string, command: QemuCommand, domain: string): unknown {
  const answer = parse(text)
  if (isObject(answer) && 'return' in answer) return answer['return']
  const said =
    isObject(answer) && isObject(answer['error'])
      ? plainLine(String(answer['error']['desc']))
      : 'no JSON that has a result'
  throw new LagoError('LAGO_QEMU', `${command.execute} on ${domain} was refused: ${said}`, {
    data: { domain, command: command.execute, answer: said },
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
