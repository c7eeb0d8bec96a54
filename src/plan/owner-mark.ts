/** The mark that every domain and network of an environment bears in libvirt, so that ours can be told from others. */
import type { EnvPlan } from './types.js'
import { element, unescapeXml, type XmlElement } from '../base/xml.js'

const NAMESPACE = 'https://lago.dev/xmlns/env/1'

/** The `<metadata>` of an object of the environment; `what` names it there, e.g. `{ vm: 'vm0' }`. */
export function ownerMark(
  { uuid, prefixDir }: Pick<EnvPlan, 'uuid' | 'prefixDir'>,
  what: Readonly<Record<string, string>>,
): XmlElement {
  return element('metadata', {}, [element('lago:env', { 'xmlns:lago': NAMESPACE, uuid, ...what, prefix: prefixDir })])
}

/** What a mark says. */
export interface Owner {
  readonly uuid: string
  /** Where the environment was when the object was made; undefined in marks of older versions. */
  readonly prefixDir: string | undefined
  /** The VM or the net, as the init file calls it. */
  readonly name: string
}

/** Undefined for XML, as libvirt gives it, that bears no mark. */
export function ownerIn(xml: string): Owner | undefined {
  const [mark = ''] = /<lago:env\b[^>]*>/.exec(xml) ?? []
  const attribute = (name: string): string | undefined => {
    const [, single, double] = new RegExp(`\\s${name}=(?:'([^']*)'|"([^"]*)")`).exec(mark) ?? []
    const value = single ?? double
    return value === undefined ? undefined : unescapeXml(value)
  }
  const uuid = attribute('uuid')
  if (uuid === undefined || attribute('xmlns:lago') !== NAMESPACE) return undefined
  return { uuid, prefixDir: attribute('prefix'), name: attribute('vm') ?? attribute('net') ?? '' }
}

/** Whether XML that libvirt gives bears the mark of environment `uuid`. */
export function hasOwnerMark(xml: string, uuid: string): boolean {
  return ownerIn(xml)?.uuid === uuid
}

/** The same XML, marked as a machine that did not boot but was given the memory of another. */
export function markRestored(xml: string): string {
  return isRestored(xml) ? xml : xml.replace(/<lago:env\b/, "<lago:env restored='yes'")
}

export function isRestored(xml: string): boolean {
  return /<lago:env\b[^>]*\brestored=/.test(xml)
}
