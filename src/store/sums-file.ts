/** Files with the sums of others, as distributions publish them: those of GNU's sha256sum, and those of BSD's. */
import { digestNameOf } from './digests.js'
import type { DigestName } from '../disk/checksum.js'

export interface FileSum {
  readonly name: DigestName
  readonly hex: string
}

/**
 * The sums of `fileName`; what else is in the text, signatures among it, is passed over. Lines are
 * `HEX  NAME`, `HEX *NAME`, or `SHA256 (NAME) = HEX`; names may stand with a directory in front.
 */
export function sumsOf(text: string, fileName: string): readonly FileSum[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const found = gnuLine(line) ?? bsdLine(line)
    if (found === undefined || found.file.split('/').at(-1) !== fileName) return []
    const name = digestNameOf(found.hex)
    return name === undefined ? [] : [{ name, hex: found.hex.toLowerCase() }]
  })
}

interface SumLine {
  readonly hex: string
  readonly file: string
}

function gnuLine(line: string): SumLine | undefined {
  const [, hex, file] = /^\\?([0-9a-f]{40,128}) [ *](.+?)\s*$/i.exec(line) ?? []
  return hex === undefined || file === undefined ? undefined : { hex, file }
}

function bsdLine(line: string): SumLine | undefined {
  const [, file, hex] = /^SHA(?:1|256|512) \((.+)\) = ([0-9a-f]+)\s*$/i.exec(line) ?? []
  return hex === undefined || file === undefined ? undefined : { hex, file }
}
