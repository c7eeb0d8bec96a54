/**
 * When a snapshot is due to become stable: the five cases of the guide, each answered with the facts that it was answered by.
 * Pure; nothing here knows of files.
 */
import { LagoError } from '../../src/base/errors.js'
import { plainLine } from '../../src/base/plain-text.js'
import { compareVersions } from '../../src/rpm/evr.js'
import { scriptCommand } from '../script-path.js'
import { titlesOfNews } from './changelog-file.js'
import { majorOf } from './layout.js'
import { pathsOfOneAlone } from './package-files.js'
import type { Change, Release, ReleaseInfo, SnapshotInfo } from './types.js'

export interface PromotionFacts {
  readonly snapshot: SnapshotInfo
  /** Of all majors, in any order. */
  readonly stable: readonly ReleaseInfo[]
  readonly nowMs: number
  /** How old the last change of X or Y has to be for the rule `time`. */
  readonly afterDays: number
}

export interface RuleAnswer {
  readonly rule: 'major' | 'minor' | 'time' | 'fixes' | 'features'
  readonly isDue: boolean
  /** The facts, in one line. */
  readonly why: string
}

export function promotionRules(facts: PromotionFacts): readonly RuleAnswer[] {
  const last = lastRelease(facts)
  const earlier = releasesOf(facts.stable).map(({ notes }) => notes)
  const news = titlesOfNews(facts.snapshot.notes, earlier)
  const since = { last, changes: changesSince(facts.snapshot, last), news }
  return [newMajor(facts), newMinor(facts, last), timePassed(facts, since), fixes(since), features(since)]
}

/**
 * The release that the snapshot is already; undefined: it is none. Another snapshot of the same commit is that release, too, when
 * it has packages of the same names. Throws `LAGO_RELEASE_OLDER` when stable has a newer one of the same X, and
 * `LAGO_RELEASE_TAKEN` when it has another one of the same version.
 */
export function releasedAs({ snapshot, stable }: Pick<PromotionFacts, 'snapshot' | 'stable'>): Release | undefined {
  const last = lastRelease({ snapshot, stable })
  const order = last === undefined ? 1 : compareReleases(snapshot, last)
  if (last === undefined || order > 0) return undefined
  if (order < 0)
    throw new LagoError('LAGO_RELEASE_OLDER', `${nameOf(snapshot)} is older than what stable has, ${nameOf(last)}`, {
      hint: 'promote a newer snapshot; users of stable would not get an older one',
    })
  const there = `stable has ${nameOf(last)} already`
  if (snapshot.commit !== last.commit)
    throw new LagoError(
      'LAGO_RELEASE_TAKEN',
      `${there}, of commit ${short(last.commit)}, not ${short(snapshot.commit)}`,
      {
        hint: `a version stands for one commit; see what \`${scriptCommand('version_manager')} . version\` says there`,
      },
    )
  const onOneSide = pathsOfOneAlone(last.files, snapshot.files)
  if (onOneSide.length === 0) return last
  throw new LagoError(
    'LAGO_RELEASE_TAKEN',
    `${there}, from ${last.snapshot}: only one of them has ${onOneSide.join(', ')}`,
    { hint: 'what is released stays as it is: package it anew, for a snapshot with a higher --release' },
  )
}

/** The newest of the snapshot's X. */
export function lastRelease({ snapshot, stable }: Pick<PromotionFacts, 'snapshot' | 'stable'>): Release | undefined {
  const ofMajor = releasesOf(stable).filter(({ version }) => majorOf(version) === majorOf(snapshot.version))
  return ofMajor.sort(compareReleases).at(-1)
}

function releasesOf(stable: readonly ReleaseInfo[]): Release[] {
  return stable.flatMap(({ releases }) => releases)
}

type Numbered = Pick<Release, 'version' | 'release'>

/** By the version, then by how often that was packaged. */
export function compareReleases(a: Numbered, b: Numbered): number {
  return compareVersions(a.version, b.version) || compareVersions(a.release, b.release)
}

/** `2.0.1`, or `2.0.1-2` when it was packaged anew. */
function nameOf({ version, release }: Numbered): string {
  return release === '1' ? version : `${version}-${release}`
}

