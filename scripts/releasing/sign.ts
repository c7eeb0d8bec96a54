/** Signing with a key of the caller's own gpg: its home is the caller's, and a passphrase is between gpg's agent and the user. */
import { readFile } from 'node:fs/promises'
import { endWithParent } from '../../src/base/end-with-us.js'
import { LagoError, messageOf } from '../../src/base/errors.js'
import { lastLines } from '../../src/base/plain-text.js'
import { findProgram, runCommand } from '../../src/base/process.js'
import type { Task } from '../../src/base/task.js'

export interface SigningKey {
  /** Of the primary key: 40 hex digits, upper case. */
  readonly fingerprint: string
}

const GPG = ['gpg', '--batch'] as const
const PACKAGE = { package: 'gnupg' }

/**
 * The key that gpg knows as `name` (key id, fingerprint or address), tried out. Throws `LAGO_SIGNING_KEY` when it is not there
 * or ambiguous, when its secret part is missing, when it has expired or was revoked, and when gpg will not sign with it.
 */
export async function findSigningKey(task: Task, name: string): Promise<SigningKey> {
  const listed = await listKeys(task, '--list-secret-keys', name)
  const keys = keysIn(listed)
  const [key] = keys
  if (key === undefined) {
    const isPublic = keysIn(await listKeys(task, '--list-keys', name)).length > 0
    throw unusable(name, isPublic ? 'gpg has its public part alone' : 'gpg does not know it')
  }
  if (keys.length > 1) throw unusable(name, `it may be any of ${keys.map(({ fingerprint }) => fingerprint).join(', ')}`)
  const problem = problemOf(key)
  if (problem !== undefined) throw unusable(name, problem)
  const signing = { fingerprint: key.fingerprint }
  await runGpg(task, [...signArgs(signing), '--detach-sign'], '').catch((error: unknown) => {
    if (!(error instanceof LagoError) || error.code !== 'LAGO_COMMAND_FAILED') throw error
    const said = lastLines(String(error.data['stderr'] ?? messageOf(error)), 1).join('')
    throw unusable(name, `gpg does not sign with it: ${said}`, { cause: error, hint: LOCKED_HINT })
  })
  return signing
}

const LOCKED_HINT =
  'when it has a passphrase, and nobody is there to type it, give it to gpg-agent first: gpg-preset-passphrase(1)'

interface ListedKey {
  readonly fingerprint: string
  /** Primary key and subkeys. */
  readonly parts: readonly KeyPart[]
}

interface KeyPart {
  readonly validity: string
  readonly capabilities: string
  readonly isHere: boolean
  /** Infinity: never. */
  readonly endsAtMs: number
}

async function listKeys(task: Task, list: string, name: string): Promise<string> {
  const { stdout } = await runCommand(task, [...GPG, '--with-colons', list, '--', name], {
    ...PACKAGE,
    okCodes: [0, 2],
  })
  return stdout
}

/** gnupg/doc/DETAILS, 2.2.40: fields 2 (validity), 7 (end), 12 (capabilities) and 15 (`#`: the secret part is elsewhere). */
function keysIn(listing: string): readonly ListedKey[] {
  const keys: { fingerprint: string; parts: KeyPart[] }[] = []
  for (const fields of listing.split('\n').map((line) => line.split(':'))) {
    const [kind = '', validity = ''] = fields
    if (kind === 'sec' || kind === 'pub') keys.push({ fingerprint: '', parts: [] })
    const key = keys.at(-1)
    if (key === undefined) continue
    if (/^(sec|ssb|pub|sub)$/.test(kind))
      key.parts.push({
        validity,
        capabilities: fields[11] ?? '',
        isHere: fields[14] !== '#',
        endsAtMs: Number(fields[6] || Infinity) * 1000,
      })
    if (kind === 'fpr' && key.fingerprint === '') key.fingerprint = fields[9] ?? ''
  }
  return keys
}

function problemOf({ parts }: ListedKey): string | undefined {
  const signing = parts.filter(({ capabilities }) => capabilities.includes('s'))
  if (signing.length === 0) return 'it is not for signing'
  if (signing.some(({ validity, isHere }) => isHere && !/[eridn]/.test(validity))) return undefined
  if (signing.every(({ isHere }) => !isHere)) return 'its secret part is not here'
  if (signing.some(({ validity }) => validity === 'e')) return 'it has expired'
  return signing.some(({ validity }) => validity === 'r') ? 'it was revoked' : 'gpg holds it for invalid'
}

function unusable(
  name: string,
  found: string,
  { cause, hint = KEYS_HINT }: { readonly cause?: unknown; readonly hint?: string } = {},
): LagoError {
  return new LagoError('LAGO_SIGNING_KEY', `cannot sign with the key "${name}": ${found}`, {
    hint,
    data: { key: name },
    cause,
  })
}

const KEYS_HINT = '`gpg --list-secret-keys` shows the keys that can be given to --key; leave it out to sign nothing'

/** Puts the signature into the files, in the place of any that they have. */
export async function signRpms(task: Task, { fingerprint }: SigningKey, paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return
  const gpg = (await findProgram('gpg')) ?? 'gpg' // rpm's own default is a gpg2 that is not everywhere
  const macros = [`_gpg_name ${fingerprint}`, `__gpg ${gpg}`, '_gpg_sign_cmd_extra_args --batch']
  const defines = macros.flatMap((macro) => ['--define', macro])
  await runCommand(task, ['rpmsign', ...defines, '--addsign', ...paths], {
    package: 'rpm, under Fedora rpm-sign',
    guard: await endWithParent(task), // it would go on in a directory that the next run clears
  })
}

