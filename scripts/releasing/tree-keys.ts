/** `TREE/lago.asc`: the public keys by which users check what is in the tree. */
import path from 'node:path'
import { readFile } from 'node:fs/promises'
import { pathExists } from 'fs-extra/esm'
import { LagoError } from '../../src/base/errors.js'
import { writeFileAtomic } from '../../src/base/files.js'
import type { Task } from '../../src/base/task.js'
import { stableDir, unstableDir } from './layout.js'
import { namesIn } from './package-files.js'
import { exportKey, fingerprintsIn, type SigningKey } from './sign.js'
import { SUMS } from './sums.js'
import { majorsIn, TREE_KEYS } from './tree.js'

/**
 * Sees to it that `lago.asc` has the key; one that is alone there is renewed, as when its end was put off. Among several it
 * stays as it is. Throws `LAGO_SIGNING_KEY` when other keys are there: users would not believe this one.
 */
export async function ensureTreeKey(task: Task, treeDir: string, key: SigningKey): Promise<void> {
  const keysPath = path.join(treeDir, TREE_KEYS)
  const exported = await exportKey(task, key)
  const known = (await pathExists(keysPath)) ? await fingerprintsIn(task, keysPath) : [key.fingerprint]
  if (!known.includes(key.fingerprint))
    throw new LagoError(
      'LAGO_SIGNING_KEY',
      `the tree ${treeDir} is signed with ${known.join(', ') || 'keys that cannot be read'}, and not with ${key.fingerprint}`,
      {
        hint: `sign with that key; or export both public keys into ${keysPath}, and tell the users`,
        data: { key: key.fingerprint, known },
      },
    )
  if (known.length === 1 && (await readFile(keysPath, 'utf8').catch(() => undefined)) !== exported)
    await writeFileAtomic(keysPath, exported)
}

/**
 * Throws `LAGO_RELEASE_UNSIGNED` when the tree has keys or signatures, and there is no key to sign with: what users are told
 * to check would not be signed.
 */
export async function requireKeyOf(treeDir: string, key: SigningKey | undefined): Promise<void> {
  if (key !== undefined) return
  if (!(await pathExists(path.join(treeDir, TREE_KEYS))) && (await findSignature(treeDir)) === undefined) return
  throw new LagoError('LAGO_RELEASE_UNSIGNED', `the tree ${treeDir} is signed, and no key was given`, {
    hint: 'give the key by --key or LAGO_RELEASE_KEY',
    data: { dir: treeDir },
  })
}

/** A signature of `stable` or of a snapshot, absolute; undefined: nothing in the tree is signed. */
export async function findSignature(treeDir: string): Promise<string | undefined> {
  const dirs = (await majorsIn(treeDir, 'stable')).map((major) => stableDir(treeDir, major))
  for (const major of await majorsIn(treeDir, 'unstable')) {
    const parent = unstableDir(treeDir, major)
    dirs.push(...(await namesIn(parent)).map((name) => path.join(parent, name)))
  }
  for (const dir of dirs) if (await pathExists(path.join(dir, `${SUMS}.asc`))) return path.join(dir, `${SUMS}.asc`)
  return undefined
}
