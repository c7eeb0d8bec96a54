/** What a link can be made worse by: as users write it, as it is kept, and as it is shown. Pure. */
import { LagoError } from '../base/errors.js'
import type { LinkConditions } from './types.js'

/** What is to become of a link; what is not named stays as it is. */
export interface LinkWish {
  /** True: no packet passes. False takes only that back. */
  readonly down?: boolean | undefined
  /** `10mbit`, `1.5gbit`, `512kibit`, `2MBps`; both ways, each. */
  readonly rate?: string | undefined
  /** `50ms`, `1.5s`, `250us`; of what the guest receives. */
  readonly delay?: string | undefined
  /** As `delay`, and not above it: by how much that varies. */
  readonly jitter?: string | undefined
  /** `1%`, `0.05%`; of what the guest receives. */
  readonly loss?: string | undefined
  /** Everything is taken back first. */
  readonly clear?: boolean | undefined
}

export interface LinkChange {
  readonly clear: boolean
  readonly down: boolean | undefined
  readonly set: Omit<LinkConditions, 'isDown'>
}

/** Throws `LAGO_LINK_VALUE` for what is no rate, delay or loss, for what is out of bounds, and for an empty wish. */
export function parseLinkWish(wish: LinkWish): LinkChange {
  const { rate, delay, jitter, loss, down, clear = false } = wish
  const set = {
    ...(rate === undefined ? {} : { rateBitsPerS: parseRate(rate) }),
    ...(delay === undefined ? {} : { delayUs: parseDelay(delay, 'delay') }),
    ...(jitter === undefined ? {} : { jitterUs: parseDelay(jitter, 'jitter') }),
    ...(loss === undefined ? {} : { lossPpm: parseLoss(loss) }),
  }
  if (!clear && down === undefined && Object.keys(set).length === 0)
    throw new LagoError('LAGO_LINK_VALUE', 'nothing is said about how the link is to be', {
      hint: 'name one or more of: down, up, rate, delay, jitter, loss, clear',
    })
  return { clear, down, set }
}

/**
 * The conditions after `change`; undefined: none are left.
 * Throws `LAGO_LINK_VALUE` for a jitter without a delay, or above it.
 */
export function changeLink(before: LinkConditions | undefined, change: LinkChange): LinkConditions | undefined {
  const { isDown, ...kept } = change.clear ? {} : (before ?? {})
  const after: LinkConditions = { ...((change.down ?? isDown) ? { isDown: true } : {}), ...kept, ...change.set }
  const { delayUs = 0, jitterUs = 0 } = after
  if (jitterUs > delayUs)
    throw new LagoError(
      'LAGO_LINK_VALUE',
      `a jitter of ${formatDelay(jitterUs)} is more than the delay, ${delayUs === 0 ? 'which is none' : formatDelay(delayUs)}`,
      { hint: `name a delay as well: --delay ${formatDelay(jitterUs)}`, data: { delayUs, jitterUs } },
    )
  return Object.keys(after).length === 0 ? undefined : after
}

/** As `lago status` shows them, in the words of the options; only what is there. */
export function describeLink(link: LinkConditions): Readonly<Record<string, string>> {
  const { isDown, rateBitsPerS, delayUs, jitterUs, lossPpm } = link
  return {
    ...(isDown ? { state: 'down' } : {}),
    ...(rateBitsPerS === undefined ? {} : { rate: formatRate(rateBitsPerS) }),
    ...(delayUs === undefined ? {} : { delay: formatDelay(delayUs) }),
    ...(jitterUs === undefined ? {} : { jitter: formatDelay(jitterUs) }),
    ...(lossPpm === undefined ? {} : { loss: formatLoss(lossPpm) }),
  }
}

/** tc(8), UNITS: bits by 1000 or 1024; its `mbps` are bytes, for which the `B` has to be written here. */
const RATE_UNITS: ReadonlyMap<string, number> = new Map([
  ['bit', 1],
  ...prefixed('bit', 1),
  ...prefixed('Bps', 8),
  ['Bps', 8],
])
/** libvirt counts kilobytes. */
const LEAST_BITS_PER_S = 8000
const MOST_BITS_PER_S = 100e9

function prefixed(unit: string, bits: number): (readonly [string, number])[] {
  return ['k', 'm', 'g'].flatMap((prefix, index) => [
    [`${prefix}${unit}`, bits * 1000 ** (index + 1)] as const,
    [`${prefix}i${unit}`, bits * 1024 ** (index + 1)] as const,
  ])
}

