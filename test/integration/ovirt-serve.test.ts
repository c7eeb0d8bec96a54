/** The internal repository, served to a mini guest on a real network. The tests are the life of one environment, in order. */
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { makeProject, outcomeOf, type LagoProject } from '../helpers/lago-project.js'
import { hostState, MINI_ENV, miniVm } from '../helpers/real-host.js'

let project: LagoProject
let before: Awaited<ReturnType<typeof hostState>>

/** As the deploy scripts of suites find the server: by the first three parts of the guest's own address. */
const ADD_REPO = `
address=$(ip -4 addr show dev eth0 | sed -n 's|.*inet \\([0-9]*\\.[0-9]*\\.[0-9]*\\)\\..*|\\1|p')
wget -q -O /root/got "http://$address.1:8585/default/el7/a.rpm" && wget -q -O /root/older "http://$address.1:8585/el7/a.rpm"
wget -q -O /root/outside "http://$address.1:8585/outside/uuid" && exit 3
true
`

beforeAll(async () => {
  before = await hostState()
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lago-serve-'))
  const vm = {
    ...(miniVm([{ net: 'lago' }]) as object),
    metadata: { 'deploy-scripts': [path.join(dir, 'add-repo.sh')] },
  }
  const initFile = {
    domains: { vm0: vm },
    nets: { lago: { type: 'nat', management: true, dhcp: { start: 100, end: 254 } } },
  }
  project = await makeProject(dir, { LagoInitFile: JSON.stringify(initFile), 'add-repo.sh': ADD_REPO }, MINI_ENV)
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
})

afterAll(async () => {
  await project.lago(['destroy', '--yes'])
  await rm(project.dir, { recursive: true, force: true })
})

test('with the net down it is said what to do', async () => {
  const deploy = await project.lago(['ovirt', 'deploy'])
  expect(deploy).toMatchObject({ exitCode: 1, stdout: '' })
  expect(deploy.stderr).toContain('management net lago is down: nothing can be served on it [LAGO_REPO_NET_DOWN]')
  expect(await project.lago(['start'])).toMatchObject({ exitCode: 0 })
})

test('deploy scripts find the repository, by the paths of both eras, and nothing beside it', async () => {
  const repo = path.join(project.dir, '.lago/default/internal_repo')
  await mkdir(path.join(repo, 'default/el7'), { recursive: true })
  await writeFile(path.join(repo, 'default/el7/a.rpm'), 'a package')
  await symlink('default/el7', path.join(repo, 'el7'))
  await symlink('..', path.join(repo, 'outside'))
  expect(await project.lago(['ovirt', 'deploy'])).toMatchObject({ exitCode: 0, stdout: '' })
  const got = await project.lago(['shell', 'vm0', 'cat /root/got /root/older'])
  expect(got).toMatchObject({ exitCode: 0, stdout: 'a packagea package' })
})

test('serve goes on until Ctrl-C, which is no error; meanwhile nobody else gets the port', async () => {
  const serve = project.spawnLago(['ovirt', 'serve'])
  const outcome = outcomeOf(serve)
  let told = ''
  const url = await new Promise<string>((resolve, reject) => {
    serve.stderr?.on('data', (chunk: Buffer) => {
      told += chunk.toString()
      const found = /Running repo server\.\.\. (\S+)/.exec(told)?.[1]
      if (found !== undefined) resolve(found)
    })
    serve.once('close', () => reject(new Error(told)))
  })
  expect(await (await fetch(`${url}default/el7/a.rpm`)).text()).toBe('a package')
  const second = await project.lago(['ovirt', 'serve'])
  expect(second.exitCode).toBe(1)
  expect(second.stderr).toContain(
    `is taken by process ${serve.pid} (node), another lago that serves this environment [LAGO_REPO_PORT]`,
  )
  serve.kill('SIGINT')
  expect(await outcome).toMatchObject({ exitCode: 0, stdout: '' })
  await expect(fetch(url)).rejects.toThrow()
})

test('SIGTERM ends it, too, with the exit code of the signal', async () => {
  const serve = project.spawnLago(['ovirt', 'serve'])
  const outcome = outcomeOf(serve)
  await once(serve.stderr as NodeJS.ReadableStream, 'data') // some of what it says; it ends at any point
  serve.kill('SIGTERM')
  expect(await outcome).toMatchObject({ exitCode: 143 })
})

test('nothing is left of it', async () => {
  expect(await project.lago(['destroy', '--yes'])).toMatchObject({ exitCode: 0 })
  expect(await hostState(before)).toEqual(before)
})
