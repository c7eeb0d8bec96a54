/**
 * Making a snapshot a release: its packages come to `stable/X.0` beside those that are there. Each step may be done again, and
 * `release.json` is written last, so that a run that was ended is finished by the next.
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { LagoError } from '../../src/base/errors.js'
import { writeFileAtomic } from '../../src/base/files.js'
import { runCommand } from '../../src/base/process.js'
import type { Task } from '../../src/base/task.js'
import { findSnapshot } from './find-snapshot.js'
import { refreshIndexes } from './indexes.js'
import { hasAll, packagesOfNoRelease } from './interrupted.js'
import { CHANGELOG, majorOf, stableChangelog, stableDir } from './layout.js'
import { addFiles, requireIntact } from './package-files.js'
import { promotionRules, releasedAs, type RuleAnswer } from './promotion-rules.js'
import { readAllReleases, readReleases, releasesText, writeReleases } from './release-info.js'
import { writeAllRepoFiles } from './repo-files.js'
import { findSigningKey, isSignedBy, type SigningKey } from './sign.js'
import { snapshotsOf, type Snapshot } from './snapshot-info.js'
import { SUMS, writeSums } from './sums.js'
import { makeTreeDirs } from './tree-dirs.js'
import { ensureTreeKey, requireKeyOf } from './tree-keys.js'
import { readTree, withTree } from './tree.js'
import type { Release, ReleaseInfo, SnapshotInfo } from './types.js'

export interface PromoteOptions {
  /** Absolute. */
  readonly treeDir: string
  /** Name of its directory or number of its pipeline; default: what `latest` of the newest X.0 leads to. */
  readonly snapshot?: string | undefined
  readonly afterDays: number
  readonly nowMs: number
}

export interface PromotionPlan {
  readonly snapshot: Snapshot
  /** What it is in stable already, maybe from another snapshot; undefined: it is none. */
  readonly released: Release | undefined
  readonly rules: readonly RuleAnswer[]
}

/**
 * What `promote` would do, and why; changes nothing. Throws `LAGO_RELEASE_TREE`, `LAGO_SNAPSHOT`, `LAGO_RELEASE_OLDER` and
 * `LAGO_RELEASE_TAKEN`.
 */
export async function planPromotion(options: PromoteOptions): Promise<PromotionPlan> {
  await readTree(options.treeDir)
  const snapshot = await findSnapshot(options.treeDir, options.snapshot)
  const stable = await readAllReleases(options.treeDir)
  const { nowMs, afterDays } = options
  const released = releasedAs({ snapshot: snapshot.info, stable })
  return { snapshot, released, rules: promotionRules({ snapshot: snapshot.info, stable, nowMs, afterDays }) }
}

export interface Promotion {
  readonly kind: 'new' | 'again'
  readonly release: Release
  readonly info: SnapshotInfo
}

/**
 * Promotes the snapshot when a rule says so, or when there is a `reason`. One that is in stable already is completed where
 * something of it is missing. `beforeAny` may refuse before anything is changed, and `beforeNew` what is not in stable yet.
 *
 * Throws as `planPromotion` does, and `LAGO_NOT_DUE`, `LAGO_RELEASE_FILE_DAMAGED`, `LAGO_RELEASE_FILE_DIFFERS`,
 * `LAGO_RELEASE_CHANGELOG`, `LAGO_RELEASE_INTERRUPTED`, `LAGO_RELEASE_UNSIGNED`, `LAGO_SIGNING_KEY` and `LAGO_LOCKED`.
 */
export async function promote(
  task: Task,
  options: PromoteOptions & {
    readonly reason?: string | undefined
    /** What gpg knows the key by; undefined: nothing is signed. */
    readonly keyName?: string | undefined
    readonly beforeAny?: (info: SnapshotInfo) => Promise<void>
    readonly beforeNew: () => Promise<void>
    /** For who works in the tree; default: as `withTree`. */
    readonly waitMs?: number
  },
): Promise<Promotion> {
  const { treeDir, keyName, waitMs } = options
  const key = keyName === undefined ? undefined : await findSigningKey(task, keyName)
  const promoteIt = async (): Promise<Promotion> => {
    const plan = await planPromotion(options)
    await requireKeyOf(treeDir, key)
    await options.beforeAny?.(plan.snapshot.info)
    if (plan.released !== undefined) return complete(task, treeDir, { ...plan, released: plan.released, key })
    const { snapshot } = plan
    const reasons = reasonsOf(plan, options.reason)
    await options.beforeNew()
    const { releases } = await readReleases(treeDir, majorOf(snapshot.info.version))
    const release = releaseOf(snapshot, { reasons, options })
    const next = { format: 1, releases: [release, ...releases] } as const
    await add(task, treeDir, { snapshot, key, next })
    await writeReleases(treeDir, majorOf(release.version), next)
    return { kind: 'new', info: snapshot.info, release }
  }
  return withTree(task, treeDir, promoteIt, waitMs === undefined ? {} : { waitMs })
}

/**
 * From its own snapshot: another one of the same commit has other bytes. Where that is gone the release was complete. What was
 * released before the tree had a key stays unsigned.
 */
async function complete(
  task: Task,
  treeDir: string,
  { snapshot, released, key }: Source & { readonly released: Release },
): Promise<Promotion> {
  const snapshots = await snapshotsOf(task, treeDir, majorOf(released.version))
  const own = snapshots.find(
    ({ name, info }) => name === released.snapshot && isDeepStrictEqual(info.files, released.files),
  )
  if (own !== undefined) await add(task, treeDir, { snapshot: own, key: released.isSigned ? key : undefined })
  return { kind: 'again', info: (own ?? snapshot).info, release: released }
}

