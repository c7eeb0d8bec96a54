/** XML out: a tree of plain data, rendered with everything escaped. Reading documents is not done here. */
import { LagoError } from './errors.js'

export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string | number | undefined>>
  readonly children: readonly XmlElement[] | string
}

/** `element('mac', { address })`, `element('name', {}, 'vm0')`, `element('dns', {}, [host, host])`. Undefined attributes and children are left out. */
export function element(
  name: string,
  attributes: XmlElement['attributes'] = {},
  children: readonly (XmlElement | undefined)[] | string = [],
): XmlElement {
  const kept = typeof children === 'string' ? children : children.filter((child) => child !== undefined)
  return { name, attributes, children: kept }
}

/** Indented by two spaces, with a final newline. Throws `LAGO_XML_TEXT` for characters that XML 1.0 cannot carry. */
export function renderXml(root: XmlElement): string {
  return `${render(root, '')}\n`
}

function render({ name, attributes, children }: XmlElement, indent: string): string {
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined)
  const head = `${indent}<${name}${given.map(([key, value]) => ` ${key}='${escapeXml(String(value))}'`).join('')}`
  if (typeof children === 'string') return children === '' ? `${head}/>` : `${head}>${escapeXml(children)}</${name}>`
  if (children.length === 0) return `${head}/>`
  const body = children.map((child) => render(child, `${indent}  `)).join('\n')
  return `${head}>\n${body}\n${indent}</${name}>`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&apos;',
  '"': '&quot;',
}

/** The text as it stands in an attribute or between tags. Throws as `renderXml` does. */
export function escapeXml(text: string): string {
  // XML 1.0, section 2.2: these cannot be written, not even as a character reference
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ud800-\udfff\ufffe\uffff]/u.test(text))
    throw new LagoError('LAGO_XML_TEXT', `not a text that XML can carry: ${JSON.stringify(text).slice(0, 200)}`, {
      hint: 'libvirt takes no control characters: is there one in the name of a directory or a file?',
    })
  return text
    .replace(/[&<>'"]/g, (char) => ENTITIES[char] ?? char)
    .replace(/[\t\n\r]/g, (char) => `&#${char.charCodeAt(0)};`)
}

/** The text that `escapeXml` was given; other references, which it does not write, stay. */
export function unescapeXml(text: string): string {
  const characters = new Map(Object.entries(ENTITIES).map(([char, entity]) => [entity, char]))
  return text.replace(/&(?:#([0-9]+)|[a-z]+);/g, (reference, code: string | undefined) => {
    return code === undefined ? (characters.get(reference) ?? reference) : String.fromCodePoint(Number(code))
  })
}