/** All of the snapshot's X when nothing of it was released. */
function changesSince(snapshot: SnapshotInfo, last: Release | undefined): readonly Change[] {
  const at = snapshot.changes.findIndex(({ commit }) => commit === last?.commit)
  if (at !== -1) return snapshot.changes.slice(0, at)
  const isNew = ({ version }: Change): boolean =>
    last === undefined ? majorOf(version) === majorOf(snapshot.version) : compareVersions(version, last.version) > 0
  return snapshot.changes.filter(isNew)
}

function newMajor({ snapshot: { version }, stable }: PromotionFacts): RuleAnswer {
  const newest = releasesOf(stable).sort(compareReleases).at(-1)
  const rule = 'major'
  if (newest === undefined) return { rule, isDue: true, why: `${version} is a new X: stable has no release yet` }
  const isDue = majorOf(version) > majorOf(newest.version)
  return { rule, isDue, why: `${version} is ${isDue ? 'a' : 'no'} new X: stable has ${newest.version}` }
}

function newMinor({ snapshot: { version } }: PromotionFacts, last: Release | undefined): RuleAnswer {
  const rule = 'minor'
  if (last === undefined) return { rule, isDue: false, why: `stable has no other ${majorOf(version)}.Y` }
  const isDue = minorOf(version) > minorOf(last.version)
  return { rule, isDue, why: `${version} is ${isDue ? 'a' : 'no'} new Y: stable has ${last.version}` }
}

function minorOf(version: string): number {
  return Number(version.split('.')[1])
}

interface Since {
  readonly last: Release | undefined
  readonly changes: readonly Change[]
  /** Titles of the sub-sections of the notes that no release had as they are. */
  readonly news: ReadonlySet<string>
}

const DAY_MS = 24 * 60 * 60 * 1000

function timePassed({ snapshot: { base }, nowMs, afterDays }: PromotionFacts, since: Since): RuleAnswer {
  const days = Math.floor((nowMs - Date.parse(base.committedAt)) / DAY_MS)
  const isDue = days >= afterDays && since.changes.length > 0
  const age = `${base.version} is ${days < 0 ? `of the future: ${base.committedAt}` : `${count(days, 'day')} old`}`
  const limit = days >= afterDays || days < 0 ? '' : `, and is to be ${afterDays}`
  return { rule: 'time', isDue, why: `${age}${limit}; ${count(since.changes.length, 'change')}${sinceText(since)}` }
}

function fixes(since: Since): RuleAnswer {
  const fixing = since.changes.filter(({ bugs }) => bugs.length > 0)
  const bugs = [...new Set(fixing.flatMap((change) => change.bugs))]
  return ruleOf('fixes', since, {
    found: bugs.length === 0 ? undefined : `${count(bugs.length, 'bug')} fixed: ${bugs.join(', ')}`,
    missing: 'no change names a bug',
    title: 'Security',
  })
}

function features(since: Since): RuleAnswer {
  const found = since.changes.filter(({ kind }) => kind === 'feature')
  return ruleOf('features', since, {
    found: found.length === 0 ? undefined : `${count(found.length, 'feature')}: ${found.map(textOf).join(', ')}`,
    missing: 'no change is a feature',
    title: 'Added',
  })
}

interface Findings {
  readonly found: string | undefined
  readonly missing: string
  /** Of the sub-section of the notes that counts, too. */
  readonly title: string
}

function ruleOf(rule: RuleAnswer['rule'], since: Since, { found, missing, title }: Findings): RuleAnswer {
  const isNoted = since.news.has(title)
  const noted = `the notes have ${isNoted ? 'new entries' : 'nothing new'} under "${title}"`
  return { rule, isDue: found !== undefined || isNoted, why: `${found ?? missing}${sinceText(since)}; ${noted}` }
}

function sinceText({ last }: Since): string {
  return last === undefined ? '' : ` since ${last.version}`
}

function textOf({ commit, subject }: Change): string {
  return `${short(commit)} "${plainLine(subject)}"`
}

function short(commit: string): string {
  return commit.slice(0, 8)
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
