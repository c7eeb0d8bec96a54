/**
 * What others have written, made harmless for a terminal: a terminal obeys what it shows, and a guest may send anything.
 * Keeps text, tabs and line ends; drops control characters, escape sequences (ECMA-48) and marks that turn the writing
 * direction round.
 */

/** Of what is quoted in a message. */
const LONGEST_LINE = 300

/** All of it; a carriage return counts as a line end. */
export function plainText(text: string): string {
  return createPlainFilter()(text)
}

/** On one line, cut to `maxLength` characters. */
export function plainLine(text: string, maxLength: number = LONGEST_LINE): string {
  const plain = plainText(text.slice(0, maxLength * READ_PER_SHOWN)).replace(/\s*\n\s*/g, ' ')
  return [...plain.trim()].slice(0, maxLength).join('')
}

/** The last `count` lines that are not blank, each cut to `maxLength` characters. */
export function lastLines(text: string, count: number, maxLength: number = LONGEST_LINE): string[] {
  const end = text.trimEnd().slice(-count * maxLength * READ_PER_SHOWN)
  const lines = plainText(end).split('\n')
  return lines
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .slice(-count)
    .map((line) => [...line].slice(0, maxLength).join(''))
}

/** So much of a text is looked at for one character that is shown. */
const READ_PER_SHOWN = 4

/** For a text that comes in pieces, a sequence in it too. */
export function createPlainFilter(): (piece: string) => string {
  let state: State = 'text'
  let afterReturn = false

  return (piece) => {
    let shown = ''
    for (const char of piece) {
      const next = step(state, char)
      state = next.state
      if (next.shown === '') continue
      // a line end may be one character or two; a return alone would write over the line
      if (!(afterReturn && char === '\n')) shown += next.shown
      afterReturn = char === '\r'
    }
    return shown
  }
}

/** `string`: until its terminator; `string-escape`: an ESC in it, which may begin the terminator. */
type State = 'text' | 'escape' | 'sequence' | 'string' | 'string-escape'

interface Step {
  readonly state: State
  readonly shown: string
}

function step(state: State, char: string): Step {
  // No sequence goes over a line end: one that is never ended would hide everything that follows.
  if (char === '\n' || char === '\r') return { state: 'text', shown: '\n' }
  switch (state) {
    case 'text':
      return inText(char)
    case 'escape':
      return hidden(afterEscape(char))
    case 'sequence':
      return hidden(/[\x40-\x7e]/.test(char) ? 'text' : char === ESC ? 'escape' : 'sequence')
    case 'string':
      if (char === BEL || char === ST) return hidden('text')
      return hidden(char === ESC ? 'string-escape' : 'string')
    case 'string-escape':
      return hidden(char === '\\' ? 'text' : afterEscape(char))
  }
}

const ESC = '\x1b'
const BEL = '\x07'
const ST = '\x9c'

function hidden(state: State): Step {
  return { state, shown: '' }
}

function inText(char: string): Step {
  if (char === ESC) return hidden('escape')
  if (char === '\x9b') return hidden('sequence')
  if (/[\x90\x98\x9d\x9e\x9f]/.test(char)) return hidden('string')
  const isHarmful = char !== '\t' && /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u.test(char)
  return { state: 'text', shown: isHarmful ? '' : char }
}

function afterEscape(char: string): State {
  if (char === '[') return 'sequence'
  if (/[\]PX^_]/.test(char)) return 'string'
  return char === ESC || /[\x20-\x2f]/.test(char) ? 'escape' : 'text'
}
