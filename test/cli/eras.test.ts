/** `lagocli` as the guide of era 0.x has it, beside what 1.x makes of the same words. */
import { existsSync } from 'node:fs'
import { rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { makeProject, tinyRepository, type LagoProject, type LagoRun } from '../helpers/lago-project.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

const vm = (name: string): unknown => ({
  memory: 64,
  vcpu: 1,
  nics: [{ net: 'lago' }],
  disks: [{ name: 'root', type: 'template', template_name: 'tiny', dev: 'vda', format: 'qcow2' }],
  metadata: { 'ovirt-role': name.replace(/\d/, '') },
})
const INIT_JSON = JSON.stringify({
  domains: { engine: vm('engine'), host0: vm('host0') },
  nets: { lago: { type: 'nat', dhcp: { start: 100, end: 254 }, management: true } },
})

async function suite(files: Readonly<Record<string, string>> = {}): Promise<LagoProject> {
  const dir = await makeTempDir()
  const all = { 'init.json': INIT_JSON, 'init.yaml': `# YAML\n${INIT_JSON}`, ...tinyRepository(), ...files }
  return makeProject(dir, all, { TINY_ROOT: path.join(dir, 'repo') })
}

const REPO = '--template-repo-path=repo/template-repo.json'

async function lagocli(project: LagoProject, args: readonly string[], cwd = '.'): Promise<LagoRun> {
  return project.lago(args, { cwd, program: 'lagocli' })
}

describe('the commands of the guide', () => {
  test('make a prefix with both marks, and work in it, below it, and from outside', async () => {
    const project = await suite()
    const init = await lagocli(project, ['init', REPO, 'deployment-basic', 'init.json'])
    expect(init).toMatchObject({ exitCode: 0, stdout: '' })
    expect(await project.ls('deployment-basic')).toEqual([
      '.lago',
      'id_rsa',
      'id_rsa.pub',
      'images',
      'initialized',
      'logs',
      'metadata',
      'scripts',
      'uuid',
      'virt',
    ])
    expect(await project.read('deployment-basic/.lago')).toBe('')
    for (const [args, cwd] of [
      [['status'], 'deployment-basic'],
      [['status'], 'deployment-basic/images'],
      [['--prefix-path', 'deployment-basic', 'status'], '.'],
    ] as const) {
      const status = await lagocli(project, args, cwd)
      expect(status.stdout).toContain(`Base directory: ${path.join(project.dir, 'deployment-basic')}\n`)
    }
    for (const verb of ['start', 'stop']) {
      const run = await lagocli(project, [verb], 'deployment-basic')
      expect(run).toMatchObject({ exitCode: 0, stdout: '' })
      expect(run.stderr).toContain(verb === 'start' ? 'Starting VM engine' : 'Stop prefix')
    }
    expect((await lagocli(project, ['list', '--all'])).stdout).toContain(
      `${path.join(project.dir, 'deployment-basic')}: down, 0 of 2 VMs`,
    )
    expect(await project.ls('deployment-basic/virt')).not.toContain('under-way')
  })

  test('cleanup takes both marks and leaves the files; destroy still finds it, and frees all', async () => {
    const project = await suite()
    await lagocli(project, ['init', REPO, 'p', 'init.json'])
    expect(await lagocli(project, ['cleanup'], 'p')).toMatchObject({ exitCode: 0 })
    const files = await project.ls('p')
    expect([files.includes('.lago'), files.includes('initialized'), files.includes('images')]).toEqual([
      false,
      false,
      true,
    ])
    const status = await lagocli(project, ['status'], 'p')
    expect(status).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('was cleaned up') })
    expect(await lagocli(project, ['destroy', '--yes'], 'p')).toMatchObject({ exitCode: 0 })
    expect(existsSync(path.join(project.dir, 'p'))).toBe(false)
    expect((await project.ls('subnets')).filter((name) => name.endsWith('.lease'))).toEqual([])
    expect((await lagocli(project, ['list', '--all'])).stdout.trim()).toBe('')
    expect(existsSync(path.join(project.dir, 'init.json'))).toBe(true)
  })

  test('a directory that is there is refused, and stays; a failed init leaves nothing', async () => {
    const project = await suite({ 'taken/file': 'mine' })
    const taken = await lagocli(project, ['init', REPO, 'taken', 'init.json'])
    expect(taken.exitCode).toBe(2)
    expect(taken.stderr).toContain(`Could not create prefix at ${path.join(project.dir, 'taken')}`)
    expect(taken.stderr).toContain('[LAGO_PREFIX_EXISTS]')
    expect(await project.ls('taken')).toEqual(['file'])
    await rm(path.join(project.dir, 'repo/tiny.raw'))
    const failed = await lagocli(project, ['init', REPO, 'new/deep/p', 'init.json'])
    expect(failed.exitCode).toBe(2)
    expect(existsSync(path.join(project.dir, 'new'))).toBe(false)
    expect((await project.ls('subnets')).filter((name) => name.endsWith('.lease'))).toEqual([])
  })

  test('verbs of lago ovirt work beside the only prefix, others name it', async () => {
    const project = await suite()
    await lagocli(project, ['init', REPO, 'p', 'init.json'])
    const deploy = await lagocli(project, ['ovirt', 'deploy'])
    expect(deploy.stderr).toContain('management net lago is down')
    const start = await lagocli(project, ['start'])
    expect(start.stderr).toContain('Found possible prefixes in: p')
  })

  test('a prefix that was linked to loses the link alone', async () => {
    const project = await suite()
    await lagocli(project, ['init', REPO, 'p', 'init.json'])
    await symlink('p', path.join(project.dir, 'link'))
    expect(await lagocli(project, ['-p', 'link', 'destroy', '--yes'])).toMatchObject({ exitCode: 0 })
    expect([existsSync(path.join(project.dir, 'link')), existsSync(path.join(project.dir, 'p/uuid'))]).toEqual([
      false,
      true,
    ])
  })

  test('an init that was killed between its marks is finished as what it was', async () => {
    const project = await suite()
    await lagocli(project, ['init', REPO, 'p', 'init.json'])
    await rm(path.join(project.dir, 'p/initialized'))
    await writeFile(path.join(project.dir, 'p/virt/under-way'), JSON.stringify({ verb: 'init', era: '0.x' }))
    const stop = await lagocli(project, ['stop'], 'p')
    expect(stop.stderr).toContain('only its mark was missing, and it is finished')
    expect((await project.ls('p')).slice(0, 1)).toEqual(['.lago'])
    expect(await project.ls('p')).toContain('initialized')
  })

  test('in a prefix of 0.x, 1.x cannot make its workdir under that name, and says so', async () => {
    const project = await suite()
    await lagocli(project, ['init', REPO, 'p', 'init.json'])
    const init = await project.lago(['init', '../init.yaml'], { cwd: 'p' })
    expect(init.exitCode).toBe(2)
    expect(init.stderr).toMatch(/p\/\.lago .*\[LAGO_NO_WORKDIR\]/)
  })
})

test('what was taken for what is told at debug level; a configuration decides', async () => {
  const project = await suite()
  const init = await lagocli(project, ['--loglevel', 'debug', 'init', REPO, 'p', 'init.json'])
  const told = 'is the prefix itself (called as lagocli, with a new directory and JSON)'
  expect(init.stderr).toContain(`era 0.x: ${path.join(project.dir, 'p')} ${told}`)
  const other = await project.lago(['-l', 'debug', 'init', REPO, 'q', 'init.json'], {
    program: 'lagocli',
    env: { LAGO_ERA: '1.x' },
  })
  expect(other.stderr).toContain(`era 1.x: ${path.join(project.dir, 'q')} is the workdir (era = 1.x, env:LAGO_ERA)`)
  expect(await project.ls('q')).toEqual(['current', 'default'])
  const plain = await project.lago(['init', REPO, 'r', 'init.json'])
  expect(plain).toMatchObject({ exitCode: 0 })
  expect(await project.ls('r')).toEqual(['current', 'default'])
})
