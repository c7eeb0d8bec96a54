import { LagoError } from '../../../src/base/errors.js'
import { runCommand } from '../../../src/base/process.js'
import type { Task } from '../../../src/base/task.js'
import { isVersion } from '../../versioning/version-form.js'
import { announcementText, sendAnnouncement } from '../announce.js'
import { mailboxesOf, mailboxOf, type Mailbox } from '../mail.js'
import { mailServerOf } from '../mail-server.js'
import { absolute, type Command } from './command.js'

export const announce: Command = (parser, { task, print }) =>
  parser.command(
    'announce <tree> [version]',
    'Print the mail about a release, or send it',
    (command) =>
      command
        .positional('tree', { type: 'string', demandOption: true, describe: 'the directory of the tree' })
        .positional('version', { type: 'string', describe: 'X.Y.Z; default: what was promoted last' })
        .option('from', {
          type: 'string',
          requiresArg: true,
          describe: "who sends it; default: git's user of this directory",
        })
        .option('to', { type: 'string', requiresArg: true, describe: 'who gets it, with commas between several' })
        .option('smtp', { type: 'string', requiresArg: true, describe: 'send it through smtp[s]://[USER@]HOST[:PORT]' })
        .option('ca-file', {
          type: 'string',
          requiresArg: true,
          describe: 'certificates to believe the server by (PEM)',
        })
        .option('timeout', {
          type: 'number',
          requiresArg: true,
          default: 60,
          describe: 'seconds that the server may be silent',
        })
        .option('again', { type: 'boolean', default: false, describe: 'send it although it was sent before' })
        .option('dry-run', { type: 'boolean', default: false, describe: 'print it, whatever --smtp says' })
        .example('$0 announce /srv/lago', 'print the mail about the newest release'),
    async (args) => {
      const version = versionOf(args.version)
      const to = args.to === undefined ? [] : mailboxesOf(args.to)
      const from = args.from === undefined ? await gitUser(task) : mailboxOf(args.from)
      const options = { treeDir: absolute(args.tree), version, from, to, nowMs: Date.now() }
      if (args.smtp === undefined || args.dryRun) return print(await announcementText(options))
      if (to.length === 0)
        throw new LagoError('LAGO_USAGE', '--smtp needs --to', { hint: '--to lago-devel@example.org' })
      if (!(args.timeout > 0)) throw new LagoError('LAGO_USAGE', '--timeout takes a number of seconds')
      const { smtp: url, caFile, again } = args
      const server = await mailServerOf(task, { url, caFile, timeoutMs: args.timeout * 1000, env: process.env })
      return sendAnnouncement(task, server, { ...options, again })
    },
  )

function versionOf(given: string | undefined): string | undefined {
  if (given === undefined || isVersion(given)) return given
  throw new LagoError('LAGO_USAGE', `a version is X.Y.Z, not ${JSON.stringify(given)}`)
}

async function gitUser(task: Task): Promise<Mailbox> {
  const name = await gitSetting(task, 'user.name')
  const address = await gitSetting(task, 'user.email')
  if (address !== '') return mailboxOf(name === '' ? address : `"${name.replace(/["\\]/g, '')}" <${address}>`)
  throw new LagoError('LAGO_USAGE', 'who sends the mail is not known', {
    hint: 'say it by --from "Jane Doe <jane@example.org>", or to git by `git config user.email`',
  })
}

async function gitSetting(task: Task, name: string): Promise<string> {
  const { stdout } = await runCommand(task, ['git', 'config', name], { okCodes: [0, 1], package: 'git' })
  return stdout.trim()
}
