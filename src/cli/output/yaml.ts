/** YAML as PyYAML's safe_dump writes it in block style with sorted keys (spec 1.11); long lines are not folded. */
import { dump } from 'js-yaml'
import { sortKeys } from './python-text.js'

export function formatYaml(value: unknown): string {
  const text = dump(sortKeys(value) ?? null, { seqNoIndent: true, quoteStyle: 'single', lineWidth: -1, noRefs: true })
  return text.replace(/\n$/, '')
}
