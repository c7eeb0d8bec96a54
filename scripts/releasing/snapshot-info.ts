/** `snapshot.json`, and which snapshots a tree has. */
import { readFile, readlink } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { isLagoError, isSystemError, LagoError } from '../../src/base/errors.js'
import type { Task } from '../../src/base/task.js'
import { compareVersions } from '../../src/rpm/evr.js'
import { scriptCommand } from '../script-path.js'
import { isReleaseNumber, isVersion } from '../versioning/version-form.js'
import { latestLink, SNAPSHOT_INFO, snapshotName, unstableDir } from './layout.js'
import { namesIn } from './package-files.js'
import type { SnapshotInfo } from './types.js'

const version = z.string().refine(isVersion)
const hash = z.string().regex(/^[0-9a-f]{40,64}$/)
const inside = z.string().regex(/^(?!.*\.\.)[^/].*$/)

/** What a release has from its snapshot. */
export const RELEASED_FIELDS = {
  version,
  release: z.string().refine(isReleaseNumber),
  commit: hash,
  notes: z.string(),
  isSigned: z.boolean(),
  files: z.array(z.object({ path: inside, sizeBytes: z.number(), sha256: z.string().regex(/^[0-9a-f]{64}$/) })),
}

const snapshotInfo = z.object({
  format: z.literal(1),
  ...RELEASED_FIELDS,
  pipeline: z.number().int().nonnegative(),
  builtAt: z.iso.datetime(),
  base: z.object({ version, commit: hash, committedAt: z.iso.datetime() }),
  changes: z.array(
    z.object({
      commit: hash,
      version,
      subject: z.string(),
      kind: z.enum(['breaking', 'feature', 'patch']),
      bugs: z.array(z.string()),
    }),
  ),
})

/** Throws `LAGO_SNAPSHOT` when there is no snapshot in `dir` (absolute), or when what it tells of itself cannot be understood. */
export async function readSnapshot(dir: string): Promise<SnapshotInfo> {
  const filePath = path.join(dir, SNAPSHOT_INFO)
  const text = await readFile(filePath, 'utf8').catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) throw noSnapshot(`there is no snapshot in ${dir}`, error)
    throw error
  })
  try {
    return snapshotInfo.parse(JSON.parse(text))
  } catch (error) {
    throw noSnapshot(`${filePath} cannot be understood`, error)
  }
}

export interface Snapshot {
  /** Of its directory. */
  readonly name: string
  readonly dir: string
  readonly info: SnapshotInfo
}

/** Those of one major that say what they are, the newest first; others are told as warnings. */
export async function snapshotsOf(task: Task, treeDir: string, major: number): Promise<readonly Snapshot[]> {
  const parent = unstableDir(treeDir, major)
  const snapshots: Snapshot[] = []
  for (const name of (await namesIn(parent)).filter((name) => isSnapshotName(name, major))) {
    const dir = path.join(parent, name)
    try {
      snapshots.push({ name, dir, info: await readSnapshot(dir) })
    } catch (error) {
      if (!isLagoError(error, 'LAGO_SNAPSHOT')) throw error
      task.log('warning', `${error.message}: remove ${dir} by hand if nobody needs it`)
    }
  }
  return snapshots.sort((a, b) => compareSnapshots(b.info, a.info))
}

export function isSnapshotName(name: string, major: number): boolean {
  const pipeline = /_pipeline_(\d+)$/.exec(name)?.[1]
  return pipeline !== undefined && name === snapshotName(major, Number(pipeline))
}

/** Negative when `a` is older: by version, and of one version by pipeline, which one server counts and another begins anew. */
export function compareSnapshots(a: SnapshotInfo, b: SnapshotInfo): number {
  return compareVersions(a.version, b.version) || a.pipeline - b.pipeline
}

/**
 * The name that `latest` leads to, whether that is there or not; undefined: there is no such link. Throws `LAGO_RELEASE_TREE`
 * when it is something else, as after a copy by a program that does not know links.
 */
export async function latestName(treeDir: string, major: number): Promise<string | undefined> {
  const link = latestLink(treeDir, major)
  try {
    const target = await readlink(link)
    const targetPath = path.resolve(path.dirname(link), target)
    return path.dirname(targetPath) === path.dirname(link) ? path.basename(targetPath) : target
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    if (!isSystemError(error, 'EINVAL')) throw error
    throw new LagoError('LAGO_RELEASE_TREE', `${link} is no symbolic link`, {
      hint: `move it away, and make the link: ln -s ${snapshotName(major, 17)} ${link}`,
      cause: error,
    })
  }
}

function noSnapshot(message: string, cause: unknown): LagoError {
  return new LagoError('LAGO_SNAPSHOT', message, {
    hint: `name another snapshot; \`${scriptCommand('release')} verify\` says what else is wrong with the tree`,
    cause,
  })
}
