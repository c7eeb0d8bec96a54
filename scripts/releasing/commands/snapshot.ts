import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { makeScratchDir, sweepScratchDirs } from '../../../src/base/scratch-dir.js'
import { buildPackages } from '../../packaging/build-packages.js'
import { DEFAULT_DISTS, DIST_OPTION } from '../../packaging/dist-option.js'
import { requireOutside, type Place } from '../checkout.js'
import { makeSnapshot } from '../snapshot.js'
import { absolute, keyNameOf, numberOf, positiveOf, type Command } from './command.js'

export const snapshot: Command = (parser, { task, print }) =>
  parser.command(
    'snapshot <tree>',
    'Put packages of what is committed into the tree of releases, and have "latest" lead to them',
    (yargs) =>
      yargs
        .positional('tree', { type: 'string', demandOption: true, describe: 'its directory; it is made' })
        .option('pipeline', { type: 'string', demandOption: true, describe: 'number of the build' })
        .option('project', { type: 'string', default: '.', describe: 'the checkout' })
        .option('packages', { type: 'string', describe: 'a directory of packages that are built already' })
        .option('dist', DIST_OPTION)
        .option('release', { type: 'string', default: '1', describe: 'more than 1 for a version packaged anew' })
        .option('key', { type: 'string', describe: 'sign with this key of gpg (or LAGO_RELEASE_KEY)' })
        .option('url', { type: 'string', describe: 'where users find the tree; kept in it' })
        .example('$0 snapshot /srv/lago --pipeline 17 --url https://lago.example.org/lago', ''),
    async ({ tree, pipeline: rawPipeline, project, packages, dist = DEFAULT_DISTS, release: rawRelease, key, url }) => {
      const [projectDir, pipeline] = [absolute(project), numberOf('pipeline', rawPipeline)]
      const release = String(positiveOf('release', rawRelease))
      const treeDir = absolute(tree)
      const packagesDir = packages === undefined ? undefined : absolute(packages)
      await requireOutside(task, projectDir, placesOf(treeDir, packagesDir))
      await sweepScratchDirs(task)
      const scratchDir = await makeScratchDir('packages')
      try {
        const { dir } = await makeSnapshot(task, {
          ...{ treeDir, projectDir, pipeline, release, url, keyName: keyNameOf(key) },
          arePackagesGiven: packagesDir !== undefined,
          packages: async (task, version) => {
            if (packagesDir !== undefined) return packagesDir
            const outDir = path.join(scratchDir, 'out')
            await mkdir(outDir)
            await buildPackages(task, { projectDir, outDir, version, release, dists: dist })
            return outDir
          },
        })
        await print(`${dir}\n`)
      } finally {
        await rm(scratchDir, { recursive: true, force: true })
      }
    },
  )

function placesOf(treeDir: string, packagesDir: string | undefined): readonly Place[] {
  const tree = { what: 'the tree', dir: treeDir }
  return packagesDir === undefined ? [tree] : [tree, { what: 'the directory of packages', dir: packagesDir }]
}
