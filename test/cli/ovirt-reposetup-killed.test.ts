import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { makeProject, TWO_EMPTY_VMS } from '../helpers/lago-project.js'
import { buildRpm } from '../helpers/rpms.js'
import { writeSourceTree } from '../helpers/source-tree.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

const SUITE = TWO_EMPTY_VMS.replace('memory: 64', 'memory: 64\n    vm-type: ovirt-host\n    distro: el7')

test('what a killed run has left goes with the next one, which waits for nobody', async () => {
  const dir = await makeTempDir()
  const project = await makeProject(dir, { LagoInitFile: SUITE })
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
  await buildRpm(path.join(dir, 'rpms'), { name: 'a' })
  const tree = path.join(dir, 'vdsm')
  await writeSourceTree(tree, { name: 'vdsm', dist: ['@echo packing', 'exec sleep 60'] })

  const killed = project.spawnLago(['-l', 'debug', '--logdepth', '-1', 'ovirt', 'reposetup', '--vdsm-dir', 'vdsm'])
  if (killed.stderr === null) throw new Error('unreachable: it is a pipe')
  for await (const line of createInterface(killed.stderr)) if (line.includes('run: make dist')) break
  killed.kill('SIGKILL')
  await new Promise((resolve) => killed.on('close', resolve))
  const internal = path.join(dir, '.lago/default/internal_repo')
  const buildDir = path.join(dir, '.lago/default/build/vdsm')
  expect((await readdir(buildDir)).filter((name) => name.startsWith('lago-build-'))).toHaveLength(1)
  await mkdir(path.join(internal, 'default', '.el7-7'), { recursive: true }) // of one that was killed later

  await writeSourceTree(tree, { name: 'vdsm' })
  await writeFile(path.join(tree, 'README'), '')
  const next = await project.lago(['ovirt', 'reposetup', '--vdsm-dir', 'vdsm', '--custom-source', 'rpms'])
  expect(next).toMatchObject({ exitCode: 0 })
  expect((await readdir(buildDir)).sort()).toEqual(['el7', 'prepare.log'])
  expect((await readdir(path.join(internal, 'default'))).sort()).toEqual(['.el7-1', 'el7'])
  expect((await readdir(path.join(internal, 'el7'))).filter((name) => name.endsWith('.rpm')).sort()).toEqual([
    'a-1-1.noarch.rpm',
    'vdsm-9.0-1.el7.noarch.rpm',
  ])
})
