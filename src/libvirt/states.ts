/** libvirt's domain states in the words of `lago status` (spec 2.5). */
import {
  VIR_DOMAIN_BLOCKED,
  VIR_DOMAIN_CRASHED,
  VIR_DOMAIN_NOSTATE,
  VIR_DOMAIN_PAUSED,
  VIR_DOMAIN_PMSUSPENDED,
  VIR_DOMAIN_RUNNING,
  VIR_DOMAIN_SHUTDOWN,
  VIR_DOMAIN_SHUTOFF,
} from './constants.js'
import type { VmState } from './types.js'

/** `unknown` for a state that a newer libvirt may have added. */
export function vmStateOf(domainState: number): VmState {
  return WORDS.get(domainState) ?? 'unknown'
}

const WORDS: ReadonlyMap<number, VmState> = new Map([
  [VIR_DOMAIN_NOSTATE, 'no state'],
  [VIR_DOMAIN_RUNNING, 'running'],
  [VIR_DOMAIN_BLOCKED, 'blocked'],
  [VIR_DOMAIN_PAUSED, 'paused'],
  [VIR_DOMAIN_SHUTDOWN, 'begin shut down'],
  [VIR_DOMAIN_SHUTOFF, 'shut off'],
  [VIR_DOMAIN_CRASHED, 'crashed'],
  [VIR_DOMAIN_PMSUSPENDED, 'suspended'],
])
