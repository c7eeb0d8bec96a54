/**
 * What an engine says, parsed once: JSON, or XML brought into the shape that its JSON has. Version 4 of the API writes
 * numbers and truth values as texts in JSON, and so they come out of XML.
 */
import { LagoError } from '../base/errors.js'
import { plainLine } from '../base/plain-text.js'
import type { EngineResponse } from './exchange.js'

/** A resource, or a part of one. */
export type Entity = Readonly<Record<string, unknown>>

/** Lists are named by what is in them, so that one with a single item is known for a list. */
const LISTED = ['host', 'data_center', 'storage_domain', 'cluster', 'vm', 'user', 'link']

/** Throws `LAGO_ENGINE_ANSWER` for what is neither. An answer without a body is an empty entity. */
export async function parseAnswer({ contentType, body }: EngineResponse): Promise<Entity> {
  if (body.trim() === '') return {}
  const parsed = contentType.endsWith('xml') ? await fromXml(body) : fromJson(body)
  if (!isEntity(parsed)) throw notAnAnswer(body)
  return parsed
}

function fromJson(body: string): unknown {
  try {
    return JSON.parse(body) as unknown
  } catch {
    throw notAnAnswer(body)
  }
}

async function fromXml(body: string): Promise<unknown> {
  const { XMLParser, XMLValidator } = await import('fast-xml-parser')
  if (XMLValidator.validate(body) !== true) throw notAnAnswer(body)
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    parseTagValue: false,
    parseAttributeValue: false,
    ignoreDeclaration: true,
    isArray: (name, path, _isLeaf, isAttribute) =>
      !isAttribute && LISTED.includes(name) && isInList(name, String(path)),
  })
  const document = parser.parse(body) as unknown
  return isEntity(document) ? (Object.values(document)[0] === '' ? {} : Object.values(document)[0]) : document
}

/** `hosts.host` is an item of a list; `vm.host` is the one host of a VM. */
function isInList(name: string, path: string): boolean {
  return path === `${name}s.${name}` || name === 'link'
}

function notAnAnswer(body: string): LagoError {
  return new LagoError('LAGO_ENGINE_ANSWER', `the engine's answer is neither JSON nor XML: ${plainLine(body, 100)}`, {
    hint: 'does something else than an engine listen there?',
  })
}

function isEntity(value: unknown): value is Entity {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The items of a list; an empty list has no key. Throws `LAGO_ENGINE_ANSWER`. */
export function itemsOf(answer: Entity, name: string): readonly Entity[] {
  const items = answer[name] ?? []
  if (Array.isArray(items) && items.every(isEntity)) return items
  throw new LagoError('LAGO_ENGINE_ANSWER', `the engine's answer has something else than a list of ${name}`)
}

/** An empty one when it is not there. */
export function partOf(entity: Entity, ...names: readonly string[]): Entity {
  let part: unknown = entity
  for (const name of names) part = isEntity(part) ? part[name] : undefined
  return isEntity(part) ? part : {}
}

/** Throws `LAGO_ENGINE_ANSWER` when it is not there. */
export function textAt(entity: Entity, name: string): string {
  const text = optionalTextAt(entity, name)
  if (text !== undefined) return text
  throw new LagoError(
    'LAGO_ENGINE_ANSWER',
    `the engine's answer has no ${name}: ${plainLine(JSON.stringify(entity), 100)}`,
  )
}

export function optionalTextAt(entity: Entity, name: string): string | undefined {
  const value = entity[name]
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined
}
