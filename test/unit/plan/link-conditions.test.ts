import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { isLagoError } from '../../../src/base/errors.js'
import { changeLink, describeLink, parseLinkWish, type LinkWish } from '../../../src/plan/link-conditions.js'
import type { LinkConditions } from '../../../src/plan/types.js'

describe('a rate, a delay, a loss', () => {
  test.each<[LinkWish, LinkConditions]>([
    [{ rate: '10mbit' }, { rateBitsPerS: 10_000_000 }],
    [{ rate: '500kbit' }, { rateBitsPerS: 500_000 }],
    [{ rate: '1.5Gbit' }, { rateBitsPerS: 1_500_000_000 }],
    [{ rate: '512kibit' }, { rateBitsPerS: 524_288 }],
    [{ rate: '8000bit' }, { rateBitsPerS: 8000 }],
    [{ rate: '2MBps' }, { rateBitsPerS: 16_000_000 }],
    [{ rate: '1KiBps' }, { rateBitsPerS: 8192 }],
    [{ rate: '1000Bps' }, { rateBitsPerS: 8000 }],
    [{ delay: '50ms' }, { delayUs: 50_000 }],
    [
      { delay: '1.5s', jitter: '250us' },
      { delayUs: 1_500_000, jitterUs: 250 },
    ],
    [{ delay: '60s' }, { delayUs: 60_000_000 }],
    [{ loss: '1%' }, { lossPpm: 10_000 }],
    [{ loss: '0.0001%' }, { lossPpm: 1 }],
    [{ loss: '99.9999%' }, { lossPpm: 999_999 }],
  ])('%j', (wish, expected) => {
    expect(parseLinkWish(wish).set).toEqual(expected)
  })

  test.each<[LinkWish, RegExp, RegExp]>([
    [{ rate: '10mbps' }, /"10mbps" is no rate/, /mbit for bits, MBps for bytes/],
    [{ rate: '10' }, /"10" is no rate/, /10mbit/],
    [{ rate: '' }, /"" is no rate/, /10mbit/],
    [{ rate: '-1mbit' }, /is no rate/, /10mbit/],
    [{ rate: '1e3mbit' }, /is no rate/, /10mbit/],
    [{ rate: '10 mbit' }, /is no rate/, /10mbit/],
    [{ rate: '1mbit; rm -rf /' }, /is no rate/, /10mbit/],
    [{ rate: 'x'.repeat(9999) }, /^"x{40}\.\.\." is no rate$/, /10mbit/],
    [{ rate: '0mbit' }, /nothing passes/, /--down/],
    [{ rate: '7999bit' }, /cannot be had/, /from 8kbit to 100gbit/],
    [{ rate: '101gbit' }, /cannot be had/, /from 8kbit to 100gbit/],
    [{ delay: '50' }, /"50" is no delay/, /50ms/],
    [{ delay: '0ms' }, /is none/, /--clear/],
    [{ delay: '61s' }, /cannot be had/, /to 60s/],
    [{ jitter: '5m' }, /is no jitter/, /50ms/],
    [{ loss: '1' }, /"1" is no loss/, /0\.05%/],
    [{ loss: '0.00001%' }, /is no loss/, /four decimals/],
    [{ loss: '0%' }, /is none/, /--clear/],
    [{ loss: '100%' }, /nothing passes/, /--down/],
    [{}, /nothing is said/, /down, up, rate/],
  ])('%j is refused', (wish, message, hint) => {
    expect(() => parseLinkWish(wish)).toThrow(
      expect.objectContaining({
        code: 'LAGO_LINK_VALUE',
        message: expect.stringMatching(message),
        hint: expect.stringMatching(hint),
      }),
    )
  })

  test('whatever is written gives a number within the bounds, or a line that says why not', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.stringMatching(/^\d{0,6}(\.\d{0,3})?[kmgKMG]?i?(bit|Bps|us|ms|s|%)$/),
    )
    fc.assert(
      fc.property(texts, fc.constantFrom('rate', 'delay', 'loss'), (text, what) => {
        try {
          const { rateBitsPerS = 8000, delayUs = 1, lossPpm = 1 } = parseLinkWish({ [what]: text }).set
          expect([rateBitsPerS, delayUs, lossPpm].every(Number.isInteger)).toBe(true)
          expect(rateBitsPerS >= 8000 && delayUs > 0 && lossPpm > 0 && lossPpm < 1e6).toBe(true)
        } catch (error) {
          if (!isLagoError(error, 'LAGO_LINK_VALUE')) throw error
          expect(error.message).not.toMatch(/\n/)
        }
      }),
    )
  })
})

describe('a change', () => {
  const after = (before: LinkConditions | undefined, wish: LinkWish): LinkConditions | undefined =>
    changeLink(before, parseLinkWish(wish))

  test.each<[LinkConditions | undefined, LinkWish, LinkConditions | undefined]>([
    [undefined, { down: true }, { isDown: true }],
    [{ lossPpm: 1 }, { down: true }, { isDown: true, lossPpm: 1 }],
    [{ isDown: true, lossPpm: 1 }, { down: false }, { lossPpm: 1 }],
    [{ isDown: true }, { down: false }, undefined],
    [{ isDown: true }, { rate: '1mbit' }, { isDown: true, rateBitsPerS: 1e6 }],
    [{ delayUs: 5, jitterUs: 2 }, { delay: '10us' }, { delayUs: 10, jitterUs: 2 }],
    [{ delayUs: 5 }, { jitter: '5us' }, { delayUs: 5, jitterUs: 5 }],
    [{ isDown: true, lossPpm: 1 }, { clear: true }, undefined],
    [{ isDown: true, lossPpm: 1 }, { clear: true, delay: '1ms' }, { delayUs: 1000 }],
    [undefined, { clear: true }, undefined],
  ])('%j with %j is %j', (before, wish, expected) => {
    expect(after(before, wish)).toEqual(expected)
  })

  test('a jitter is not without a delay, and not above it', () => {
    expect(() => after(undefined, { jitter: '5ms' })).toThrow('a jitter of 5ms is more than the delay, which is none')
    expect(() => after({ delayUs: 5000, jitterUs: 4000 }, { delay: '3ms' })).toThrow('more than the delay, 3ms')
  })
})

test('what is shown can be written again and means the same', () => {
  const conditions = fc.record(
    {
      rateBitsPerS: fc.integer({ min: 8000, max: 1e11 }),
      delayUs: fc.integer({ min: 1, max: 6e7 }),
      lossPpm: fc.integer({ min: 1, max: 999_999 }),
    },
    { requiredKeys: ['delayUs'] },
  )
  fc.assert(
    fc.property(conditions, (link) => {
      expect(parseLinkWish(describeLink(link)).set).toEqual(link)
    }),
  )
  expect(describeLink({ isDown: true, rateBitsPerS: 1e7, delayUs: 50_000, jitterUs: 9, lossPpm: 500 })).toEqual({
    state: 'down',
    rate: '10mbit',
    delay: '50ms',
    jitter: '9us',
    loss: '0.05%',
  })
})
