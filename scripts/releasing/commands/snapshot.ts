import { LagoError } from '../../../src/base/errors.js'
import { makeSnapshot } from '../snapshot.js'
import { absolute, keyNameOf, type Command } from './command.js'

export const snapshot: Command = (parser, { task, print }) =>
  parser.command(
    'snapshot <tree>',
    'Put packages of what is committed into the tree of releases, and have "latest" lead to them',
    (yargs) =>
      yargs
        .positional('tree', { type: 'string', demandOption: true, describe: 'its directory; it is made' })
        .option('pipeline', { type: 'number', demandOption: true, describe: 'number of the build' })
        .option('project', { type: 'string', default: '.', describe: 'the checkout' })
        .option('packages', { type: 'string', demandOption: true, describe: 'a directory that they were built into' })
        .option('release', { type: 'string', default: '1', describe: 'more than 1 for a version packaged anew' })
        .option('key', { type: 'string', describe: 'sign with this key of gpg (or LAGO_RELEASE_KEY)' })
        .option('url', { type: 'string', describe: 'where users find the tree; kept in it' })
        .check(({ pipeline }) => {
          if (Number.isSafeInteger(pipeline) && pipeline >= 0) return true
          throw new LagoError('LAGO_USAGE', '--pipeline takes a whole number', {
            hint: 'the number of the build: --pipeline 17',
          })
        })
        .example('$0 snapshot /srv/lago --pipeline 17 --packages out --url https://lago.example.org/lago', ''),
    async ({ tree, pipeline, project, packages, release, key, url }) => {
      const { dir } = await makeSnapshot(task, {
        ...{ treeDir: absolute(tree), projectDir: absolute(project), pipeline, release, url, keyName: keyNameOf(key) },
        ...{ arePackagesGiven: true, packages: async () => absolute(packages) },
      })
      await print(`${dir}\n`)
    },
  )
