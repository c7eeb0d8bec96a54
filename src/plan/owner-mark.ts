/** The mark that every domain and network of an environment bears in libvirt, so that ours can be told from others. */
import type { EnvPlan } from './types.js'
import { element, type XmlElement } from '../base/xml.js'

const NAMESPACE = 'https://lago.dev/xmlns/env/1'

/** The `<metadata>` of an object of the environment; `what` names it there, e.g. `{ vm: 'vm0' }`. */
export function ownerMark(
  { uuid, prefixDir }: Pick<EnvPlan, 'uuid' | 'prefixDir'>,
  what: Readonly<Record<string, string>>,
): XmlElement {
  return element('metadata', {}, [element('lago:env', { 'xmlns:lago': NAMESPACE, uuid, ...what, prefix: prefixDir })])
}

/** Whether XML that libvirt gives bears the mark of environment `uuid`. */
export function hasOwnerMark(xml: string, uuid: string): boolean {
  const [mark = ''] = /<lago:env\b[^>]*>/.exec(xml) ?? []
  return mark.includes(NAMESPACE) && (mark.includes(`uuid='${uuid}'`) || mark.includes(`uuid="${uuid}"`))
}

/** The same XML, marked as a machine that did not boot but was given the memory of another. */
export function markRestored(xml: string): string {
  return isRestored(xml) ? xml : xml.replace(/<lago:env\b/, "<lago:env restored='yes'")
}

export function isRestored(xml: string): boolean {
  return /<lago:env\b[^>]*\brestored=/.test(xml)
}
