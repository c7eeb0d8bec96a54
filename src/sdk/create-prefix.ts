/** From an init file to a prefix in a workdir: what `lago init` and the SDK's `init` have in common. */
import { realpath } from 'node:fs/promises'
import path from 'node:path'
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

export interface NewPrefix {
  readonly source: InitSource
  /** Absolute. */
  readonly workdir: string
  /** `current` stands for the name that a first prefix has. */
  readonly prefixName: string
  /** Relative paths of the init file start here. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly bootstrap: boolean
  readonly build: boolean
  readonly setCurrent: boolean
  /** How long the environment is wanted; undefined: until it is destroyed. */
  readonly ttlMs?: number | undefined
}

/**
 * Gives the directory of the prefix. Everything that is wrong with the init file is told before anything is made; on
 * any later failure nothing is left, the workdir included if it is new.
 * Throws what reading the init file and `initPrefix` throw, `LAGO_NO_WORKDIR`, `LAGO_USAGE` for the name.
 */
export async function createPrefix(task: Task, host: Host, request: NewPrefix): Promise<string> {
  const { source, cwd, bootstrap, build, ttlMs } = request
  const name = request.prefixName === workdirs.CURRENT ? workdirs.DEFAULT_PREFIX : request.prefixName
  const initFileDir = 'path' in source ? path.dirname(source.path) : cwd
  const vars = { ...request.env, LAGO_INITFILE_PATH: initFileDir }
  const planned = { vars, cwd, prefixDir: workdirs.newPrefixDir(request.workdir, name) }
  const spec = await readSpec(task, host, source, planned)
  await using undo = new UndoStack(task)
  await workdirs.ensureWorkdir(request.workdir, name, undo)
  const workdir = await realpath(request.workdir) // leases and disks name real paths, as destroy will
  const prefixDir = workdirs.newPrefixDir(workdir, name)
  await initPrefix(task, host, { ...planned, prefixDir, spec, bootstrap, build, ttlMs })
  undo.commit()
  await workdirs.linkCurrentIfUnset(workdir, name)
  if (request.setCurrent) await workdirs.setCurrent(await workdirs.readWorkdir(workdir), name)
  return prefixDir
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
