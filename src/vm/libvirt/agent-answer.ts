/** What answers of a guest agent look like (qga/qapi-schema.json, QEMU 7.2). A guest may send anything else. */

export function isEmptyObject(answer: unknown): answer is object {
  return typeof answer === 'object' && answer !== null && !Array.isArray(answer) && Object.keys(answer).length === 0
}

export function isCount(answer: unknown): answer is number {
  return Number.isSafeInteger(answer) && Number(answer) >= 0
}

/** `guest-info` */
export interface AgentInfo {
  readonly supported_commands: readonly { readonly name: string; readonly enabled: boolean }[]
}

export function isInfo(answer: unknown): answer is AgentInfo {
  const { supported_commands: commands } = membersOf(answer)
  return Array.isArray(commands) && commands.every(isCommand)
}

function isCommand(command: unknown): boolean {
  const { name, enabled } = membersOf(command)
  return typeof name === 'string' && typeof enabled === 'boolean'
}

/** `guest-exec` */
export interface Started {
  readonly pid: number
}

export function isStarted(answer: unknown): answer is Started {
  return isCount(membersOf(answer)['pid'])
}

/** `guest-exec-status`; outputs in base64. */
export interface RunStatus {
  readonly exited: boolean
  readonly exitcode?: number
  readonly signal?: number
  readonly 'out-data'?: string
  readonly 'err-data'?: string
}

/** One that has ended tells how. */
export function isRunStatus(answer: unknown): answer is RunStatus {
  const { exited, exitcode, signal, 'out-data': out = '', 'err-data': err = '' } = membersOf(answer)
  const ends = [exitcode, signal].filter((end) => end !== undefined)
  return (
    typeof exited === 'boolean' && [out, err].every(isBase64) && ends.every(isCount) && (!exited || ends.length > 0)
  )
}

function isBase64(value: unknown): boolean {
  return typeof value === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(value)
}

function membersOf(answer: unknown): Readonly<Record<string, unknown>> {
  return typeof answer === 'object' && answer !== null ? Object.fromEntries(Object.entries(answer)) : {}
}
