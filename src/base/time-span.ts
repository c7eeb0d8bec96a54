/** Spans of time as users write them. */
const UNIT_MS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 }

/** For messages. */
export const TIME_SPAN_WORDS = 'a span of time as 2h, 90m, 1h30m or 3d'

/** Milliseconds of `2h`, `1h30m`, `3d`; undefined for other forms, for nothing, and for more than a hundred years. */
export function parseTimeSpan(text: string): number | undefined {
  if (!/^(?:[0-9]{1,9}[dhms])+$/.test(text)) return undefined
  const parts = [...text.matchAll(/([0-9]+)([dhms])/g)]
  const spanMs = parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (UNIT_MS[unit] ?? 0), 0)
  return spanMs > 0 && spanMs <= 36_525 * 86_400_000 ? spanMs : undefined
}

/** The two largest units: `2 d 3 h`, `5 min`, `12 s`. */
export function formatTimeSpan(spanMs: number): string {
  const seconds = Math.max(0, Math.floor(spanMs / 1000))
  const parts = [
    { count: Math.floor(seconds / 86_400), unit: 'd' },
    { count: Math.floor(seconds / 3600) % 24, unit: 'h' },
    { count: Math.floor(seconds / 60) % 60, unit: 'min' },
    { count: seconds % 60, unit: 's' },
  ]
  const first = parts.findIndex(({ count }) => count > 0)
  const shown = parts.slice(first === -1 ? 3 : first).slice(0, 2)
  return shown
    .filter(({ count }, index) => count > 0 || index === 0)
    .map(({ count, unit }) => `${count} ${unit}`)
    .join(' ')
}
