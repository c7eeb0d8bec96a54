/** Random histories in real git repositories, beside a plain model of the specification. */
import path from 'node:path'
import fc from 'fast-check'
import { expect, test } from '@jest/globals'
import { readHistory } from '../../scripts/versioning/history.js'
import { rpmChangelog } from '../../scripts/versioning/rpm-changelog.js'
import { entriesSince } from '../../scripts/versioning/since.js'
import { runCommand } from '../../src/base/process.js'
import {
  GIT_ENV,
  gitIn,
  makeLinearRepository,
  makeRepository,
  type MadeCommit,
  type MadeTag,
} from '../helpers/made-repository.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { useTempDirs } from '../helpers/temp-dir.js'
import { modelChangelog, modelVersion } from '../helpers/version-model.js'

const makeTempDir = useTempDirs()
const NUM_RUNS = 40

const subject = fc.oneof(
  fc.constantFrom(
    'Mend it',
    '',
    ' leading space',
    'x'.repeat(90),
    `${'word '.repeat(30)}end`,
    `${'y'.repeat(70)} ${'z'.repeat(80)} b`,
  ),
  fc
    .array(fc.constantFrom('a', 'bb', 'long-word-here', 'x'.repeat(64), 'x'.repeat(66), '100%'), { maxLength: 12 })
    .map((words) => words.join(' ')),
)
const line = fc.constantFrom(
  '',
  'Some text.',
  'Sem-Ver: api-breaking',
  'sem-ver:feature',
  'SEM-VER:   FEATURE',
  'Sem-Ver: feature ',
  'Sem-Ver: py2-breaking',
  'Sem-Ver:',
  ' Sem-Ver: api-breaking',
  'feature',
  'Bug-Url: https://bugzilla.redhat.com/1234567',
  'Bug-Url: http://bugzilla.redhat.com/show_bug.cgi?id=89',
  'Signed-off-by: Jane Doe <jane@example.com>',
)
const message = fc
  .tuple(subject, fc.array(line, { maxLength: 4 }), fc.constantFrom('\n', '\n\n', ''))
  .map(([first, lines, end]) => [first, ...lines].join('\n') + end)
const bytes = fc.oneof(
  { weight: 8, arbitrary: message.map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: message.map((text) => Buffer.from(`caf\xe9 ${text}`, 'latin1')) },
)
const author = fc.constantFrom(
  Buffer.from('Jane Doe <jane@example.com>'),
  Buffer.from('Žofie Ω <z@example.com>'),
  Buffer.from('Ren\xe9 <r@example.com>', 'latin1'),
)
const tagName = fc.constantFrom('0.1', '0.9', '0.10', '1.0', '2.0', '10.3', '01.2', 'v1.0', '1.0.1', 'x/1.0', '1.0-rc')

interface Generated {
  readonly commits: readonly MadeCommit[]
  readonly tags: readonly MadeTag[]
}

const generated: fc.Arbitrary<Generated> = fc.integer({ min: 1, max: 22 }).chain((count) =>
  fc.record({
    commits: fc.tuple(...Array.from({ length: count }, (_, index) => commitAt(index))),
    tags: fc.uniqueArray(fc.record({ name: tagName, on: fc.nat(count - 1), isAnnotated: fc.boolean() }), {
      selector: ({ name }) => name,
      maxLength: 4,
    }),
  }),
)

/** Mostly one parent, the one before; else any earlier ones, or none. Clocks go wrong now and then. */
function commitAt(index: number): fc.Arbitrary<MadeCommit> {
  const earlier = fc.uniqueArray(fc.nat(Math.max(0, index - 1)), { minLength: 1, maxLength: 3 })
  const parents = fc.oneof(
    { weight: 5, arbitrary: fc.constant([index - 1]) },
    { weight: 5, arbitrary: earlier },
    { weight: 1, arbitrary: fc.constant([]) },
  )
  return fc.record({
    parents: index === 0 ? fc.constant([]) : parents,
    message: bytes,
    author,
    committedAtSeconds: fc.integer({ min: -3, max: 3 }).map((skew) => 1449144000 + (index + skew) * 40000),
  })
}