/** An armoured signature of a file, to stand beside it. */
export async function signDetached(task: Task, key: SigningKey, filePath: string): Promise<string> {
  return runGpg(task, [...signArgs(key), '--armor', '--detach-sign', '--output', '-', '--', filePath])
}

/** The text with a signature around it. */
export async function signClear(task: Task, key: SigningKey, text: string): Promise<string> {
  return runGpg(task, [...signArgs(key), '--clear-sign'], text)
}

function signArgs({ fingerprint }: SigningKey): readonly string[] {
  return ['--local-user', fingerprint, '--digest-algo', 'SHA256']
}

/** True when the signature holds and is of this key. Without a `signaturePath` it is around the text of the file. */
export async function isSignedBy(
  task: Task,
  { fingerprint }: SigningKey,
  filePath: string,
  signaturePath?: string,
): Promise<boolean> {
  const files = signaturePath === undefined ? [filePath] : [signaturePath, filePath]
  const answer = await checkSignature(task, files)
  return 'signers' in answer && answer.signers.includes(fingerprint)
}

/**
 * Fingerprints of the primary keys whose signatures hold, and that are good today; or what is wrong. `files`: that with the
 * signature first. gnupg/doc/DETAILS, 2.2.40: GOODSIG, VALIDSIG (its last field), EXPKEYSIG, REVKEYSIG.
 */
export async function checkSignature(
  task: Task,
  files: readonly string[],
  args: readonly string[] = [],
): Promise<{ readonly signers: readonly string[] } | { readonly problem: string }> {
  const argv = [...GPG, ...args, '--status-fd', '1', '--verify', '--', ...files] as const
  const { exitCode, stdout: status } = await runCommand(task, argv, { ...PACKAGE, okCodes: [0, 1, 2] })
  const good = status.split('[GNUPG:] NEWSIG').filter((one) => one.includes('\n[GNUPG:] GOODSIG '))
  const signers = good.flatMap((one) => /^\[GNUPG:\] VALIDSIG .* ([0-9A-F]{40})$/m.exec(one)?.[1] ?? [])
  if (exitCode === 0 && signers.length > 0) {
    const isAlone = files.length === 1 || ALONE.test(await readFile(files[0] ?? '', 'utf8'))
    return isAlone ? { signers } : { problem: 'has something beside it' }
  }
  if (status.includes('\n[GNUPG:] REVKEYSIG ') || status.includes('\n[GNUPG:] KEYREVOKED'))
    return { problem: 'is of a key that was revoked' }
  if (status.includes('\n[GNUPG:] EXPKEYSIG ')) return { problem: 'is of a key that has expired' }
  return { problem: 'is not one of a key that is known for what it should sign' }
}

/** One armoured signature and nothing else: gpg passes over what stands around it. */
const ALONE = /^-----BEGIN PGP SIGNATURE-----\n(?:[^-\n].*\n|\n)*-----END PGP SIGNATURE-----\n$/

/** Whether it is the text with a signature around it, as `signClear` makes it, and nothing else. */
export function isClearSigned(signed: string, text: string): boolean {
  const head = /^-----BEGIN PGP SIGNED MESSAGE-----\n(?:Hash: .*\n)*\n/.exec(signed)?.[0]
  if (head === undefined || !signed.startsWith(text, head.length)) return false
  return ALONE.test(signed.slice(head.length + text.length))
}

/** The public key, armoured. */
export async function exportKey(task: Task, { fingerprint }: SigningKey): Promise<string> {
  return runGpg(task, ['--armor', '--export-options', 'export-minimal', '--export', fingerprint])
}

/** Fingerprints of the keys in an armoured file, without a keyring. */
export async function fingerprintsIn(task: Task, keysPath: string): Promise<readonly string[]> {
  return (await readKeys(task, keysPath)).map(({ fingerprint }) => fingerprint)
}

/** What is to be said of the keys in an armoured file: one is of no use today, or will not be in a month. */
export async function warningsOfKeys(task: Task, keysPath: string): Promise<readonly string[]> {
  return (await readKeys(task, keysPath)).flatMap((key) => {
    const [problem, endsAtMs] = [problemOf(key), endOf(key)]
    if (problem !== undefined) return [`the key ${key.fingerprint}: ${problem}`]
    if (endsAtMs - Date.now() > MONTH_MS) return []
    const day = new Date(endsAtMs).toISOString().slice(0, 10)
    return [`the key ${key.fingerprint} ends on ${day}: put that off, and sign with it again`]
  })
}

const MONTH_MS = 30 * 24 * 60 * 60 * 1000

/** When nothing can be signed with it any more. */
function endOf({ parts: [primary, ...subkeys] }: ListedKey): number {
  const signing = [primary, ...subkeys].flatMap((part) => (part?.capabilities.includes('s') ? [part.endsAtMs] : []))
  return Math.min(primary?.endsAtMs ?? 0, Math.max(...signing))
}

async function readKeys(task: Task, keysPath: string): Promise<readonly ListedKey[]> {
  const argv = [...GPG, '--with-colons', '--show-keys'] as const
  const input = await readFile(keysPath, 'utf8')
  const { stdout } = await runCommand(task, argv, { ...PACKAGE, input, okCodes: [0, 2] })
  return keysIn(stdout)
}

async function runGpg(task: Task, args: readonly string[], input?: string): Promise<string> {
  const options = { ...PACKAGE, guard: await endWithParent(task), ...(input === undefined ? {} : { input }) }
  return (await runCommand(task, [...GPG, ...args], options)).stdout
}
