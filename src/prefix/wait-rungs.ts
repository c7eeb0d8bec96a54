/** The rungs of the ladder that a VM climbs until it is ready, as users write them: `ssh`, `unit:sshd`, `port:80`. */
import { LagoError } from '../base/errors.js'
import { nearest } from '../base/nearest.js'

export type Rung =
  | { readonly kind: (typeof PLAIN)[number] }
  | { readonly kind: 'unit'; readonly unit: string }
  | { readonly kind: 'port'; readonly port: number }
  | { readonly kind: 'cmd'; readonly command: string }

const PLAIN = ['running', 'kernel', 'agent', 'network', 'ssh', 'cloud-init'] as const

/** For help texts and errors. */
export const RUNG_FORMS: readonly string[] = [...PLAIN, 'unit:NAME', 'port:NUMBER', 'cmd:COMMAND']

export const DEFAULT_RUNG = 'ssh'

/** Throws `LAGO_BAD_RUNG`, listing the rungs. */
export function parseRung(text: string): Rung {
  const plain = PLAIN.find((kind) => kind === text)
  if (plain !== undefined) return { kind: plain }
  const [, kind = '', value = ''] = /^([a-z]+):(.+)$/s.exec(text) ?? []
  if (kind === 'unit' && UNIT_NAME.test(value)) return { kind, unit: value }
  if (kind === 'port' && /^\d{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 65_535)
    return { kind, port: Number(value) }
  if (kind === 'cmd') return { kind, command: value }
  throw badRung(text)
}

/** Reached only over ssh. */
export function hasSsh({ kind }: Rung): boolean {
  return kind === 'ssh' || kind === 'cloud-init' || kind === 'unit' || kind === 'cmd'
}

/** systemd.unit(5): what a unit's name may hold; no dash in front, where it would be an option. */
const UNIT_NAME = /^[\w@.:\\][\w@.:\\-]{0,254}$/

function badRung(text: string): LagoError {
  const near = nearest(text, PLAIN)
  return new LagoError('LAGO_BAD_RUNG', `there is no rung "${text}"; there are: ${RUNG_FORMS.join(', ')}`, {
    hint: near === undefined ? 'a unit is one of systemd, a port is 1 to 65535' : `did you mean ${near}?`,
    data: { rung: text, rungs: RUNG_FORMS },
  })
}
