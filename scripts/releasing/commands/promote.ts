import path from 'node:path'
import { pathExists } from 'fs-extra/esm'
import { LagoError } from '../../../src/base/errors.js'
import type { Task } from '../../../src/base/task.js'
import { requireCommit, requireOutside } from '../checkout.js'
import { planPromotion, promote as promoteSnapshot, type PromotionPlan } from '../promote.js'
import { requireClean } from '../project-state.js'
import { CHANGELOG_FILE, moveReleasedNotes, nextSteps } from '../release-project.js'
import { absolute, keyNameOf, numberOf, type Command } from './command.js'

export const promote: Command = (parser, { task, print }) =>
  parser.command(
    'promote <tree> [snapshot]',
    'Make a snapshot a release, when it is due',
    (yargs) =>
      yargs
        .positional('tree', { type: 'string', demandOption: true, describe: 'the directory of the tree' })
        .positional('snapshot', {
          type: 'string',
          describe: 'name, "latest" or pipeline number; default: what "latest" of the newest X.0 leads to',
        })
        .option('reason', { type: 'string', requiresArg: true, describe: 'why, when no rule says so' })
        .option('after-days', {
          type: 'string',
          requiresArg: true,
          default: '30',
          describe: 'days after a new X or Y when any change is due',
        })
        .option('key', {
          type: 'string',
          requiresArg: true,
          describe: 'sign with this key of gpg (or LAGO_RELEASE_KEY)',
        })
        .option('project', {
          type: 'string',
          requiresArg: true,
          describe: `the checkout whose ${CHANGELOG_FILE} gets a section; default: this directory, when it has one`,
        })
        .option('dry-run', { type: 'boolean', default: false, describe: 'say what is due, and change nothing' })
        .example('$0 promote /srv/lago 17', ''),
    async ({ tree, snapshot, reason, afterDays: rawAfterDays, key, project, dryRun }) => {
      const [treeDir, afterDays] = [absolute(tree), numberOf('after-days', rawAfterDays)]
      const options = { treeDir, snapshot, afterDays, nowMs: Date.now() }
      if (reason !== undefined) requireReason(reason)
      if (dryRun) return print(tableOf(await planPromotion(options)))
      const projectDir = await projectOf(task, project)
      const promotion = await promoteSnapshot(task, {
        ...{ ...options, reason, keyName: keyNameOf(key) },
        beforeAny: async (info) => (projectDir === undefined ? undefined : requireCommit(task, projectDir, info)),
        beforeNew: async () => {
          if (projectDir === undefined) return
          await requireOutside(task, projectDir, [{ what: 'the tree', dir: treeDir }])
          await requireClean(task, projectDir)
        },
      })
      const { kind, release } = promotion
      task.log('info', `${release.version} is promoted${kind === 'again' ? ` already, from ${release.snapshot}` : ''}`)
      for (const why of kind === 'new' ? release.reasons : []) task.log('info', why)
      if (projectDir !== undefined) await moveReleasedNotes(task, projectDir, promotion)
      const steps = await nextSteps(task, { treeDir, projectDir }, promotion)
      return print(['To do next:', ...steps.map((step) => `  ${step}`), ''].join('\n'))
    },
  )

/** It stands in `release.json` for good. */
function requireReason(reason: string): void {
  if (reason.trim() !== '' && !/\p{Cc}/u.test(reason)) return
  throw new LagoError('LAGO_USAGE', `--reason takes a line of text, not ${JSON.stringify(reason)}`, {
    hint: 'as in --reason "customers wait for the fix of 1234567"',
  })
}

/** Throws `LAGO_USAGE` for one that is given and has no CHANGELOG.md, before anything is released. */
async function projectOf(task: Task, given: string | undefined): Promise<string | undefined> {
  const dir = absolute(given ?? '.')
  if (await pathExists(path.join(dir, CHANGELOG_FILE))) return dir
  if (given !== undefined)
    throw new LagoError('LAGO_USAGE', `--project names ${dir}, which has no ${CHANGELOG_FILE}`, {
      hint: 'name the checkout of the project, or leave --project out where there is none',
    })
  task.log('info', `there is no ${CHANGELOG_FILE} here, and no --project: none is changed`)
  return undefined
}

function tableOf({ snapshot: { name, info }, released, rules }: PromotionPlan): string {
  const lines = rules.map(({ rule, isDue, why }) => `${rule.padEnd(10)}${isDue ? 'due' : '-  '}  ${why}`)
  const outcome = rules.some(({ isDue }) => isDue) ? 'is due' : 'is not due'
  const title =
    released === undefined
      ? `${info.version} of ${name} ${outcome}`
      : `${info.version} is promoted already, from ${released.snapshot}`
  return [title, ...lines, ''].join('\n')
}