function parseRate(text: string): number {
  const parts = /^(\d{1,12}(?:\.\d{1,6})?)([A-Za-z]+)$/.exec(text)
  const word = parts?.[2] ?? ''
  const unit = RATE_UNITS.get(word.endsWith('Bps') ? `${word.slice(0, -3).toLowerCase()}Bps` : word.toLowerCase())
  if (parts === null || unit === undefined) throw noRate(text, word)
  const bitsPerS = Math.round(Number(parts[1]) * unit)
  if (bitsPerS === 0) throw useDown('rate', text)
  if (bitsPerS < LEAST_BITS_PER_S || bitsPerS > MOST_BITS_PER_S)
    throw outOfBounds('rate', text, `${formatRate(LEAST_BITS_PER_S)} to ${formatRate(MOST_BITS_PER_S)}`)
  return bitsPerS
}

function noRate(text: string, unit: string): LagoError {
  const hint = /^[kmg]?i?bps$/i.test(unit)
    ? `tc reads "${unit}" as bytes, others as bits: write mbit for bits, MBps for bytes`
    : 'a number and its unit: 500kbit, 10mbit, 1gbit, 512kibit; in bytes: 200kBps, 2MBps'
  return new LagoError('LAGO_LINK_VALUE', `"${shown(text)}" is no rate`, { hint, data: { rate: shown(text) } })
}

const DELAY_UNITS: ReadonlyMap<string, number> = new Map([
  ['us', 1],
  ['ms', 1000],
  ['s', 1_000_000],
])
const MOST_DELAY_US = 60_000_000

function parseDelay(text: string, what: 'delay' | 'jitter'): number {
  const parts = /^(\d{1,9}(?:\.\d{1,6})?)(us|ms|s)$/.exec(text)
  if (parts === null)
    throw new LagoError('LAGO_LINK_VALUE', `"${shown(text)}" is no ${what}`, {
      hint: 'a number and its unit: 250us, 50ms, 1.5s',
      data: { [what]: shown(text) },
    })
  const delayUs = Math.round(Number(parts[1]) * (DELAY_UNITS.get(parts[2] ?? '') ?? NaN))
  if (delayUs === 0) throw new LagoError('LAGO_LINK_VALUE', `a ${what} of ${text} is none`, { hint: NONE_HINT })
  if (delayUs > MOST_DELAY_US) throw outOfBounds(what, text, `1us to ${formatDelay(MOST_DELAY_US)}`)
  return delayUs
}

function parseLoss(text: string): number {
  const parts = /^(\d{1,3}(?:\.\d{1,4})?)%$/.exec(text)
  if (parts === null)
    throw new LagoError('LAGO_LINK_VALUE', `"${shown(text)}" is no loss`, {
      hint: 'a percentage with at most four decimals: 1%, 0.05%',
      data: { loss: shown(text) },
    })
  const lossPpm = Math.round(Number(parts[1]) * 10_000)
  if (lossPpm === 0) throw new LagoError('LAGO_LINK_VALUE', `a loss of ${text} is none`, { hint: NONE_HINT })
  if (lossPpm >= 1_000_000) throw useDown('loss', text)
  return lossPpm
}

const NONE_HINT = 'leave it out; --clear takes back what is set already, and the options beside it are set anew'

function useDown(what: string, text: string): LagoError {
  return new LagoError('LAGO_LINK_VALUE', `with a ${what} of ${shown(text)} nothing passes`, {
    hint: 'use --down for a link that lets nothing through',
    data: { [what]: shown(text) },
  })
}

function outOfBounds(what: string, text: string, bounds: string): LagoError {
  return new LagoError('LAGO_LINK_VALUE', `a ${what} of ${shown(text)} cannot be had`, {
    hint: `from ${bounds}`,
    data: { [what]: shown(text) },
  })
}

/** Of a text of any length and content, so much that it can be told. */
function shown(text: string): string {
  const line = JSON.stringify(text).slice(1, -1)
  return line.length <= 40 ? line : `${line.slice(0, 40)}...`
}

export function formatRate(bitsPerS: number): string {
  const [unit, size] = [
    ['gbit', 1e9],
    ['mbit', 1e6],
    ['kbit', 1e3],
  ].find(([, size]) => bitsPerS % (Number(size) / 1000) === 0 && bitsPerS >= Number(size)) ?? ['bit', 1]
  return `${bitsPerS / Number(size)}${unit}`
}

export function formatDelay(delayUs: number): string {
  if (delayUs >= 1_000_000 && delayUs % 1000 === 0) return `${delayUs / 1_000_000}s`
  return delayUs >= 1000 ? `${delayUs / 1000}ms` : `${delayUs}us`
}

export function formatLoss(lossPpm: number): string {
  return `${lossPpm / 10_000}%`
}
