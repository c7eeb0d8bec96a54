import { mkdir, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import {
  makeProject,
  ONE_TEMPLATE_VM,
  tinyRepository,
  TWO_EMPTY_VMS,
  type LagoProject,
  leasedSubnet,
  leaseFile,
} from '../helpers/lago-project.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const project = async (files: Record<string, string> = { LagoInitFile: TWO_EMPTY_VMS }): Promise<LagoProject> =>
  makeProject(await makeTempDir(), files)

describe('init', () => {
  test('makes a prefix with upstream names, the least rights, a lease, and says nothing on stdout', async () => {
    const { lago, ls, read, dir } = await project()
    const run = await lago(['init'])
    expect(run).toMatchObject({ exitCode: 0, stdout: '' })
    expect(run.stderr).toContain('@ Initialize and populate prefix: Success (in 0:0')
    expect(await ls('.lago')).toEqual(['current', 'default'])
    expect(await readlink(path.join(dir, '.lago/current'))).toBe('default')
    expect(await ls('.lago/default')).toEqual([
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
    expect(await ls('.lago/default/virt')).toEqual(['env', 'net-lago', 'vm-vm0', 'vm-vm1'])
    expect(await ls('.lago/default/images')).toEqual(['vm0_root.qcow2', 'vm1_root.qcow2'])
    const uuid = await read('.lago/default/uuid')
    expect(uuid).toMatch(/^[0-9a-f]{32}$/)
    expect(JSON.parse(await read(`subnets/${await leaseFile({ read })}`))).toEqual([
      path.join(dir, '.lago/default/uuid'),
      uuid,
    ])
    expect((await stat(path.join(dir, '.lago/default/id_rsa'))).mode & 0o777).toBe(0o600)
    expect((await stat(path.join(dir, '.lago/default'))).mode & 0o777).toBe(0o700)
    expect(JSON.parse(await read('.lago/default/virt/vm-vm1'))).toMatchObject({
      name: 'vm1',
      memory: 64,
      nics: [{ net: 'lago', ip: `${await leasedSubnet({ read })}.3` }],
      disks: [{ name: 'root', path: '$LAGO_PREFIX_PATH/images/vm1_root.qcow2' }],
      mgmt_net: 'lago',
    })
  })

  test('one positional is the init file, two are workdir and init file; options may come last and be shortened', async () => {
    const { lago, ls } = await project({ 'my.json': JSON.stringify({ domains: {}, nets: { lago: { type: 'nat' } } }) })
    expect((await lago(['init', 'my.json'])).exitCode).toBe(0)
    expect(await ls('.lago')).toEqual(['current', 'default'])
    expect((await lago(['init', 'deployment-x', 'my.json', '--skip-boot'])).exitCode).toBe(0)
    expect(await ls('deployment-x')).toEqual(['current', 'default'])
    expect((await lago(['--workdir', 'third', 'init', 'my.json'], { program: 'lagocli' })).exitCode).toBe(0)
    expect(await ls('third')).toEqual(['current', 'default'])
  })

  test('a template disk is laid over the store, whose metadata the prefix carries', async () => {
    const { lago, ls, read, dir } = await project({ LagoInitFile: ONE_TEMPLATE_VM, ...tinyRepository() })
    const env = { TINY_ROOT: path.join(dir, 'repo') }
    const run = await lago(['init', '--template-repo-path', 'repo/template-repo.json'], { env })
    expect(run).toMatchObject({ exitCode: 0, stdout: '' })
    expect(await ls('store')).toEqual(
      expect.arrayContaining(['local:tiny:v1', 'local:tiny:v1.hash', 'local:tiny:v1.metadata']),
    )
    expect((await read('.lago/default/images/vm0_root.qcow2')).includes(path.join(dir, 'store/local:tiny:v1'))).toBe(
      true,
    )
    expect((await lago(['-f', 'flat', 'status'])).stdout).toContain('VMs/vm0/distro: tinyos\n')
  })

  test('deploy scripts are copied into the prefix under their flattened paths', async () => {
    const init = TWO_EMPTY_VMS.replace(
      '    memory: 64',
      '    metadata: {deploy-scripts: [$LAGO_INITFILE_PATH/a b.sh]}\n    memory: 64',
    )
    const { lago, ls, dir, read } = await project({ LagoInitFile: init, 'a b.sh': 'true\n' })
    expect((await lago(['init'])).exitCode).toBe(0)
    const copied = `${dir}/a b.sh`.replaceAll('/', '_')
    expect(await ls('.lago/default/scripts')).toEqual([copied])
    expect(JSON.parse(await read('.lago/default/virt/vm-vm0'))).toMatchObject({
      metadata: { 'deploy-scripts': [`$LAGO_PREFIX_PATH/scripts/${copied}`] },
    })
  })

  test('a second prefix leaves current alone unless told otherwise', async () => {
    const { lago, dir } = await project()
    await lago(['init'])
    await lago(['--prefix-name', 'b', 'init'])
    expect(await readlink(path.join(dir, '.lago/current'))).toBe('default')
    await lago(['--prefix-name', 'c', 'init', '--set-current'])
    expect(await readlink(path.join(dir, '.lago/current'))).toBe('c')
    expect((await lago(['list'])).stdout).toBe('b\nc\ndefault\n')
  })
})

describe('init leaves nothing behind when', () => {
  test.each<[string, Record<string, string>, readonly string[], RegExp]>([
    ['there is no init file', {}, [], /^Unable to find init file: .*\/LagoInitFile/m],
    [
      'the init file is wrong: every problem with its place',
      { LagoInitFile: TWO_EMPTY_VMS.replaceAll('net: lago', 'net: lagoo') },
      [],
      /LagoInitFile:6:18: domains\.vm0\.nics\[0\]\.net: .*lagoo[\s\S]*LagoInitFile:11:18: domains\.vm1\.nics\[0\]\.net/,
    ],
    [
      'a deploy script is missing',
      {
        LagoInitFile: TWO_EMPTY_VMS.replace(
          '    memory: 64',
          '    metadata: {deploy-scripts: [gone.sh]}\n    memory: 64',
        ),
      },
      [],
      /LagoInitFile:4:33: domains\.vm0\.metadata\.deploy-scripts\[0\]: there is no file .*\/gone\.sh/,
    ],
    [
      'the template is unknown',
      { LagoInitFile: ONE_TEMPLATE_VM.replace('tiny', 'tinny'), ...tinyRepository() },
      ['--template-repo-path', 'repo/template-repo.json'],
      /tinny[\s\S]*LAGO_TEMPLATE_UNKNOWN/,
    ],
    [
      'no repository is configured',
      { LagoInitFile: ONE_TEMPLATE_VM },
      [],
      /LAGO_TEMPLATE_REPO[\s\S]*--template-repo-path/,
    ],
    [
      'the hash is wrong',
      { LagoInitFile: ONE_TEMPLATE_VM, ...tinyRepository('0'.repeat(40)) },
      ['--template-repo-path', 'repo/template-repo.json'],
      /0000000000[\s\S]*LAGO_TEMPLATE_CHECKSUM/,
    ],
    [
      'a VM type is unknown',
      { LagoInitFile: TWO_EMPTY_VMS.replace('    memory: 64', '    vm-type: ovirt-hostt\n    memory: 64') },
      [],
      /LagoInitFile:4:14: domains\.vm0\.vm-type: unknown VM type "ovirt-hostt"; known: default/,
    ],
  ])('%s', async (_, files, options, message) => {
    const { lago, ls, dir } = await project(files)
    const run = await lago(['init', ...options], { env: { TINY_ROOT: path.join(dir, 'repo') } })
    expect(run.stderr).toMatch(message)
    expect(run).toMatchObject({ exitCode: 2, stdout: '' })
    expect(await ls('.lago')).toEqual([])
    expect((await ls('subnets')).filter((name) => name.endsWith('.lease'))).toEqual([])
    expect((await ls('store')).filter((name) => !name.endsWith('.lock'))).toEqual([])
  })

  test('the name is taken: the prefix that has it stays as it is', async () => {
    const { lago, read } = await project()
    await lago(['init'])
    const uuid = await read('.lago/default/uuid')
    const run = await lago(['init'])
    expect(run.exitCode).toBe(2)
    expect(run.stderr).toMatch(/Prefix with name default already exists in workdir[\s\S]*LAGO_PREFIX_EXISTS/)
    expect(await read('.lago/default/uuid')).toBe(uuid)
  })

  test('the directory holds other things', async () => {
    const { lago, ls } = await project({ LagoInitFile: TWO_EMPTY_VMS, 'home/thesis.txt': 'dear' })
    const run = await lago(['init', 'home', 'LagoInitFile'])
    expect(run.exitCode).toBe(2)
    expect(run.stderr).toContain('it is not a workdir')
    expect(await ls('home')).toEqual(['thesis.txt'])
  })

  test('all subnets are held: the message says by whom', async () => {
    const leases = Object.fromEntries(
      Array.from({ length: 56 }, (_, i) => [`subnets/${200 + i}.lease`, JSON.stringify(['$ROOT/held', 'aa'])]),
    )
    const dir = await makeTempDir()
    const files = Object.entries(leases).map(([name, text]) => [name, text.replace('$ROOT', dir)])
    const { lago, ls } = await makeProject(dir, {
      LagoInitFile: TWO_EMPTY_VMS,
      held: 'aa',
      ...Object.fromEntries(files),
    })
    const run = await lago(['init'])
    expect(run.stderr).toMatch(/LAGO_SUBNETS_EXHAUSTED/)
    expect(run.stderr).toContain(`56 are leased (${dir}: 192.168.200.0/24 and 55 more)`)
    expect(run.exitCode).toBe(2)
    expect(await ls('.lago')).toEqual([])
    expect(await ls('subnets')).toHaveLength(58) // 56 leases, the lock, and the register
  })
})

test('what a killed init left is cleared by the next one', async () => {
  const leftOver = { '.lago/default/uuid': 'f'.repeat(32), '.lago/default/images/vm0_root.qcow2': 'half' }
  const { lago, ls, dir } = await project({ LagoInitFile: TWO_EMPTY_VMS, ...leftOver })
  await symlink('default', path.join(dir, '.lago/current'))
  expect((await lago(['status'])).stderr).toContain('LAGO_PREFIX_CORRUPT')
  const run = await lago(['init'])
  expect(run.stderr).toContain('removing what an interrupted init left')
  expect(run.exitCode).toBe(0)
  expect(await ls('.lago/default/images')).toEqual(['vm0_root.qcow2', 'vm1_root.qcow2'])
})

/** As `noteUnderWay` writes it; nobody is left to remove it. */
const note = (verb: string): string => JSON.stringify({ verb, vms: [], paused: [], unfinished: [] })

test('the subnets of a killed init are free when the next one has cleared it', async () => {
  const former = 'f'.repeat(32)
  const { lago, ls, dir } = await project({
    LagoInitFile: TWO_EMPTY_VMS,
    '.lago/default/uuid': former,
    '.lago/default/virt/under-way': note('init'),
  })
  await symlink('default', path.join(dir, '.lago/current'))
  await mkdir(path.join(dir, 'subnets'))
  const lease = JSON.stringify([path.join(dir, '.lago/default/uuid'), former])
  await writeFile(path.join(dir, 'subnets/250.lease'), lease)
  await writeFile(path.join(dir, 'subnets/.251.lease.1.1.tmp'), 'half')
  expect(await lago(['init'])).toMatchObject({ exitCode: 0 })
  expect(await ls('subnets')).toEqual([expect.stringMatching(/^2..\.lease$/), 'environments', 'subnet-lease.lock'])
  expect(await ls('subnets')).not.toContain('250.lease')
})

test('an init that was killed before its mark is complete for the next verb, and is made anew by the next init', async () => {
  const { lago, ls, dir } = await project({ LagoInitFile: TWO_EMPTY_VMS })
  await lago(['init'])
  const killed = async (): Promise<void> => {
    await rm(path.join(dir, '.lago/default/initialized'))
    await writeFile(path.join(dir, '.lago/default/virt/under-way'), note('init'))
  }
  await killed()
  const start = await lago(['stop'])
  expect(start.stderr).toContain('"lago init" was interrupted: only its mark was missing, and it is finished')
  expect(await ls('.lago/default')).toContain('initialized')
  await killed()
  const again = await lago(['init'])
  expect(again.stderr).toContain('removing what an interrupted init left')
  expect(again.exitCode).toBe(0)
})

test('a destroy that was killed is finished by the next destroy or init, and undone by any other verb while it can be', async () => {
  const { lago, ls, dir } = await project({ LagoInitFile: TWO_EMPTY_VMS })
  await lago(['init'])
  const underWay = path.join(dir, '.lago/default/virt/under-way')
  await writeFile(underWay, note('destroy'))
  const stop = await lago(['stop'])
  expect(stop.stderr).toContain('"lago destroy" was interrupted: nothing had been deleted yet, and it is undone')
  expect(await ls('.lago/default/virt')).not.toContain('under-way')
  await writeFile(underWay, note('destroy'))
  await rm(path.join(dir, '.lago/default/virt/env'))
  const init = await lago(['init'])
  expect(init).toMatchObject({ exitCode: 0 })
  expect(init.stderr).toContain('"lago destroy" was interrupted: it is finished now')
  await writeFile(underWay, note('destroy'))
  expect((await lago(['destroy', '-y'])).stderr).toContain('"lago destroy" was interrupted: it is finished now')
  expect(await ls('.')).not.toContain('.lago')
})

test('a workdir in which a killed init or destroy left nothing is removed by destroy', async () => {
  const { lago, ls, dir } = await project()
  await mkdir(path.join(dir, '.lago'))
  await symlink('default', path.join(dir, '.lago/current'))
  const run = await lago(['destroy', '-y'])
  expect(run.exitCode).toBe(0)
  expect(run.stderr).toContain('an init or a destroy was interrupted')
  expect(await ls('.')).not.toContain('.lago')
})

test('a directory that an init made and was killed in is cleared as well', async () => {
  const { lago, dir } = await project()
  await mkdir(path.join(dir, '.lago/default'), { recursive: true })
  await symlink('default', path.join(dir, '.lago/current'))
  expect(await lago(['init'])).toMatchObject({ exitCode: 0 })
})

test.each([
  ['a file', 'LagoInitFile', 'LAGO_FILE'],
  ['below a file', 'LagoInitFile/x', 'LAGO_FILE'],
])('a workdir that cannot be made is one line with exit code 2: %s', async (_, workdir, code) => {
  const { lago } = await project()
  const run = await lago(['init', workdir, 'LagoInitFile'])
  expect(run).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(`[${code}]`) })
  expect(run.stderr).not.toMatch(/\n\s+at /)
})

test('a workdir reached through a link: the lease names the real path, and destroy frees it', async () => {
  const { lago, dir, ls } = await project()
  await mkdir(path.join(dir, 'real'))
  await symlink('real', path.join(dir, 'link'))
  await lago(['--workdir', 'link/wd', 'init'])
  expect(await ls('subnets')).toContainEqual(expect.stringMatching(/^\d+\.lease$/))
  await lago(['--workdir', 'link/wd', 'destroy', '-y'])
  expect(await ls('subnets')).toEqual(['environments', 'subnet-lease.lock'])
})

test('init writes the log of what it did into the prefix', async () => {
  const { lago, read } = await project()
  await lago(['init'])
  expect(await read('.lago/default/logs/lago.log')).toContain('Create ssh keys')
})

test('two scripts whose flattened paths meet are both kept', async () => {
  const scripts = '    metadata: {deploy-scripts: [a_b/c.sh, a/b_c.sh]}\n    memory: 64'
  const init = TWO_EMPTY_VMS.replace('    memory: 64', scripts)
  const { lago, ls, read, dir } = await project({ LagoInitFile: init, 'a_b/c.sh': 'one', 'a/b_c.sh': 'two' })
  await lago(['init'])
  const flat = `${dir}/a_b/c.sh`.replaceAll('/', '_')
  expect(await ls('.lago/default/scripts')).toEqual([flat, `${flat}.2`])
  expect(await read(`.lago/default/scripts/${flat}.2`)).toBe('two')
})
