import path from 'node:path'
import { explainSystemError } from '../base/errors.js'
import type { CommandContext } from '../plugin/command.js'
import { findPrefixOrBelow } from '../workdir/below.js'
import { findPrefix, type Place } from '../workdir/find.js'
import { createEnv } from './env.js'
import { openForProgram } from './opened.js'
import type { LoadOptions } from './options.js'
import { openSession, sessionOfVerb, type Session } from './session.js'
import type { Env } from './types.js'

/** See `loadEnv`. */
export async function loadExistingEnv(options: LoadOptions): Promise<Env> {
  const session = openSession(options)
  const { config, surroundings } = session
  const { cwd } = surroundings
  const given = options.prefixPath === undefined ? {} : { prefixPath: path.resolve(cwd, options.prefixPath) }
  return loadWith(session, async () => findPrefix({ ...config.place, ...given }, cwd))
}

/** See `envOfVerb`. */
export async function loadEnvOfVerb(context: CommandContext): Promise<Env> {
  const { task, config, cwd } = context
  return loadWith(sessionOfVerb(context), async () => findPrefixOrBelow(task, config.place, cwd))
}

/** Ends the session when there is no environment to be had. Throws as `loadEnv`. */
async function loadWith(session: Session, find: () => Promise<Place>): Promise<Env> {
  try {
    const { prefixDir, givenPath, workdir } = await find()
    const opened = await openForProgram(session, prefixDir)
    return createEnv(opened, { givenPath, workdir: workdir?.dir ?? path.dirname(prefixDir), isOurs: false })
  } catch (error) {
    await session[Symbol.asyncDispose]()
    throw explainSystemError(error)
  }
}
