/** From an init file to a prefix: what `lago init` and the SDK's `init` have in common. */
import { realpath } from 'node:fs/promises'
import path from 'node:path'
import { isLagoError, LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { UndoStack } from '../base/undo.js'
import { keepPasswords } from '../config/secrets.js'
import type { Host } from '../prefix/host.js'
import { initPrefix } from '../prefix/init.js'
import { fileProblem, pathExpander, type PathContext } from '../prefix/named-files.js'
import { formatIssue } from '../spec/invalid.js'
import { parseInitFile, readInitFile } from '../spec/load.js'
import type { EnvSpec } from '../spec/types.js'
import * as workdirs from '../workdir/workdir.js'

/** An init file: the path of one, absolute, or what would stand in it. */
export type InitSource = { readonly path: string } | { readonly text: string }

/** Where a prefix is made: in a workdir, or, as in era 0.x, as a directory by itself. */
export type NewPlace =
  | {
      readonly era: '1.x'
      /** Absolute. */
      readonly workdir: string
      /** `current` stands for the name that a first prefix has. */
      readonly prefixName: string
      readonly setCurrent: boolean
    }
  /** Absolute. */
  | { readonly era: '0.x'; readonly prefixDir: string }

export interface NewPrefix {
  readonly source: InitSource
  readonly place: NewPlace
  /** Relative paths of the init file start here. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly bootstrap: boolean
  readonly build: boolean
  /** How long the environment is wanted; undefined: until it is destroyed. */
  readonly ttlMs?: number | undefined
}

/**
 * Gives the directory of the prefix. Everything that is wrong with the init file is told before anything is made; on
 * any later failure nothing is left, the directories around it included if they are new.
 * Throws what reading the init file and `initPrefix` throw, `LAGO_NO_WORKDIR`, `LAGO_USAGE` for the name.
 */
export async function createPrefix(task: Task, host: Host, request: NewPrefix): Promise<string> {
  const { source, place, cwd, bootstrap, build, ttlMs } = request
  const initFileDir = 'path' in source ? path.dirname(source.path) : cwd
  const vars = { ...request.env, LAGO_INITFILE_PATH: initFileDir }
  const planned = { vars, cwd, prefixDir: plannedDir(place) }
  const spec = await readSpec(task, host, source, planned)
  await using undo = new UndoStack(task)
  const prefixDir = await prepareDirs(place, undo)
  const making = initPrefix(task, host, { ...planned, prefixDir, spec, bootstrap, build, era: place.era, ttlMs })
  await (place.era === '0.x' ? inWordsOfOldEra(making) : making)
  undo.commit()
  if (place.era === '1.x') await linkCurrent(path.dirname(prefixDir), place)
  return prefixDir
}

function plannedDir(place: NewPlace): string {
  return place.era === '0.x' ? place.prefixDir : workdirs.newPrefixDir(place.workdir, nameOf(place))
}

function nameOf({ prefixName }: NewPlace & { readonly era: '1.x' }): string {
  return prefixName === workdirs.CURRENT ? workdirs.DEFAULT_PREFIX : prefixName
}

/** Gives where the prefix goes, links resolved: leases and disks name real paths, as `destroy` will. */
async function prepareDirs(place: NewPlace, undo: UndoStack): Promise<string> {
  if (place.era === '1.x') {
    await workdirs.ensureWorkdir(place.workdir, nameOf(place), undo)
    return workdirs.newPrefixDir(await realpath(place.workdir), nameOf(place))
  }
  const parent = path.dirname(place.prefixDir)
  await workdirs.ensureDirs(parent, undo)
  return path.join(await realpath(parent), path.basename(place.prefixDir))
}

async function linkCurrent(workdir: string, place: NewPlace & { readonly era: '1.x' }): Promise<void> {
  await workdirs.linkCurrentIfUnset(workdir, nameOf(place))
  if (place.setCurrent) await workdirs.setCurrent(await workdirs.readWorkdir(workdir), nameOf(place))
}

/** There are no names and no workdir in what the user has said. */
async function inWordsOfOldEra(making: Promise<void>): Promise<void> {
  await making.catch((error: unknown) => {
    if (!isLagoError(error, 'LAGO_PREFIX_EXISTS')) throw error
    const dir = String(error.data['dir'])
    throw new LagoError('LAGO_PREFIX_EXISTS', `Could not create prefix at ${dir}: it is there already`, {
      hint: `name another directory, or: lago --prefix-path ${dir} destroy`,
      data: { dir },
      cause: error,
    })
  })
}

async function readSpec(task: Task, host: Host, source: InitSource, paths: PathContext): Promise<EnvSpec> {
  const expand = pathExpander(paths)
  const knowledge = {
    vmTypes: host.vmTypes.names(),
    providers: host.providers.names(),
    services: host.services.names(),
    fileProblem: async (rawPath: string) => fileProblem(expand(rawPath)),
  }
  const name = 'path' in source ? source.path : 'spec'
  const { spec, warnings } = await ('path' in source
    ? readInitFile(name, knowledge)
    : parseInitFile(source.text, name, knowledge))
  keepPasswords(spec.domains.values())
  for (const warning of warnings) task.log('warning', formatIssue(name, warning))
  return spec
}
