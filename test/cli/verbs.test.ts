import { existsSync } from 'node:fs'
import { mkdir, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { leasedSubnet, makeProject, outcomeOf, TWO_EMPTY_VMS, type LagoProject } from '../helpers/lago-project.js'
import { startScript } from '../helpers/child-script.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

async function initialized(): Promise<LagoProject> {
  const project = await makeProject(await makeTempDir(), { LagoInitFile: TWO_EMPTY_VMS })
  const run = await project.lago(['init'])
  expect(run).toMatchObject({ exitCode: 0 })
  return project
}

describe('status', () => {
  test('in every format, with nothing but the answer on stdout and nothing on stderr', async () => {
    const { lago, dir, read } = await initialized()
    const uuid = await read('.lago/default/uuid')
    const subnet = await leasedSubnet({ read })
    const flat = await lago(['--out-format', 'flat', 'status'])
    expect(flat.stderr).toBe('')
    expect(flat.stdout).toBe(
      [
        `Base directory: ${dir}/.lago/default`,
        `Networks/lago/gateway: ${subnet}.1`,
        'Networks/lago/management: True',
        'Networks/lago/status: down',
        `UUID: ${uuid}`,
        `VMs/vm0/NICs/eth0/ip: ${subnet}.2`,
        'VMs/vm0/NICs/eth0/network: lago',
        'VMs/vm0/distro: None',
        'VMs/vm0/root password: 123456',
        'VMs/vm0/snapshots: ',
        'VMs/vm0/status: down',
        `VMs/vm1/NICs/eth0/ip: ${subnet}.3`,
        'VMs/vm1/NICs/eth0/network: lago',
        'VMs/vm1/distro: None',
        'VMs/vm1/root password: 123456',
        'VMs/vm1/snapshots: ',
        'VMs/vm1/status: down',
        '',
      ].join('\n'),
    )
    const { stdout } = await lago(['-f', 'json', 'status'])
    expect(JSON.parse(stdout)).toMatchObject({ Prefix: { UUID: uuid, VMs: { vm0: { status: 'down' } } } })
    expect((await lago(['status'])).stdout).toMatch(
      /^\[Prefix\]:\n {4}Base directory: .*\n {4}\[Networks\]:\n {8}\[lago\]:/,
    )
    expect((await lago(['-f', 'yaml', 'status'])).stdout).toMatch(/^Prefix:\n {2}Base directory: /)
  })

  test('from any directory below, inside the prefix, by workdir and by prefix path', async () => {
    const { lago, dir } = await initialized()
    await mkdir(path.join(dir, 'a/b'), { recursive: true })
    const elsewhere = { cwd: '../..' }
    for (const [args, options] of [
      [[], { cwd: 'a/b' }],
      [[], { cwd: '.lago' }],
      [[], { cwd: '.lago/default' }],
      [['--workdir', dir], elsewhere],
      [['--prefix-path', path.join(dir, '.lago/default')], elsewhere],
    ] as const)
      expect(await lago([...args, 'status'], options)).toMatchObject({ exitCode: 0 })
    expect(await lago(['status'], { cwd: 'a', env: { LAGO_PREFIX_NAME: 'default' } })).toMatchObject({ exitCode: 0 })
  })

  test('says where it looked when there is nothing, and who is unknown', async () => {
    const { lago, dir } = await makeProject(await makeTempDir(), {})
    expect(await lago(['status'])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining(`Unable to find workdir in ${dir}`),
    })
    const made = await initialized()
    expect(await made.lago(['--prefix-name', 'none', 'status'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/Unable to find prefix "none" in workdir[\s\S]*its prefixes: default/),
    })
  })

  test('readers do not mend a broken current link', async () => {
    const { lago, dir } = await initialized()
    await rm(path.join(dir, '.lago/current'))
    await symlink('gone', path.join(dir, '.lago/current'))
    expect(await lago(['status'])).toMatchObject({ exitCode: 0 })
    expect(await readlink(path.join(dir, '.lago/current'))).toBe('gone')
  })

  test('a damaged prefix is named with the file', async () => {
    const { lago, dir } = await initialized()
    await rm(path.join(dir, '.lago/default/virt/vm-vm1'))
    expect(await lago(['status'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/vm-vm1[\s\S]*LAGO_PREFIX_CORRUPT/),
    })
  })

  test('a libvirt that does not answer is one line with a hint', async () => {
    const { lago } = await initialized()
    const run = await lago(['status'], { env: { LAGO_LIBVIRT_URL: 'qemu+unix:///system?socket=/nonexistent/sock' } })
    expect(run).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('LAGO_LIBVIRT_CONNECT') })
    expect(run.stderr).not.toMatch(/\n\s+at /)
  })
})

