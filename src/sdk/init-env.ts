import path from 'node:path'
import { explainSystemError } from '../base/errors.js'
import { createPrefix, type InitSource } from './create-prefix.js'
import { createEnv } from './env.js'
import { openForProgram } from './opened.js'
import type { InitOptions } from './options.js'
import { openSession } from './session.js'
import type { Env } from './types.js'

/** See `init`. */
export async function initEnv(options: InitOptions): Promise<Env> {
  const session = openSession(options)
  try {
    const { config, surroundings, task } = session
    const { cwd, env } = surroundings
    const dir = await createPrefix(task, await session.host(), {
      source: sourceOf(options, cwd),
      place: {
        era: '1.x',
        workdir: path.resolve(cwd, config.place.workdirPath ?? '.lago'),
        prefixName: config.place.prefixName,
        setCurrent: options.setCurrent === true,
      },
      cwd,
      env,
      bootstrap: options.skipBootstrap !== true,
      build: options.skipBuild !== true,
      ttlMs: options.ttlMs,
    })
    const opened = await openForProgram(session, dir)
    return createEnv(opened, { givenPath: dir, workdir: path.dirname(dir), isOurs: true })
  } catch (error) {
    await session[Symbol.asyncDispose]() // what libvirt and the log still have to do is done before this is told
    throw explainSystemError(error)
  }
}

function sourceOf({ initFile, spec }: InitOptions, cwd: string): InitSource {
  if (typeof spec === 'string') return { text: spec }
  if (spec !== undefined) return { text: JSON.stringify(spec) }
  return { path: path.resolve(cwd, initFile ?? 'LagoInitFile') }
}
