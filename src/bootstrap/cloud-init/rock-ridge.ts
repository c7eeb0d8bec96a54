/**
 * Rock Ridge: what Linux reads of a file on an ISO 9660 image instead of the standard's own names and rights (System Use
 * Sharing Protocol and Rock Ridge Interchange Protocol, 1.10).
 */
import { both32 } from './iso-fields.js'

/** Seen first: tells that the entries are there, and what they mean. */
export function rootEntries(): Buffer {
  const identifier = 'RRIP_1991A'
  const lengths = Buffer.from([identifier.length, 0, 0, 1])
  return inPairs([
    entry('SP', Buffer.from([0xbe, 0xef, 0])),
    rights(DIRECTORY_MODE, 2),
    entry('ER', Buffer.concat([lengths, Buffer.from(identifier)])),
  ])
}

export function parentEntries(): Buffer {
  return inPairs([rights(DIRECTORY_MODE, 2)])
}

export function fileEntries(name: string): Buffer {
  return inPairs([rights(FILE_MODE, 1), entry('NM', Buffer.concat([Buffer.alloc(1), Buffer.from(name)]))])
}

// sys/stat.h, POSIX: S_IFDIR, S_IFREG
const DIRECTORY_MODE = 0o040555
const FILE_MODE = 0o100400

function rights(mode: number, links: number): Buffer {
  const [user, group] = [0, 0]
  return entry('PX', Buffer.concat([mode, links, user, group].map(both32)))
}

function entry(signature: string, content: Buffer): Buffer {
  const version = 1
  return Buffer.concat([Buffer.from(signature), Buffer.from([4 + content.length, version]), content])
}

/** As a directory record has room for. */
function inPairs(entries: readonly Buffer[]): Buffer {
  const all = Buffer.concat(entries)
  return Buffer.concat([all, Buffer.alloc(all.length % 2)])
}