describe('start, stop and cleanup on the test driver', () => {
  test('show the task tree on stderr and keep the log in the prefix', async () => {
    const { lago, read, ls } = await initialized()
    const start = await lago(['start'])
    expect(start).toMatchObject({ exitCode: 0, stdout: '' })
    for (const line of [
      '@ Start Prefix: ',
      '  # Start nets: ',
      '    * Create network lago: ',
      '    * Starting VM vm1: ',
    ])
      expect(start.stderr).toContain(line)
    expect(await read('.lago/default/logs/lago.log')).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}::.*Starting VM vm0/m,
    )
    const cleanup = await lago(['cleanup'])
    expect(cleanup.stderr).toContain('# Stop prefix: ')
    expect(await ls('.lago/default')).not.toContain('initialized')
    expect(await ls('.lago/default')).toContain('images')
    expect((await lago(['start', 'vm1'])).stderr).toContain('@ Start specified VMs: ')
  })

  test('unknown VMs are listed with those that exist', async () => {
    const { lago } = await initialized()
    for (const verb of ['start', 'stop'])
      expect(await lago([verb, 'vm0', 'mv1', 'x'])).toMatchObject({
        exitCode: 2,
        stderr: expect.stringMatching(/The following vms do not exist: mv1, x; did you mean vm1\?[\s\S]*vm0, vm1/),
      })
  })

  test('shell wants a running VM that it knows', async () => {
    const { lago } = await initialized()
    expect(await lago(['shell', 'vm0', 'true'])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining('Host vm0 is not "running", but "down" [LAGO_VM_NOT_RUNNING]'),
    })
    expect(await lago(['shell', 'engine'])).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('vm0, vm1') })
  })

  test('a second process waits for the one that holds the prefix and names it', async () => {
    const { lago, spawnLago, dir } = await initialized()
    const holder = startScript(new URL('./hold-lock.js', import.meta.url), [path.join(dir, '.lago/default')])
    expect(await holder.nextLine()).toBe('held')
    const child = spawnLago(['stop'])
    const told = new Promise<string>((resolve) => {
      let seen = ''
      child.stderr?.on('data', (chunk: Buffer) => {
        seen += chunk.toString()
        if (seen.includes('held by')) resolve(seen)
      })
    })
    const outcome = outcomeOf(child)
    expect(await told).toContain(`pid ${holder.pid}`)
    expect(await lago(['status'])).toMatchObject({ exitCode: 0 }) // readers do not wait
    await holder.kill('SIGKILL')
    expect(await outcome).toMatchObject({ exitCode: 0 })
  })

  test('Ctrl-C while waiting ends with 130 and changes nothing', async () => {
    const { spawnLago, dir } = await initialized()
    const holder = startScript(new URL('./hold-lock.js', import.meta.url), [path.join(dir, '.lago/default')])
    await holder.nextLine()
    const child = spawnLago(['destroy', '--yes'])
    child.stderr?.once('data', () => child.kill('SIGINT'))
    expect(await outcomeOf(child)).toMatchObject({ exitCode: 130 })
    await holder.kill('SIGKILL')
    expect(existsSync(path.join(dir, '.lago/default/initialized'))).toBe(true)
  })
})

