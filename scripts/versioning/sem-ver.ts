/** The pseudo-header `Sem-Ver:` of a commit's message (spec 8.2). */

/** What a commit does to those who use what they have: `Sem-Ver: api-breaking`, `Sem-Ver: feature`. */
export type SemVer = 'breaking' | 'feature'

/**
 * A header has a line of its own that is not the first one and ends with a line end; it need not stand in the trailer
 * block. Anything with "break" breaks; of several headers the one that breaks counts. What stands on a line of its own
 * behind the colon counts as well, with blank lines between: white space is any, as in upstream's expressions
 * `\nsem-ver:\s*.*break.*\n` and `\nsem-ver:\s*feature\n`. Takes time in proportion to the message.
 */
export function semVerOf(message: string): SemVer | undefined {
  let found: SemVer | undefined
  for (const header of message.matchAll(/\nsem-ver:/giu)) {
    const start = skipSpace(message, header.index + header[0].length)
    const end = message.indexOf('\n', start)
    if (end === -1) continue
    const value = message.slice(start, end)
    if (/break/iu.test(value)) return 'breaking'
    if (/^feature$/iu.test(value)) found = 'feature'
  }
  return found
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (at < text.length && isSpace(text.charAt(at))) at++
  return at
}

/** Of Python: JavaScript's has the byte order mark besides, and lacks five controls. */
function isSpace(char: string): boolean {
  return (/\s/.test(char) && char !== '\ufeff') || '\x1c\x1d\x1e\x1f\x85'.includes(char)
}
