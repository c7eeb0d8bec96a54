/** What a guest prints, as bytes in pieces of any size, made harmless for a terminal. */
import { StringDecoder } from 'node:string_decoder'
import { createPlainFilter } from '../base/plain-text.js'

/** Takes bytes as they come, gives the text to show. */
export function createPlainText(): (chunk: Uint8Array) => string {
  const decoder = new StringDecoder('utf8')
  const filter = createPlainFilter()
  return (chunk) => filter(decoder.write(chunk))
}
