/** An init file out of plain data, in the order that it has: VMs get their addresses in it. */
import { dump } from 'js-yaml'

export type InitFileFormat = 'yaml' | 'json'

/** With a final line end. What `parseInitFile` reads back is `content`. */
export function renderInitFile(content: Readonly<Record<string, unknown>>, format: InitFileFormat): string {
  if (format === 'json') return `${JSON.stringify(content, undefined, 4)}\n`
  return dump(content, { seqNoIndent: true, quoteStyle: 'single', lineWidth: -1, noRefs: true })
}
