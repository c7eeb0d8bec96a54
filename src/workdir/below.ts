/** For those who have not entered their prefix yet: the guide builds the internal repository before it does (spec 1.9). */
import path from 'node:path'
import { isLagoError, LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import type { Config } from '../config/types.js'
import { findPrefix, oldPrefixesBelow, type Place } from './find.js'

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
    const [below, ...others] = await oldPrefixesBelow(cwd)
    if (below === undefined) throw error
    if (others.length > 0) throw severalBelow(cwd, [below, ...others])
    task.log('info', `there is no environment in ${cwd}: ${path.join(cwd, below)}, the only one below it, is taken`)
    return findPrefix({ ...place, prefixPath: path.join(cwd, below) }, cwd)
  }
}

function severalBelow(dir: string, prefixes: readonly string[]): LagoError {
  return new LagoError(
    'LAGO_NO_PREFIX',
    `there is no environment in ${dir}, and several below it: ${prefixes.join(', ')}`,
    {
      hint: 'enter one of them, or pass --prefix-path',
      data: { dir, prefixes },
    },
  )
}
