/** How lines of a changelog are broken (spec 8.3). */

const INDENT = '    '
/** Characters of a line behind its indent. */
const WIDTH = 75
/** Of a line that goes on, within its width. */
const HANGING = 10

/**
 * `text`, a single line, in lines of 79 columns at most, indented by 4; a column is a code point.
 *
 * Broken at the last space before the limit, with 10 more spaces before what goes on. Where the limit falls on a space the
 * line ends there, and the next one begins with that space, without the 10. A word that is too long for a line is cut at the
 * limit with a `-` behind it, and the rest goes on without the 10; the last word of a text stays whole.
 */
export function wrap(text: string): string {
  const chars: Chars = /[\ud800-\udfff]/.test(text) ? [...text] : text
  const lastSpace = chars.lastIndexOf(' ')
  const lines: string[] = []
  let rest: Rest = { start: 0, hanging: 0 }
  let word = 0 // where the first word of the rest begins
  for (;;) {
    word = Math.max(word, rest.start)
    while (word < lastSpace && chars[word] === ' ') word++
    const isTooLong = rest.hanging + chars.length - rest.start > WIDTH
    if (!isTooLong || lastSpace <= word) break
    const cut = cutLine(chars, rest, word)
    lines.push(INDENT + cut.line)
    rest = cut.rest
  }
  lines.push(INDENT + between(chars, rest, chars.length))
  return lines.join('\n')
}

/** By code points; a string where each is one unit of it. */
type Chars = string | readonly string[]

/** What is still to be written: `hanging` spaces, and the text from `start` on. */
interface Rest {
  readonly start: number
  readonly hanging: number
}

function cutLine(chars: Chars, rest: Rest, word: number): { readonly line: string; readonly rest: Rest } {
  const limit = rest.start + WIDTH - rest.hanging
  if (chars[limit] === ' ') return { line: between(chars, rest, limit), rest: { start: limit, hanging: 0 } }
  let space = limit - 1
  while (space >= rest.start && chars[space] !== ' ') space--
  if (space >= rest.start && (space > word || fitsBehindHanging(chars, space + 1)))
    return { line: between(chars, rest, space), rest: { start: space + 1, hanging: HANGING } }
  return { line: `${between(chars, rest, limit)}-`, rest: { start: limit, hanging: 0 } }
}

/** Whether the word at `start` ends with a space before a line that goes on is full. */
function fitsBehindHanging(chars: Chars, start: number): boolean {
  return chars.slice(start, start + WIDTH - HANGING + 1).includes(' ')
}

function between(chars: Chars, { start, hanging }: Rest, end: number): string {
  const piece = chars.slice(start, end)
  return ' '.repeat(hanging) + (typeof piece === 'string' ? piece : piece.join(''))
}
