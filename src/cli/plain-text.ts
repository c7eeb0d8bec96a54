/**
 * What a guest prints, made harmless for a terminal: a terminal obeys what it shows, and a guest may print anything.
 * Keeps text, tabs and line ends; drops control characters, escape sequences (ECMA-48) and marks that turn the writing
 * direction round. Works on a stream: a sequence may come in pieces.
 */
import { StringDecoder } from 'node:string_decoder'

/** Takes bytes as they come, gives the text to show. */
export function createPlainText(): (chunk: Uint8Array) => string {
  const decoder = new StringDecoder('utf8')
  let state: State = 'text'
  let afterReturn = false

  return (chunk) => {
    let shown = ''
    for (const char of decoder.write(chunk)) {
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
