import { LagoError } from '../../base/errors.js'
import type { OptionSpec, ParsedArgs } from '../../index.js'

/** Of all verbs that speak with the engine. */
export const ENGINE_OPTIONS: readonly OptionSpec[] = [
  {
    name: 'ca-file',
    complete: 'file',
    type: 'string',
    help: "certificate of the authority that signed the engine's; default: the one that it names at the first meeting, from then on",
  },
  { name: 'insecure', type: 'flag', help: "do not check the engine's certificate" },
]

export const VMS_TIMEOUT: OptionSpec = {
  name: 'vms-timeout',
  type: 'int',
  help: 'seconds until the VMs of the engine have to be up; default: 480',
}

/** Throws `LAGO_USAGE`. */
export function vmsTimeoutMsOf(args: ParsedArgs): number {
  const seconds = args.int('vms-timeout') ?? DEFAULT_VMS_TIMEOUT_S
  if (seconds > 0) return seconds * 1000
  throw new LagoError('LAGO_USAGE', `--vms-timeout is a number of seconds, not ${seconds}`, {
    hint: 'such as --vms-timeout 480',
  })
}

const DEFAULT_VMS_TIMEOUT_S = 480
