/** What is made on the host can be written by nobody else, and read where it is secret by its owner alone. */
import { lstat, mkdir, readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { makeProject, ONE_TEMPLATE_VM, tinyRepository, TWO_EMPTY_VMS } from '../helpers/lago-project.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const tempDir = useTempDirs()
const umask = process.umask()
afterEach(() => void process.umask(umask))

/** Rights of everything below `dir` by its path from there; links have none. */
async function modesBelow(dir: string): Promise<ReadonlyMap<string, number>> {
  const modes = new Map<string, number>()
  for (const name of (await readdir(dir, { recursive: true })).sort()) {
    const entry = await lstat(path.join(dir, name))
    if (!entry.isSymbolicLink()) modes.set(name, entry.mode & 0o7777)
  }
  return modes
}

const PASSWORDS = ['pass-of-root-1', 'pass-of-ssh-2']
const WITH_PASSWORDS = TWO_EMPTY_VMS.replaceAll(
  'memory: 64',
  `memory: 64\n    root-password: ${PASSWORDS[0]}\n    ssh-password: ${PASSWORDS[1]}`,
)

describe.each(['000', '022', '077'])('with the umask %s', (octal) => {
  const umask = Number.parseInt(octal, 8)

  test('nothing that is made can be written by others', async () => {
    const files = { LagoInitFile: ONE_TEMPLATE_VM, ...tinyRepository() }
    const dir = await tempDir()
    const project = await makeProject(dir, files, {
      LAGO__INIT__TEMPLATE_REPO_PATH: path.join(dir, 'repo', 'template-repo.json'),
      TINY_ROOT: path.join(dir, 'repo'),
    })
    await mkdir(path.join(dir, 'home'))
    const given = await modesBelow(dir)
    process.umask(umask)
    for (const verb of [
      ['init'],
      ['start'],
      ['stop'],
      ['export', '-d', 'exported'],
      ['collect', '--output', 'collected'],
    ])
      expect(await project.lago(verb)).toMatchObject({ exitCode: 0 })
    const made = [...(await modesBelow(dir))].filter(([name]) => !given.has(name))
    const names = made.map(([name]) => name)
    for (const place of ['.lago/default/virt/vm-vm0', 'store/local:tiny:v1', 'subnets', 'exported', 'collected/vm0'])
      expect(names).toContain(place)
    expect(made.filter(([, mode]) => (mode & 0o002) !== 0)).toEqual([])
  })

  test('a prefix and its secrets are of its owner alone', async () => {
    const project = await makeProject(await tempDir(), { LagoInitFile: WITH_PASSWORDS })
    process.umask(umask)
    expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
    expect(await project.lago(['start'])).toMatchObject({ exitCode: 0 })
    const modes = await modesBelow(path.join(project.dir, '.lago'))
    for (const dir of ['default', 'default/images', 'default/virt', 'default/logs', 'default/scripts'])
      expect([dir, modes.get(dir)]).toEqual([dir, 0o700])
    const secrets = ['id_rsa', 'virt/vm-vm0', 'images/vm0_root.qcow2', 'logs/lago.log', 'logs/console-vm0.log']
    for (const file of secrets) expect([file, modes.get(`default/${file}`)]).toEqual([file, 0o600])
    const workdir = (await lstat(path.join(project.dir, '.lago'))).mode
    expect(workdir & 0o113).toBe(0o111) // qemu's user passes it
    await project.lago(['destroy', '--yes'])
  })

  test('qemu reaches the templates of a store that was made', async () => {
    const dir = await tempDir()
    const files = { LagoInitFile: ONE_TEMPLATE_VM, ...tinyRepository() }
    const project = await makeProject(dir, files, {
      LAGO__INIT__TEMPLATE_REPO_PATH: path.join(dir, 'repo', 'template-repo.json'),
      LAGO__INIT__TEMPLATE_STORE: path.join(dir, 'var', 'lib', 'store'),
      TINY_ROOT: path.join(dir, 'repo'),
    })
    process.umask(umask)
    expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
    const modes = await modesBelow(path.join(dir, 'var'))
    for (const place of ['lib', 'lib/store']) expect([place, (modes.get(place) ?? 0) & 0o113]).toEqual([place, 0o111])
    expect((modes.get('lib/store/local:tiny:v1') ?? 0) & 0o444).toBe(0o444)
  })
})

test('passwords are in no log, whatever its level', async () => {
  const project = await makeProject(await tempDir(), { LagoInitFile: WITH_PASSWORDS })
  const told: string[] = []
  for (const verb of ['init', 'start', 'stop']) {
    const { exitCode, stderr } = await project.lago(['-l', 'debug', '--events', `${verb}.events`, verb])
    expect(exitCode).toBe(0)
    told.push(stderr, await project.read(`${verb}.events`))
  }
  told.push(await readFile(path.join(project.dir, '.lago/default/logs/lago.log'), 'utf8'))
  for (const password of PASSWORDS) {
    expect(await project.read('.lago/default/virt/vm-vm0')).toContain(password)
    expect(told.filter((text) => text.includes(password))).toEqual([])
  }
})