test('versions and changelogs of random histories are those of the model', async () => {
  const { task } = recordedTask()
  const dir = path.join(await makeTempDir(), 'repository')
  await fc.assert(
    fc.asyncProperty(generated, fc.nat(), fc.boolean(), async ({ commits, tags }, pick, allCommits) => {
      const hashes = await makeRepository(dir, commits, tags)
      const history = { commits, tags, hashes }
      const read = await readHistory(task, dir, { allCommits, withMerged: true })
      expect(read.entries.at(-1)?.version).toBe(modelVersion(history, allCommits))
      expect(rpmChangelog(read.entries)).toBe(modelChangelog(history, { allCommits }))
      const names = [
        'HEAD',
        `c${pick % commits.length}`,
        hashes[pick % hashes.length]!.slice(0, 7),
        ...tags.map(({ name }) => name),
      ]
      const from = names[pick % names.length]!
      expect([from, rpmChangelog(entriesSince(read, from))]).toEqual([
        from,
        modelChangelog(history, { allCommits, from }),
      ])
      if (!allCommits) expect((await readHistory(task, dir)).entries.at(-1)?.version).toBe(modelVersion(history))
    }),
    { numRuns: NUM_RUNS },
  )
})

test('git itself counts the same commits, and names the same ones for each merge', async () => {
  const { task } = recordedTask()
  const dir = path.join(await makeTempDir(), 'repository')
  await fc.assert(
    fc.asyncProperty(generated, async ({ commits }) => {
      await makeRepository(dir, commits)
      const { entries } = await readHistory(task, dir, { withMerged: true })
      const chain = await gitIn(dir, ['rev-list', '--first-parent', '--reverse', 'HEAD'])
      expect(entries.map(({ commit }) => commit.hash).join('\n')).toBe(chain)
      const merge = entries.findLast(({ commit }) => commit.parents.length > 1)
      if (merge === undefined) return
      const { hash } = merge.commit
      const brought = (await gitIn(dir, ['rev-list', hash, `^${hash}^1`])).split('\n').filter((other) => other !== hash)
      expect(merge.merged.map((commit) => commit.hash).sort()).toEqual(brought.sort())
    }),
    { numRuns: NUM_RUNS / 4 },
  )
})

test('of commits of one second, too, none counts after its child', async () => {
  const { task } = recordedTask()
  const dir = path.join(await makeTempDir(), 'repository')
  const parents = [[], [0], [1], [2], [3], [1], [4, 5]]
  const messages = ['One', 'Two\n\nSem-Ver: feature', 'Three\n\nSem-Ver: api-breaking', 'Four', 'Five', 'Side', 'Merge']
  const commits = messages.map((text, index) => ({
    parents: parents[index] ?? [],
    message: Buffer.from(`${text}\n`),
    author: Buffer.from('Jane Doe <jane@example.com>'),
    committedAtSeconds: 1449144000,
  }))
  await makeRepository(dir, commits)
  const { entries } = await readHistory(task, dir, { allCommits: true })
  const counted = entries.map(({ commit }) => commit.message.split('\n')[0])
  expect(counted.indexOf('Two')).toBeLessThan(counted.indexOf('Three'))
  expect(entries.at(-1)?.version).toMatch(/^1\.0\./)
})

test('a reader that is told to stop does', async () => {
  const { task, abort } = recordedTask()
  const dir = path.join(await makeTempDir(), 'repository')
  await makeLinearRepository(dir, ['One\n', 'Two\n'])
  const reading = readHistory(task, dir)
  abort(new Error('enough'))
  await expect(reading).rejects.toThrow('enough')
})

/** Of the repository of the Python program (spec 8.2): commit, first parents, all commits. */
const UPSTREAM: readonly (readonly [string, string, string])[] = [
  ['e02497b', '0.5.5', '0.5.5'],
  ['0.5', '0.5.0', '0.5.0'],
  ['256c9c3', '0.46.1', '0.46.39'],
  ['b6fcaf6', '0.46.2', '1.0.23'],
  ['5e54c88', '0.46.3', '1.0.25'],
  ['1.0', '1.0.0', '1.0.0'],
  ['7deae75', '1.0.4', '1.0.11'],
]
const upstreamDir = process.env['LAGO_UPSTREAM_REPO']
const withUpstream = upstreamDir === undefined ? test.skip : test

withUpstream.each(UPSTREAM)(
  'the Python program: %s is %s, and %s with all commits (needs LAGO_UPSTREAM_REPO, a clone of it)',
  async (name, firstParent, allCommits) => {
    const { task } = recordedTask()
    const dir = path.join(await makeTempDir(), 'clone')
    await runCommand(task, ['git', 'clone', '--quiet', '--no-checkout', upstreamDir ?? '', dir], { env: GIT_ENV })
    await gitIn(dir, ['update-ref', '--no-deref', 'HEAD', `${name}^{commit}`])
    expect((await readHistory(task, dir)).entries.at(-1)?.version).toBe(firstParent)
    expect((await readHistory(task, dir, { allCommits: true })).entries.at(-1)?.version).toBe(allCommits)
  },
)
