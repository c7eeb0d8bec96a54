/** Manual pages in roff's man macros (groff_man(7)), with every text escaped. */

/** Text that is ready for roff: made by the functions of this file. */
export type Roff = string & { readonly roff: unique symbol }

export interface Page {
  /** `lago-init`. */
  readonly name: string
  readonly section: 1 | 5
  /** What the page is about, for the line of NAME: no full stop. */
  readonly summary: string
  readonly body: readonly (readonly [heading: string, paragraphs: readonly Roff[]])[]
}

export interface Edition {
  /** Of the program. */
  readonly version: string
  /** As `2026-11-28`; default: none is shown, so that a build is the same on every day. */
  readonly date?: string
}

export function renderPage({ name, section, summary, body }: Page, { version, date = '' }: Edition): string {
  const words = [escaped(name.toUpperCase()), String(section), date, escaped(`Lago ${version}`), 'Lago']
  const title = `.TH ${words.map((word) => `"${word}"`).join(' ')}`
  const sections = body.flatMap(([heading, paragraphs]) =>
    paragraphs.length === 0 ? [] : [`.SH ${heading}`, paragraphs.join('\n').replace(/^\.PP\n/, '')],
  )
  return [title, '.nh', '.ad l', '.SH NAME', `${escaped(name)} \\- ${escaped(summary)}`, ...sections, ''].join('\n')
}

/** Running text; what stands between backquotes is what the reader types. */
export function prose(text: string): Roff {
  const parts = text.split('`')
  // a single backquote quotes nothing
  const isPaired = parts.length % 2 === 1
  const rendered = isPaired
    ? parts.map((part, index) => (index % 2 === 1 ? bold(part) : escaped(part)))
    : [escaped(text)]
  return wrapped(rendered.join('').trim())
}

export function bold(text: string): Roff {
  return text === '' ? ('' as Roff) : (`\\fB${escaped(text)}\\fR` as Roff)
}

export function italic(text: string): Roff {
  return text === '' ? ('' as Roff) : (`\\fI${escaped(text)}\\fR` as Roff)
}

/** One line of pieces, blanks between them. */
export function line(...pieces: readonly (Roff | '')[]): Roff {
  return protectedLine(pieces.filter((piece) => piece !== '').join(' '))
}

/** A term, and indented below it what it is. */
export function entry(term: Roff, explanation: Roff): Roff {
  return `.TP\n${term === '' ? '\\&' : term}\n${explanation === '' ? '\\&' : explanation}` as Roff
}

/** A paragraph of its own. */
export function paragraph(text: Roff): Roff {
  return `.PP\n${text}` as Roff
}

/** What is typed, as it stands. */
export function example(commandLine: string): Roff {
  return `.PP\n.EX\n    ${protectedLine(`$ ${escaped(commandLine)}`)}\n.EE` as Roff
}

/**
 * Special characters as what a reader can copy: a bare hyphen would be shown as a typographical one, quotes as curved ones.
 * Control characters, line ends too, become blanks.
 */
export function escaped(text: string): string {
  return Array.from(
    text.replace(/[\s\p{Cc}]+/gu, ' '),
    (character) => ESCAPES[character] ?? beyondAscii(character),
  ).join('')
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\(rs',
  '-': '\\-',
  "'": '\\(aq',
  '"': '\\(dq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
}

function beyondAscii(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x7f) return character
  return /\p{Cs}|\p{Cn}/u.test(character) ? '?' : `\\[u${code.toString(16).toUpperCase().padStart(4, '0')}]`
}

const COLUMNS = 76

function wrapped(text: string): Roff {
  const lines: string[] = []
  for (const word of text.split(/ +/)) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > COLUMNS) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines.map(protectedLine).join('\n') as Roff
}

/** A dot or a quote at the beginning of a line would make a request of it. */
function protectedLine(text: string): Roff {
  return (/^[.']/.test(text) ? `\\&${text}` : text) as Roff
}
