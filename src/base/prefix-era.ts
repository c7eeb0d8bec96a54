/**
 * The two eras of upstream whose suites and prefixes Lago takes: in 0.x a prefix is a directory by itself, with a file
 * `.lago` as its mark; since 0.12, called 1.x, it is one of several in a workdir, with `initialized` (spec 1.8, 2.1).
 */
import { stat } from 'node:fs/promises'
import path from 'node:path'

export type Era = '0.x' | '1.x'

/** In a prefix a file. In other places it may be a workdir, or, in a home directory, the configuration of 0.x. */
export const OLD_MARKER = '.lago'

/** Of a directory that is a prefix. After `cleanup`, which takes its marks away, every one is of era 1.x. */
export async function prefixEra(prefixDir: string): Promise<Era> {
  return (await isFile(path.join(prefixDir, OLD_MARKER))) ? '0.x' : '1.x'
}

/** True for a prefix of era 0.x: the mark alone might be a configuration file. */
export async function isOldPrefix(dir: string): Promise<boolean> {
  return (await isFile(path.join(dir, OLD_MARKER))) && (await isFile(path.join(dir, 'uuid')))
}

async function isFile(filePath: string): Promise<boolean> {
  return stat(filePath).then(
    (entry) => entry.isFile(),
    () => false,
  )
}
