/** Versions and changelogs of a long history, beside a `git log` that only counts lines. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Bench, Group } from './context.js'
import { run, runInBash } from './programs.js'

const COMMITS = 20_000
/** One in so many is a merge, of a branch with two commits of its own. */
const COMMITS_PER_MERGE = 5
const VERSION_MANAGER = path.resolve('scripts/version_manager')

export const versions: Group = {
  name: 'versions',
  async run(bench) {
    const dir = await makeHistory(bench)
    const version = bench.table.row(`version of ${COMMITS} commits | git log --first-parent`, { atMostMs: 1000 })
    const changelog = bench.table.row(`changelog of ${COMMITS} commits | git log`, { atMostMs: 3000 })
    for (let round = 0; round < bench.rounds * 3; round++) {
      await version.measure('byHand', async () => countLines(bench, dir, ['--first-parent', '--format=%B']))
      await version.measure('lago', async () => run(bench, [VERSION_MANAGER, dir, 'version']))
      await changelog.measure('byHand', async () => countLines(bench, dir, ['--format=%h %an %ae %cd %B']))
      await changelog.measure('lago', async () => run(bench, [VERSION_MANAGER, dir, 'changelog']))
    }
  },
}

async function countLines(bench: Bench, dir: string, args: readonly string[]): Promise<void> {
  await runInBash(bench, 'git -C "$1" log "${@:2}" | wc -l', [dir, ...args])
}

async function makeHistory(bench: Bench): Promise<string> {
  const dir = path.join(bench.place, 'versions')
  await mkdir(dir)
  const inputPath = path.join(dir, 'stream')
  await writeFile(inputPath, Array.from({ length: COMMITS }, (_, index) => commitStream(index)).join(''))
  await run(bench, ['git', '-C', dir, 'init', '--quiet', '--initial-branch=main'])
  await run(bench, ['git', '-C', dir, 'fast-import', '--quiet'], { inputPath })
  return dir
}

/** On main, two on a branch, on main again, and the merge of both. */
function commitStream(index: number): string {
  const [at, mark] = [index % COMMITS_PER_MERGE, index + 1]
  const isOnBranch = at === 1 || at === 2
  const parent = at === 3 ? mark - 3 : mark - 1
  const links = [...(index > 0 ? [`from :${parent}`] : []), ...(at === 4 ? [`merge :${mark - 2}`] : [])]
  const message = messageOf(index)
  const person = `Jane Doe <jane@example.com> ${1_400_000_000 + index * 3600} +0000`
  return [
    `commit refs/heads/${isOnBranch ? 'topic' : 'main'}`,
    `mark :${mark}`,
    `author ${person}`,
    `committer ${person}`,
    `data ${message.length}`,
    message,
    ...links,
    '',
    '',
  ].join('\n')
}

function messageOf(index: number): string {
  const header = index % 2000 === 9 ? 'Sem-Ver: api-breaking\n' : index % 100 === 4 ? 'Sem-Ver: feature\n' : ''
  const bug = index % 3 === 0 ? `Bug-Url: https://bugzilla.example.com/show_bug.cgi?id=${1_000_000 + index}\n` : ''
  const text = 'A paragraph about why this was done, and what else was thought of on the way to it.\n'.repeat(3)
  return `Change number ${index} does something whose description is longer than one line has room\n\n${text}\n${bug}${header}`
}
