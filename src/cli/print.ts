/** Writing to a stream to the end. */
import type { Writable } from 'node:stream'

/** Resolves when the text is on its way; a reader that has gone (`lago status | head -1`) is no error. */
export async function printTo(stream: Writable, text: string): Promise<void> {
  if (text === '') return
  await new Promise<void>((resolve) => stream.write(text, () => resolve()))
}
