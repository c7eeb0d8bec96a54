/** Checking signatures as a user of the tree would: against its own public keys, and none of this host's. */
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { pathExists } from 'fs-extra/esm'
import { fanOut } from '../../src/base/fan-out.js'
import { isLagoError, LagoError } from '../../src/base/errors.js'
import { runCommand } from '../../src/base/process.js'
import { makeScratchDir } from '../../src/base/scratch-dir.js'
import type { Task } from '../../src/base/task.js'
import { checkSignature } from './sign.js'

export interface Keyring {
  /** What is wrong with the signature; empty: nothing. Without a `filePath` it is around the text that it signs. */
  faultsOfSignature(signaturePath: string, filePath?: string): Promise<readonly string[]>
  /** Those of RPM packages, which are in them. */
  faultsOfRpms(paths: readonly string[]): Promise<readonly string[]>
}

/** `keysPath`: armoured public keys. Throws `LAGO_SIGNING_KEY` when something else is in the file. */
export async function withKeyring<T>(task: Task, keysPath: string, body: (keyring: Keyring) => Promise<T>): Promise<T> {
  const dir = await makeScratchDir('keys')
  const ownHome = ['--homedir', dir, '--no-autostart', '--trust-model', 'always']
  const rpmkeys = ['rpmkeys', '--dbpath', path.join(dir, 'rpm')] as const
  try {
    await importKeys(task, ['gpg', '--batch', ...ownHome, '--quiet', '--import', '--', keysPath], 'gnupg')
    await importKeys(task, [...rpmkeys, '--import', keysPath], 'rpm')
    return await body({
      async faultsOfSignature(signaturePath, filePath) {
        if (!(await pathExists(signaturePath))) return [`${signaturePath} is missing`]
        const files = filePath === undefined ? [signaturePath] : [signaturePath, filePath]
        const answer = await checkSignature(task, files, ownHome)
        return 'problem' in answer ? [`the signature ${signaturePath} ${answer.problem}`] : []
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

async function importKeys(task: Task, argv: readonly [string, ...string[]], name: string): Promise<void> {
  await runCommand(task, argv, { package: name }).catch((error: unknown) => {
    if (!isLagoError(error, 'LAGO_COMMAND_FAILED')) throw error
    const keysPath = argv.at(-1) ?? ''
    throw new LagoError('LAGO_SIGNING_KEY', `${keysPath} holds no public keys, or not them alone`, {
      hint: `gpg --armor --export KEY > ${keysPath}`,
      cause: error,
    })
  })
}
