/** Checking signatures as a user of the tree would: against its own public keys, and none of this host's. */
import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { pathExists } from 'fs-extra/esm'
import { fanOut } from '../../src/base/fan-out.js'
import { runCommand } from '../../src/base/process.js'
import { makeScratchDir } from '../../src/base/scratch-dir.js'
import type { Task } from '../../src/base/task.js'
import { validSigners } from './sign.js'

export interface Keyring {
  /** What is wrong with the signature; empty: nothing. Without a `filePath` it is around the text that it signs. */
  faultsOfSignature(signaturePath: string, filePath?: string): Promise<readonly string[]>
  /** Those of RPM packages, which are in them. */
  faultsOfRpms(paths: readonly string[]): Promise<readonly string[]>
}

/** `keysPath`: armoured public keys. */
export async function withKeyring<T>(task: Task, keysPath: string, body: (keyring: Keyring) => Promise<T>): Promise<T> {
  const dir = await makeScratchDir('keys')
  const gpg = ['gpg', '--homedir', dir, '--batch', '--no-autostart', '--trust-model', 'always'] as const
  const rpmkeys = ['rpmkeys', '--dbpath', path.join(dir, 'rpm')] as const
  try {
    await runCommand(task, [...gpg, '--quiet', '--import', '--', keysPath], { package: 'gnupg' })
    await runCommand(task, [...rpmkeys, '--import', keysPath], { package: 'rpm' })
    return await body({
      async faultsOfSignature(signaturePath, filePath) {
        if (!(await pathExists(signaturePath))) return [`${signaturePath} is missing`]
        const files = filePath === undefined ? [signaturePath] : [signaturePath, filePath]
        const argv = [...gpg, '--status-fd', '1', '--verify', '--', ...files] as const
        const { exitCode, stdout } = await runCommand(task, argv, { package: 'gnupg', okCodes: [0, 1, 2] })
        const isAlone = filePath === undefined || ALONE.test(await readFile(signaturePath, 'utf8'))
        const isValid = exitCode === 0 && validSigners(stdout).length > 0 && isAlone
        return isValid ? [] : [`the signature ${signaturePath} is not one of ${keysPath} for what it should sign`]
      },
      async faultsOfRpms(paths) {
        // one by one: of what is no package rpmkeys makes a part of the next one's line, or a list of other files
        const valid = await fanOut(task, paths, async (file, task) => {
          const argv = [...rpmkeys, '--define', '_pkgverify_level all', '--checksig', file] as const
          const { stdout } = await runCommand(task, argv, { package: 'rpm', okCodes: [0, 1] })
          return stdout === `${file}: digests signatures OK\n`
        })
        return paths
          .filter((_, index) => !valid[index])
          .map((file) => `${file} has no signature of ${keysPath} that holds`)
      },
    })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** One armoured signature and nothing else: gpg passes over what stands around it. */
const ALONE = /^-----BEGIN PGP SIGNATURE-----\n(?:[^-\n].*\n|\n)*-----END PGP SIGNATURE-----\n$/
