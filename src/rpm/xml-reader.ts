/** XML as a stream of elements: lists of packages have tens of megabytes, of which little is wanted. By sax. */
import sax from 'sax'
import { messageOf } from '../base/errors.js'
import { plainLine } from '../base/plain-text.js'
import { repositoryError } from './errors.js'

export interface XmlElement {
  /** Without the prefixes of name spaces. */
  readonly attributes: Readonly<Record<string, string>>
  /** Directly inside of it, trimmed; of a long one the beginning. */
  readonly text: string
}

export interface XmlHandler {
  /** `path`: the names from the root on, without prefixes: `metadata/package/name`. Called when the element begins. */
  open?(path: string, attributes: XmlElement['attributes']): void
  /** Called when the element has ended. */
  close(path: string, element: XmlElement): void
}

/** No name, checksum or URL is longer; descriptions are. */
const LONGEST_TEXT = 4096

/** Throws `LAGO_RPM_REPOSITORY` when it is not XML or not whole; `what` names it. Entities of its own are not expanded. */
export async function readXml(
  chunks: AsyncIterable<Buffer> | readonly Buffer[],
  what: string,
  handler: XmlHandler,
): Promise<void> {
  const parser = sax.parser(true, { trim: false })
  const open: { readonly path: string; readonly attributes: XmlElement['attributes']; text: string }[] = []
  const add = (text: string): void => {
    const element = open.at(-1)
    if (element !== undefined && element.text.length < LONGEST_TEXT) element.text += text
  }
  parser.onopentag = ({ name, attributes }) => {
    const parent = open.at(-1)?.path
    const path = parent === undefined ? localName(name) : `${parent}/${localName(name)}`
    const named = withLocalNames(attributes as Record<string, string>) // plain texts, without the option xmlns
    open.push({ path, attributes: named, text: '' })
    handler.open?.(path, named)
  }
  parser.onclosetag = () => {
    const element = open.pop()
    if (element !== undefined) handler.close(element.path, { ...element, text: element.text.trim() })
  }
  parser.ontext = add
  parser.oncdata = add
  parser.onerror = (error) => {
    const [problem = ''] = messageOf(error).split('\n')
    throw repositoryError(`${what} is no XML that can be read: ${plainLine(problem, 200)} (line ${parser.line + 1})`, {
      hint: 'is there a login or an error page in the way?',
    })
  }
  const decoder = new TextDecoder()
  for await (const chunk of chunks) parser.write(decoder.decode(chunk, { stream: true }))
  parser.write(decoder.decode()).close()
}

function withLocalNames(attributes: Readonly<Record<string, string>>): XmlElement['attributes'] {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [localName(name), value]))
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}