describe('destroy', () => {
  test('asks, takes Enter for yes, and leaves nothing', async () => {
    const { lago, ls, dir } = await initialized()
    const no = await lago(['destroy'], { input: 'n\n' })
    expect(no).toMatchObject({ exitCode: 0, stdout: '' })
    expect(no.stderr).toContain(`Do you really want to destroy ${dir}/.lago/default? [Yn] `)
    expect(no.stderr).toContain('Aborting on user input')
    expect(await ls('.lago')).toEqual(['current', 'default'])
    expect(await lago(['destroy'], { input: '\n' })).toMatchObject({ exitCode: 0 })
    expect(existsSync(path.join(dir, '.lago'))).toBe(false)
    expect(await ls('subnets')).toEqual(['environments', 'subnet-lease.lock'])
  })

  test('without an answer it does nothing and says how to answer', async () => {
    const { lago, ls } = await initialized()
    expect(await lago(['destroy'])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--yes') })
    expect(await ls('.lago')).toEqual(['current', 'default'])
  })

  test('one of two prefixes: the other becomes current and keeps its lease', async () => {
    const { lago, ls, dir } = await initialized()
    await lago(['-P', 'other', 'init'])
    await lago(['destroy', '-y'])
    expect(await ls('.lago')).toEqual(['current', 'other'])
    expect(await readlink(path.join(dir, '.lago/current'))).toBe('other')
    expect(await ls('subnets')).toEqual([expect.stringMatching(/^\d+\.lease$/), 'environments', 'subnet-lease.lock'])
    expect(await lago(['destroy', '-y', '--all-prefixes'])).toMatchObject({ exitCode: 0 })
    expect(await ls('.')).not.toContain('.lago')
  })

  test('a prefix reached through a link loses only the link', async () => {
    const { lago, dir, ls } = await initialized()
    const outside = await makeTempDir()
    await symlink(path.join(dir, '.lago/default'), path.join(outside, 'link'))
    expect(await lago(['--prefix-path', path.join(outside, 'link'), 'destroy', '-y'])).toMatchObject({ exitCode: 0 })
    expect(await readdir(outside)).toEqual([])
    expect(await ls('.lago/default')).toContain('images')
  })

  test.each([[['destroy', '-y']], [['destroy', '-y', '--all-prefixes']]])(
    'a workdir reached through a link loses only the link: %j',
    async (args) => {
      const { lago, dir, ls } = await initialized()
      const outside = await makeTempDir()
      await symlink(path.join(dir, '.lago'), path.join(outside, 'link'))
      expect(await lago(['--workdir', path.join(outside, 'link'), ...args])).toMatchObject({ exitCode: 0 })
      expect(await readdir(outside)).toEqual([])
      expect(await ls('.lago')).toEqual(['current', 'default'])
      expect(await ls('.lago/default')).toContain('images')
      expect(await ls('subnets')).toContainEqual(expect.stringMatching(/^\d+\.lease$/))
    },
  )

  test('what Lago has not made stays, with --all-prefixes too', async () => {
    const { lago, dir, ls } = await initialized()
    await mkdir(path.join(dir, '.lago/notes'))
    await writeFile(path.join(dir, '.lago/notes/thesis.txt'), '')
    expect(await lago(['-P', 'notes', 'destroy', '-y'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('[LAGO_NO_PREFIX]'),
    })
    const all = await lago(['destroy', '-y', '--all-prefixes'])
    expect(all.stderr).toContain('notes is not a prefix; it stays')
    expect(await ls('.lago/notes')).toEqual(['thesis.txt'])
    expect(await ls('.lago')).not.toContain('default')
  })
})

describe('set-current and list', () => {
  test('set-current chooses, list -f json lists', async () => {
    const { lago, dir } = await initialized()
    await lago(['-P', 'other', 'init'])
    expect(await lago(['set-current', 'other'])).toMatchObject({ exitCode: 0, stdout: '' })
    expect(await readlink(path.join(dir, '.lago/current'))).toBe('other')
    expect(await lago(['set-current', 'nope'])).toMatchObject({ exitCode: 1 })
    expect((await lago(['-f', 'json', 'list'])).stdout).toBe('[\n    "default",\n    "other"\n]\n')
  })
})

describe('the program', () => {
  test('tells its version and its usage', async () => {
    const { lago } = await makeProject(await makeTempDir(), {})
    expect(await lago(['--version'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^lago \d+\.\d+\.\d+.*\n$/),
    })
    for (const args of [['--help'], ['init', '--help'], ['destroy', '-h']])
      expect(await lago(args)).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('usage:') })
    expect(await lago([])).toMatchObject({ exitCode: 1 })
  })

  test.each([
    [['strat'], /LAGO_UNKNOWN_COMMAND/],
    [['init', '--template-rep', 'x'], /LAGO_USAGE/],
    [['--no-such-option', 'status'], /LAGO_USAGE/],
    [['--loglevel', 'loud', 'status'], /info/],
    [['set-current'], /LAGO_USAGE/],
  ])('%j is refused with exit code 2', async (args, message) => {
    const { lago } = await makeProject(await makeTempDir(), {})
    const run = await lago(args)
    expect(run).toMatchObject({ exitCode: 2, stdout: '' })
    expect(run.stderr).toMatch(message)
  })
})

describe('copies', () => {
  test.each([
    [['copy-to-vm', 'vm0', '', '/root'], 'local-path'],
    [['copy-to-vm', 'vm0', 'LagoInitFile', ''], 'remote-path'],
    [['copy-from-vm', 'vm0', '', '.'], 'remote-path'],
    [['copy-from-vm', 'vm0', '/etc/passwd', ''], 'local-path'],
  ])('%j names the path that is empty, as of a variable that is not set', async (args, name) => {
    const { lago } = await initialized()
    const { exitCode, stderr } = await lago(args)
    expect(exitCode).toBe(2)
    expect(stderr).toContain(`${name} is empty`)
    expect(stderr).toContain('[LAGO_USAGE]')
  })

  test.each(['.', '.lago', '.lago/default', '..', 'link'])(
    'a tree that holds the prefix (%s) is not copied into a guest',
    async (tree) => {
      const { lago, dir } = await initialized()
      await symlink('.', path.join(dir, 'link'))
      const { exitCode, stderr } = await lago(['copy-to-vm', 'vm0', tree, '/root'])
      expect(exitCode).toBe(2)
      expect(stderr).toContain(`the prefix ${dir}/.lago/default is in it`)
      expect(stderr).toContain('[LAGO_USAGE]')
    },
  )
})
