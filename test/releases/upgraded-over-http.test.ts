/** Users who follow a tree of releases get the next one. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { buildSmallPackages, makeGitProject } from '../helpers/git-project.js'
import { useGpgHome } from '../helpers/gpg-key.js'
import { serveDir, useHttpServers } from '../helpers/http-server.js'
import { aptWith, dnfWith } from '../helpers/release-readers.js'
import { runRelease } from '../helpers/release-program.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const gpgHome = useGpgHome()
const servers = useHttpServers()

test('dnf and apt upgrade to the release that was promoted last', async () => {
  const workDir = await makeTempDir()
  const treeDir = path.join(workDir, 'tree')
  const { url } = await servers.http(serveDir(treeDir))
  const project = await makeGitProject(path.join(workDir, 'project'))
  const key = gpgHome().makeKey('Lago test <test@example.org>')
  const packages = path.join(workDir, 'packages')
  const run = async (...args: readonly string[]): Promise<void> => {
    const { exitCode, stderr } = await runRelease([...args, '--key', key, '--project', project.dir])
    if (exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${exitCode}:\n${stderr}`)
  }
  const release = async (version: string, pipeline: string): Promise<void> => {
    await buildSmallPackages(packages, version)
    await run('snapshot', treeDir, '--pipeline', pipeline, '--url', url, '--packages', packages)
    await run('promote', treeDir, '--reason', 'a test')
  }
  await release('2.0.1', '1')
  const stable = async (name: string): Promise<string> => readFile(path.join(treeDir, 'stable/2.0', name), 'utf8')
  const dnf = dnfWith(path.join(workDir, 'dnf'), await stable('lago-el.repo'), '9')
  const apt = aptWith(path.join(workDir, 'apt'), await stable('lago.sources'))
  expect(await dnf('install', 'lago')).toMatchObject({ exitCode: 0 })
  expect(await apt('update')).toMatchObject({ exitCode: 0 })

  project.git('checkout', '--quiet', '--', 'CHANGELOG.md')
  project.commit('mend more\n\nBug-Url: https://bugzilla.example.org/5678\n')
  await release('2.0.2', '2')
  expect(await dnf('upgrade')).toMatchObject({ exitCode: 0, text: expect.stringMatching(/lago +noarch +2\.0\.2-1/) })
  expect(await apt('update')).toMatchObject({ exitCode: 0 })
  expect(await apt('download', 'lago')).toMatchObject({ exitCode: 0, text: expect.stringContaining('2.0.2') })
})
