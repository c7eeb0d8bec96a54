/**
 * What tells a file on a server from an older or a newer one, so that the rest of a file is taken from the same one
 * (RFC 9110, 8.8 and 13.1.5; ranges: 14).
 */
import type { IncomingHttpHeaders } from 'node:http'
import { plainLine } from '../../base/plain-text.js'
import type { Answer } from './answer.js'
import { DownloadFailure } from './failure.js'

export interface FileVersion {
  /** Strong or weak, as it came. */
  readonly etag: string | undefined
  /** As it came; undefined also when it is too close to the moment of the answer to tell two changes apart. */
  readonly lastModified: string | undefined
  /** Of the whole file. */
  readonly sizeBytes: number | undefined
}

/** From the head of a whole answer (200). */
export function versionOf(headers: IncomingHttpHeaders): FileVersion {
  return { etag: headers.etag, lastModified: settledTimeOf(headers), sizeBytes: lengthOf(headers) }
}

function lengthOf(headers: IncomingHttpHeaders): number | undefined {
  const length = headers['content-length']
  return length === undefined ? undefined : Number(length) // Node's parser lets digits pass only
}

function settledTimeOf(headers: IncomingHttpHeaders): string | undefined {
  const modified = headers['last-modified']
  const [changedAt, answeredAt] = [Date.parse(modified ?? ''), Date.parse(headers.date ?? '')]
  return answeredAt - changedAt >= 1000 ? modified : undefined
}

/** Undefined: the server gives nothing to know the file by, so that it cannot be taken up again. */
export function headersForRest(version: FileVersion, fromByte: number): Readonly<Record<string, string>> | undefined {
  const validator = strongEtagOf(version) ?? version.lastModified
  return validator === undefined ? undefined : { range: `bytes=${fromByte}-`, 'if-range': validator }
}

function strongEtagOf({ etag }: FileVersion): string | undefined {
  return etag?.startsWith('"') ? etag : undefined
}

/**
 * Throws a `DownloadFailure` unless `answer` (200, 206 or 416) is that very file, whole (200) or from `fromByte` on. Gives
 * what is known of it now: the first answer may not have had its size.
 */
export function checkRest({ status, headers }: Answer, version: FileVersion, fromByte: number): FileVersion {
  if (status === 416) throw changed(`it has nothing from byte ${fromByte} on`)
  const range = status === 206 ? rangeOf(headers) : undefined
  const total = range === undefined ? lengthOf(headers) : range.total
  checkSame(headers, version)
  if (differs(total, version.sizeBytes)) throw changed(`it had ${version.sizeBytes} bytes and has ${total}`)
  if (range === undefined) {
    const isKnown =
      strongEtagOf(version) !== undefined || (headers['last-modified'] !== undefined && total !== undefined)
    if (!isKnown)
      throw cannotResume('the server gave a whole file where a part was asked for, and no ETag or date with it')
    return { ...version, sizeBytes: version.sizeBytes ?? total }
  }
  const { first, last } = range
  if (first !== fromByte) throw cannotResume(`the server began with byte ${first} where byte ${fromByte} was asked for`)
  const length = lengthOf(headers)
  if (differs(length, last - first + 1))
    throw cannotResume(`the server says that bytes ${first} to ${last} are ${length} bytes`)
  return { ...version, sizeBytes: version.sizeBytes ?? total }
}

interface ByteRange {
  readonly first: number
  /** Inclusive. */
  readonly last: number
  readonly total: number | undefined
}

function rangeOf(headers: IncomingHttpHeaders): ByteRange {
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? []
  if (first === undefined) throw cannotResume('the server gave a part without saying which')
  return { first: Number(first), last: Number(last), total: total === '*' ? undefined : Number(total) }
}

/** An answer to `If-Range` must have its ETag, but may leave out the time (RFC 9110, 15.3.7). */
function checkSame({ etag, 'last-modified': lastModified }: IncomingHttpHeaders, version: FileVersion): void {
  const known = strongEtagOf(version)
  if (known !== undefined) {
    if (etag?.replace(/^W\//, '') !== known) throw changed(`its ETag was ${shown(known)} and is ${shown(etag)}`)
  } else if (differs(lastModified, version.lastModified))
    throw changed(`it was of ${shown(version.lastModified)} and is of ${shown(lastModified)}`)
}

function shown(value: string | undefined): string {
  return value === undefined ? 'none' : plainLine(value, 80)
}

/** False when one of the two is not known. */
function differs<T>(now: T | undefined, then: T | undefined): boolean {
  return now !== undefined && then !== undefined && now !== then
}

/** For a file that is another one than the one that was begun. */
export function changed(how: string): DownloadFailure {
  return new DownloadFailure('changed', `the file has changed on the server: ${how}`, {
    hint: 'run it again: it then begins with the new file',
    isFinal: true,
  })
}

/** For why a part that cannot be had is not had. */
export function cannotResume(why: string): DownloadFailure {
  return new DownloadFailure('changed', `the download cannot be taken up again: ${why}`, {
    hint: 'run it again; a server that knows ranges and ETags could have gone on',
    isFinal: true,
  })
}
