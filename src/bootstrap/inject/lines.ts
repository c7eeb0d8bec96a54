/** Texts of an image that are changed: latin1 there and back, so that bytes that are no text stay as they are. */
import type { FileOperation } from '../../disk/ext4-write/operations.js'
import type { ExistingFile } from './snapshot.js'

/** Of a text of ours, as a part of one of the image. */
export function asLatin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

export function contentOf(latin1: string): Buffer {
  return Buffer.from(latin1, 'latin1')
}

/** Without the empty one behind the last line end. */
export function linesOf(text: string): string[] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

export function joinLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}

/** A file with the mode and owner that it has; undefined: there is none. */
export function kept(path: string, file: Omit<ExistingFile, 'text'> | undefined, latin1: string): FileOperation {
  const { mode, uid, gid } = file ?? { mode: 0o644, uid: 0, gid: 0 }
  return { kind: 'file', path, content: contentOf(latin1), mode, uid, gid }
}
