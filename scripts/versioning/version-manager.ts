/** `scripts/version_manager REPO WHAT`: versions and changelogs from a git history, as the guide describes them. */
import path from 'node:path'
import type { Argv } from 'yargs'
import { LagoError } from '../../src/base/errors.js'
import { plainText } from '../../src/base/plain-text.js'
import type { Task } from '../../src/base/task.js'
import { runScript } from '../program.js'
import { readAuthors } from './authors.js'
import { readHistory, type HistoryEntry } from './history.js'
import { jsonChangelog } from './json-changelog.js'
import { markdownChangelog } from './markdown-changelog.js'
import { releaseNotes } from './release-notes.js'
import { rpmChangelog } from './rpm-changelog.js'
import { entriesSince } from './since.js'
import { makeTags, missingTags } from './tag.js'

interface Wanted {
  readonly repoDir: string
  readonly allCommits: boolean
  readonly fromCommit: string | undefined
  readonly format: keyof typeof FORMATS
  readonly dryRun: boolean
  readonly annotate: boolean
}

interface Verb {
  readonly options: readonly (keyof typeof OPTIONS)[]
  /** Gives what is printed. */
  run(task: Task, wanted: Wanted): Promise<string>
}

const FORMATS = { rpm: rpmChangelog, markdown: markdownChangelog, json: jsonChangelog }

/** None has a default, so that what was given is known. */
const OPTIONS = {
  'all-commits': { type: 'boolean', describe: 'Count what was merged, too, as Lago 0.5' },
  'from-commit': {
    type: 'string',
    requiresArg: true,
    describe: 'changelog, releasenotes: from this commit on; the start of a hash, or a tag or branch',
  },
  format: {
    choices: Object.keys(FORMATS) as (keyof typeof FORMATS)[],
    requiresArg: true,
    defaultDescription: 'rpm',
    describe: 'changelog: how it is written',
  },
  annotate: { type: 'boolean', describe: 'tag: make annotated tags' },
  'dry-run': { type: 'boolean', describe: 'tag: print what would be made, only' },
} as const

const VERBS = {
  version: { options: ['all-commits'], run: version },
  changelog: { options: ['all-commits', 'from-commit', 'format'], run: changelog },
  releasenotes: { options: ['all-commits', 'from-commit'], run: releasenotes },
  authors: { options: [], run: authors },
  tag: { options: ['all-commits', 'annotate', 'dry-run'], run: tag },
} as const satisfies Readonly<Record<string, Verb>>

await runScript('version_manager', (parser, { task, print }) =>
  withArguments(parser, async ({ run }, wanted) => {
    const answer = await run(task, wanted)
    await print(process.stdout.isTTY ? plainText(answer) : answer)
  }),
)

/** yargs would have the verb before the repository; then it could hold each verb to its options itself. */
function withArguments(parser: Argv, run: (verb: Verb, wanted: Wanted) => Promise<void>): Argv {
  const verbs = Object.keys(VERBS) as (keyof typeof VERBS)[]
  return parser.command(
    '$0 <repo> <what>',
    'Tell versions from the history of a git repository, and what changed',
    (command) =>
      command
        .positional('repo', { type: 'string', demandOption: true, describe: 'The repository, or a directory in it' })
        .positional('what', { choices: verbs, demandOption: true, describe: 'What to print; tag makes missing tags' })
        .options(OPTIONS)
        .example('$0 . changelog --from-commit 1.0', 'What changed since the tag 1.0'),
    async ({ repo, what, ...given }) => {
      requireOptionsOf(what, given)
      if (/^[a-z+]+:\/\//.test(repo))
        throw new LagoError('LAGO_USAGE', `${repo} is an address, and a directory is wanted`, {
          hint: 'git clone it, and name the clone',
        })
      const { allCommits = false, fromCommit, format = 'rpm', annotate = false, dryRun = false } = given
      return run(VERBS[what], { repoDir: path.resolve(repo), allCommits, fromCommit, format, annotate, dryRun })
    },
  )
}

function requireOptionsOf(what: keyof typeof VERBS, given: Readonly<Record<string, unknown>>): void {
  const verbs: Readonly<Record<string, Verb>> = VERBS
  for (const option of Object.keys(OPTIONS) as (keyof typeof OPTIONS)[]) {
    const takers = Object.keys(verbs).filter((name) => verbs[name]?.options.includes(option))
    if (given[option] === undefined || takers.includes(what)) continue
    const named = takers.join(', ').replace(/, (?=[^,]*$)/, ' and ')
    throw usageError(`--${option} is an option of ${named}, not of ${what}`)
  }
}

function usageError(message: string): LagoError {
  return new LagoError('LAGO_USAGE', message, { hint: 'version_manager --help' })
}

async function version(task: Task, { repoDir, allCommits }: Wanted): Promise<string> {
  const { entries } = await readHistory(task, repoDir, { allCommits })
  return `${entries.at(-1)?.version}\n`
}

async function changelog(task: Task, wanted: Wanted): Promise<string> {
  return FORMATS[wanted.format](await wantedEntries(task, wanted))
}

async function releasenotes(task: Task, wanted: Wanted): Promise<string> {
  return releaseNotes(await wantedEntries(task, wanted))
}

async function authors(task: Task, { repoDir }: Wanted): Promise<string> {
  return (await readAuthors(task, repoDir)).map((author) => `${author}\n`).join('')
}

/** A line `X.Y HASH` for each tag. */
async function tag(task: Task, { repoDir, allCommits, annotate, dryRun }: Wanted): Promise<string> {
  const tags = await missingTags(task, repoDir, await readHistory(task, repoDir, { allCommits }))
  if (!dryRun) await makeTags(task, repoDir, tags, { annotate })
  return tags.map(({ name, commit }) => `${name} ${commit}\n`).join('')
}

/** A commit that is not found is no error: upstream printed nothing then. */
async function wantedEntries(task: Task, wanted: Wanted): Promise<readonly HistoryEntry[]> {
  const { repoDir, allCommits, fromCommit } = wanted
  const history = await readHistory(task, repoDir, { allCommits, withMerged: true })
  if (fromCommit === undefined) return history.entries
  const found = entriesSince(history, fromCommit)
  if (found.length === 0)
    task.log('warning', `"${fromCommit}" names no commit that counts for the version of HEAD; nothing is printed`)
  return found
}
