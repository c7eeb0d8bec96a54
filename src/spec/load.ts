/**
 * Reads the init file, checks all of it, and gives what the user wrote as typed data; nothing else is touched.
 * Knows the vocabulary and its rules; of the host only what the caller tells.
 */
import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { isSystemError, LagoError, messageOf } from '../base/errors.js'
import { checkInitFile } from './check.js'
import { checkOnHost, type HostKnowledge } from './check-host.js'
import { convertInitFile } from './convert.js'
import { isMapping, mappingOf, type Finding, type PlainMapping } from './findings.js'
import { fileIssue, invalidInitFile } from './invalid.js'
import { copyPlainData } from './plain-data.js'
import { parseText } from './syntax.js'
import type { EnvSpec, SpecIssue } from './types.js'

export interface LoadedSpec {
  readonly spec: EnvSpec
  readonly warnings: readonly SpecIssue[]
}

/** Far above any init file, and far below a disk image given by mistake. */
const MAX_FILE_BYTES = 2 * 1024 ** 2

/**
 * `filePath` absolute; a pipe will do.
 * Throws `LAGO_SPEC_NO_FILE` when there is none, `LAGO_SPEC_INVALID` for every problem in it at once.
 */
export async function readInitFile(filePath: string, host?: HostKnowledge): Promise<LoadedSpec> {
  return parseInitFile(await readText(filePath), filePath, host)
}

/**
 * JSON or YAML (spec 3.1). `filePath` is only for messages. Without `host` nothing is looked up on it.
 * Throws `LAGO_SPEC_INVALID`: a line per problem in the message, the `SpecIssue`s in `data.issues`.
 */
export async function parseInitFile(text: string, filePath: string, host?: HostKnowledge): Promise<LoadedSpec> {
  const parsed = parseText(text, filePath)
  if (!isMapping(parsed))
    throw invalidInitFile(filePath, [fileIssue('the file is not a mapping; expected the keys domains and nets')])
  const { value: root, findings, isCut } = copyPlainData(onlyRead(parsed))
  const checked = isCut ? { domains: [], findings: [] } : checkInitFile(root)
  const onHost = host === undefined ? [] : await checkOnHost(checked.domains, host)
  const issues = await place(text, [...findings, ...checked.findings, ...onHost])
  if (issues.some(({ severity }) => severity === 'error')) throw invalidInitFile(filePath, issues)
  return { spec: convertInitFile(checked.domains, mappingOf(mappingOf(root).nets)), warnings: issues }
}

/** The values of other top-level keys are not looked at: they hold anchors (spec 3.1). */
function onlyRead(file: PlainMapping): PlainMapping {
  return Object.fromEntries(Object.entries(file).map(([key, value]) => [key, READ_KEYS.includes(key) ? value : null]))
}

const READ_KEYS = ['domains', 'nets', 'prototypes']

async function place(text: string, findings: readonly Finding[]): Promise<readonly SpecIssue[]> {
  if (findings.length === 0) return []
  const { placeFindings } = await import('./positions.js')
  return placeFindings(text, findings)
}

async function readText(filePath: string): Promise<string> {
  const bytes = await readBytes(filePath)
  const refuse = (message: string): LagoError => invalidInitFile(filePath, [fileIssue(message)])
  if (bytes.length > MAX_FILE_BYTES)
    throw refuse(`the file is larger than ${MAX_FILE_BYTES} bytes, so it is no init file`)
  if (bytes.includes(0)) throw refuse('the file is binary; expected JSON or YAML as text')
  if (!isUtf8(bytes)) throw refuse('the file is not text in UTF-8')
  return bytes.toString('utf8').replace(/^\ufeff/, '')
}

async function readBytes(filePath: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  try {
    // `end` is inclusive: one byte more than allowed tells that there is more
    for await (const chunk of createReadStream(filePath, { end: MAX_FILE_BYTES })) chunks.push(Buffer.from(chunk))
  } catch (error) {
    throw cannotRead(filePath, error)
  }
  return Buffer.concat(chunks)
}

function cannotRead(filePath: string, cause: unknown): LagoError {
  if (isSystemError(cause, 'ENOENT', 'ENOTDIR'))
    // the text is a contract: spec 1.4
    return new LagoError('LAGO_SPEC_NO_FILE', `Unable to find init file: ${filePath}`, {
      hint: 'give the path of an init file: lago init [WORKDIR] INIT_FILE',
      data: { filePath },
    })
  if (isSystemError(cause, 'EISDIR'))
    return invalidInitFile(filePath, [fileIssue('is a directory, not an init file')], cause)
  return invalidInitFile(filePath, [fileIssue(`the file cannot be read: ${messageOf(cause)}`)], cause)
}
