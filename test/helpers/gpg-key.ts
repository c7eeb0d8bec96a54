/** Real keys of gpg in a home of their own, which the code under test finds by GNUPGHOME. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach } from '@jest/globals'

export interface GpgHome {
  /** Absolute; also in `process.env`. */
  readonly dir: string
  /** A new key without a passphrase; gives its fingerprint. `args` stand before the command. */
  makeKey(user: string, options?: { readonly expires?: string; readonly args?: readonly string[] }): string
  gpg(...args: readonly string[]): string
  /** By the certificate that gpg made with the key. */
  revoke(fingerprint: string): void
}

/** Call at the top of a test file: each test has a home of its own, whose agent ends with it. */
export function useGpgHome(): () => GpgHome {
  let dir: string | undefined
  const before = process.env['GNUPGHOME']
  beforeEach(() => {
    dir = mkdtempSync(path.join(os.tmpdir(), 'lago-gpg-')) // sockets are in it: their paths are to be short
    process.env['GNUPGHOME'] = dir
  })
  afterEach(() => {
    if (dir !== undefined) execFileSync('gpgconf', ['--kill', 'all'], { env: homeEnv(dir) })
    if (before === undefined) delete process.env['GNUPGHOME']
    else process.env['GNUPGHOME'] = before
    if (dir !== undefined) rmSync(dir, { recursive: true, force: true })
  })
  return () => {
    if (dir === undefined) throw new Error('no test is running')
    const home = dir
    const gpg = (...args: readonly string[]): string =>
      execFileSync('gpg', ['--batch', ...args], {
        env: homeEnv(home),
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      })
    return {
      dir,
      gpg,
      makeKey(user, { expires = 'never', args = [] } = {}) {
        gpg(...args, '--passphrase', '', '--quick-generate-key', user, 'ed25519', 'sign', expires)
        const listed = gpg('--with-colons', '--list-keys', `=${user}`)
        const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(listed)?.[1]
        if (fingerprint === undefined) throw new Error(`gpg made no key: ${listed}`)
        return fingerprint
      },
      revoke(fingerprint) {
        const certificatePath = path.join(home, `openpgp-revocs.d/${fingerprint}.rev`)
        writeFileSync(certificatePath, readFileSync(certificatePath, 'utf8').replace(':-----BEGIN', '-----BEGIN'))
        gpg('--import', certificatePath)
      },
    }
  }
}

/** Always given: jest's `process.env` is not that of programs that are started without one. */
function homeEnv(dir: string): NodeJS.ProcessEnv {
  return { ...process.env, GNUPGHOME: dir }
}
