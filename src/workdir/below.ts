/** For those who have not entered their prefix yet: the guide builds the internal repository before it does (spec 1.9). */
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { isLagoError, LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import type { Config } from '../config/types.js'
import { findPrefix, type Place } from './find.js'

/**
 * As `findPrefix`; where that finds nothing, and nobody said where to look, the only prefix of era 0.x directly below `cwd`
 * is taken, and told. Throws `LAGO_NO_PREFIX` when there are several.
 */
export async function findPrefixOrBelow(task: Task, place: Config['place'], cwd: string): Promise<Place> {
  try {
    return await findPrefix(place, cwd)
  } catch (error) {
    const isGiven = place.prefixPath !== undefined || place.workdirPath !== undefined
    if (isGiven || !isLagoError(error, 'LAGO_NO_WORKDIR')) throw error
    const [below, ...others] = await prefixesBelow(cwd)
    if (below === undefined) throw error
    if (others.length > 0) throw severalBelow(cwd, [below, ...others])
    task.log('info', `there is no environment in ${cwd}: ${below}, the only one below it, is taken`)
    return findPrefix({ ...place, prefixPath: below }, cwd)
  }
}

/** Those that `lagocli init PREFIX INIT_FILE` has made, by the mark of era 0.x: `.lago`, a file. */
async function prefixesBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => [])
  const dirs = entries.filter((entry) => entry.isDirectory()).map((entry) => path.join(dir, entry.name))
  const areMarked = await Promise.all(dirs.map(async (candidate) => isFile(path.join(candidate, '.lago'))))
  return dirs.filter((_, index) => areMarked[index]).sort()
}

async function isFile(filePath: string): Promise<boolean> {
  return stat(filePath).then(
    (entry) => entry.isFile(),
    () => false,
  )
}

function severalBelow(dir: string, prefixes: readonly string[]): LagoError {
  const names = prefixes.map((prefix) => path.basename(prefix))
  return new LagoError(
    'LAGO_NO_PREFIX',
    `there is no environment in ${dir}, and several below it: ${names.join(', ')}`,
    {
      hint: 'enter one of them, or pass --prefix-path',
      data: { dir, prefixes },
    },
  )
}
