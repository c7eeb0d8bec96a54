/** Several user-data documents as one, in the form that cloud-init takes apart again (RFC 2046). */
import { createHash } from 'node:crypto'

export interface Part {
  /** `text/cloud-config`; `text/plain` lets cloud-init look how the text begins. */
  readonly type: string
  readonly headers?: Readonly<Record<string, string>>
  readonly content: string
}

/** The same parts give the same text. One that is a message of its own, with headers, stays one. */
export function renderMultipart(parts: readonly Part[]): string {
  const bodies = parts.map(renderPart)
  const boundary = `lago-${createHash('sha256').update(bodies.join('\n')).digest('hex').slice(0, 32)}`
  return [
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    'MIME-Version: 1.0',
    '',
    ...bodies.flatMap((body) => [`--${boundary}`, body]),
    `--${boundary}--`,
    '',
  ].join('\n')
}

function renderPart({ type, headers = {}, content }: Part): string {
  if (/^(content-type|mime-version):/i.test(content)) return content
  const lines =
    Buffer.from(content)
      .toString('base64')
      .match(/.{1,76}/g) ?? []
  return [
    `Content-Type: ${type}; charset="utf-8"`,
    'Content-Transfer-Encoding: base64',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    ...lines,
  ].join('\n')
}
