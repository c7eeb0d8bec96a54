/** `scripts/packages build OUT_DIR`. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Argv } from 'yargs'
import { makeDirs } from '../../src/base/files.js'
import { runScript, type Script } from '../program.js'
import { git } from '../versioning/git.js'
import { projectVersion } from '../versioning/project-version.js'
import { buildPackages, requireSound } from './build-packages.js'
import { DEFAULT_DISTS, DIST_OPTION } from './dist-option.js'
import { PACKAGE_KINDS, type PackageKind } from './types.js'

const projectDir = fileURLToPath(new URL('../../..', import.meta.url))

await runScript('scripts/packages', (parser, script) =>
  parser.command(
    'build <out-dir>',
    'Make the packages of what is committed',
    (yargs: Argv) =>
      yargs
        .positional('out-dir', { type: 'string', demandOption: true, describe: 'an empty directory; it is made' })
        .option('dist', DIST_OPTION)
        .option('only', {
          array: true,
          requiresArg: true,
          choices: PACKAGE_KINDS,
          describe: 'kinds of packages (default: all)',
        })
        .option('release', {
          type: 'string',
          default: '1',
          describe: 'more than 1 for the same version packaged anew',
        }),
    async ({ outDir, dist = DEFAULT_DISTS, only, release }) =>
      build(script, { outDir, dists: dist, kinds: only, release }),
  ),
)

interface Wanted {
  readonly outDir: string
  readonly dists: readonly string[]
  readonly kinds: readonly PackageKind[] | undefined
  readonly release: string
}

async function build({ task, print }: Script, { outDir: rawOutDir, dists, kinds, release }: Wanted): Promise<void> {
  const outDir = path.resolve(rawOutDir)
  const version = await projectVersion(task, projectDir, process.env)
  const options = { projectDir, outDir, version, release, dists, ...(kinds === undefined ? {} : { kinds }) }
  requireSound(options) // before a directory is made for nothing
  const changes = await git(task, projectDir, ['status', '--porcelain'])
  await makeDirs(outDir)
  if (changes !== '') task.log('warning', 'what is not committed is in none of the packages')
  for (const built of await buildPackages(task, options)) await print(`${built.path}\n`)
}