async function add(task: Task, treeDir: string, source: Source): Promise<void> {
  const { name, info } = source.snapshot
  await task.step(`Check ${name}`, async (task) => check(task, treeDir, source))
  await task.step(`Promote ${info.version}`, async (task) => publish(task, treeDir, source))
}

function reasonsOf({ snapshot, rules }: PromotionPlan, reason: string | undefined): readonly string[] {
  const due = rules.filter(({ isDue }) => isDue).map(({ rule, why }) => `${rule}: ${why}`)
  const reasons = [...(reason === undefined ? [] : [reason]), ...due]
  if (reasons.length > 0) return reasons
  const answers = rules.map(({ rule, why }) => `${rule}: ${why}`)
  throw new LagoError('LAGO_NOT_DUE', `${snapshot.info.version} is not due\n${answers.join('\n')}`, {
    hint: 'a maintainer may promote it all the same: --reason "..."',
    data: { rules },
  })
}

interface Source {
  readonly snapshot: Snapshot
  readonly key: SigningKey | undefined
  /** What `release.json` is going to be; default: what it is. */
  readonly next?: ReleaseInfo
}

/** Everything that can be found out before something is changed. */
async function check(task: Task, treeDir: string, { snapshot, key }: Source): Promise<void> {
  const { dir, info } = snapshot
  if (key !== undefined) await requireSigned(task, dir, key)
  await requireIntact(task, dir, info.files)
  await requireSameChangelog(task, snapshot)
  await requireNoneBetween(task, treeDir, info)
}

/** Of another promotion that was ended the packages would belong to no release for ever. */
async function requireNoneBetween(task: Task, treeDir: string, info: SnapshotInfo): Promise<void> {
  const major = majorOf(info.version)
  const found = await packagesOfNoRelease(task, treeDir, major)
  if (hasAll(info, found)) return
  const strays = found.map((file) => file.path)
  const [owner] = (await snapshotsOf(task, treeDir, major)).filter((snapshot) => hasAll(snapshot.info, found))
  throw new LagoError(
    'LAGO_RELEASE_INTERRUPTED',
    `${stableDir(treeDir, major)} has packages of no release: ${strays.join(', ')}`,
    {
      hint:
        owner === undefined
          ? 'no snapshot has them: bring back the one that they came from, and promote it first; else remove them'
          : `a promotion was ended before it was done: promote ${owner.name} first`,
      data: { strays, snapshot: owner?.name },
    },
  )
}

/** Users who check signatures could not install packages that have none. */
async function requireSigned(task: Task, dir: string, key: SigningKey): Promise<void> {
  const sumsPath = path.join(dir, SUMS)
  if (await isSignedBy(task, key, sumsPath, `${sumsPath}.asc`)) return
  throw new LagoError('LAGO_RELEASE_UNSIGNED', `the snapshot ${dir} is not signed with the key ${key.fingerprint}`, {
    hint: 'make the snapshot anew, with --key and under another pipeline number',
  })
}

async function requireSameChangelog(task: Task, { dir, info }: Snapshot): Promise<void> {
  const tarball = info.files.find((file) => file.path === `sources/lago-${info.version}.tar.gz`)
  if (tarball === undefined) return
  const member = `lago-${info.version}/${CHANGELOG}`
  const { stdout } = await runCommand(task, ['tar', '-xzOf', path.join(dir, tarball.path), member], { package: 'tar' })
  if (stdout === (await readFile(path.join(dir, CHANGELOG), 'utf8'))) return
  throw new LagoError(
    'LAGO_RELEASE_CHANGELOG',
    `${path.join(dir, CHANGELOG)} is not the ${member} of ${tarball.path}`,
    {
      hint: 'make the snapshot anew under another pipeline number',
    },
  )
}

async function publish(task: Task, treeDir: string, { snapshot, key, next }: Source): Promise<void> {
  const { dir: fromDir, info } = snapshot
  const major = majorOf(info.version)
  const dir = stableDir(treeDir, major)
  if (key !== undefined) await ensureTreeKey(task, treeDir, key)
  await makeTreeDirs(dir)
  await task.step('Packages', async (task) => addFiles(task, fromDir, dir, info.files))
  await task.step('Changelog', async () => replaceChangelog(fromDir, path.join(dir, stableChangelog(major))))
  await task.step('Lists of packages', async (task) => refreshIndexes(task, dir, { key }))
  await task.step('Checksums', async (task) => writeSums(task, dir, key, next && releasesText(next)))
  await task.step('Repository files', async () => writeAllRepoFiles(treeDir))
}

/** The one file of a release that takes the place of an older one. */
async function replaceChangelog(fromDir: string, toPath: string): Promise<void> {
  const text = await readFile(path.join(fromDir, CHANGELOG))
  const before = await readFile(toPath).catch(() => undefined)
  if (before === undefined || !before.equals(text)) await writeFileAtomic(toPath, text)
}

interface Outcome {
  readonly reasons: readonly string[]
  readonly options: PromoteOptions
}

function releaseOf({ name, info }: Snapshot, { reasons, options }: Outcome): Release {
  const { version, release, commit, notes, isSigned, files } = info
  const promotedAt = new Date(options.nowMs).toISOString()
  return { version, release, commit, snapshot: name, promotedAt, reasons, notes, isSigned, files }
}
