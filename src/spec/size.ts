/** Sizes as qemu-img takes them. */
const UNITS = 'bkmgtpe'

/**
 * Bytes of a size that fits `SIZE_PATTERN`: `10G`, `1.5T`, `512m`; without a unit bytes. Fractions of a byte are cut.
 * Undefined: nothing at all, or more than can be counted (8 PiB).
 */
export function parseSizeBytes(size: string | number): number | undefined {
  const text = String(size)
  const exponent = UNITS.indexOf(text.slice(-1).toLowerCase())
  const bytes = Math.floor(Number.parseFloat(text) * 1024 ** Math.max(0, exponent))
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined
}
