/** Exports and what is made of them again, through the program as a user runs it. Nothing boots: qemu-io writes and reads. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { makeProject, tinyRepository, type LagoProject } from '../helpers/lago-project.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

const DISKS = `
domains:
  vm0:
    memory: 64
    vcpu: 1
    nics: [{net: lago}]
    disks:
      - {name: root, type: template, template_name: tiny, dev: vda, format: qcow2}
      - {name: data, type: empty, dev: vdb, format: raw, size: 1M}
      - {name: cd, type: file, dev: hdc, format: iso, path: $HERE/tools.iso}
  vm1:
    memory: 64
    vcpu: 1
    nics: [{net: lago}]
    disks: [{name: root, type: empty, dev: vda, format: qcow2, size: 1M}]
nets:
  lago: {type: nat, management: true, dhcp: {start: 100, end: 254}}
`

const IMAGES = '.lago/default/images'
const ISO = Buffer.from('an iso of no particular length')
const qemuImg = (...args: string[]): string => execFileSync('qemu-img', args, { encoding: 'utf8' })

function write(image: string, format: string, pattern: number, at: string): void {
  execFileSync('qemu-io', ['-f', format, '-c', `write -P ${pattern} ${at} 4k`, image])
}

function expectAt(image: string, format: string, pattern: number, at: string): void {
  const output = execFileSync('qemu-io', ['-r', '-f', format, '-c', `read -P ${pattern} ${at} 4k`, image])
  expect(output.toString()).toMatch(/^read 4096/)
  expect(output.toString()).not.toContain('failed')
}

/** An environment whose disks have been written to: 1 in the layer over the template, 2 in the raw disk, 3 in vm1's. */
async function written(): Promise<LagoProject> {
  const dir = await makeTempDir()
  const env = {
    HERE: dir,
    TINY_ROOT: path.join(dir, 'repo'),
    LAGO__INIT__TEMPLATE_REPO_PATH: path.join(dir, 'repo/template-repo.json'),
  }
  const project = await makeProject(dir, { LagoInitFile: DISKS, ...tinyRepository() }, env)
  await writeFile(path.join(dir, 'tools.iso'), ISO)
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
  const image = (name: string): string => path.join(dir, IMAGES, name)
  write(image('vm0_root.qcow2'), 'qcow2', 1, '8k')
  write(image('vm0_data.raw'), 'raw', 2, '512k')
  write(image('vm1_root.qcow2'), 'qcow2', 3, '16k')
  return project
}

function expectDisks(project: LagoProject): void {
  const image = (name: string): string => path.join(project.dir, IMAGES, name)
  expectAt(image('vm0_root.qcow2'), 'qcow2', 1, '8k')
  expectAt(image('vm0_root.qcow2'), 'qcow2', 0, '0')
  expectAt(image('vm0_data.raw'), 'raw', 2, '512k')
  expectAt(image('vm1_root.qcow2'), 'qcow2', 3, '16k')
}

const sha = (kind: string, content: Buffer): string => createHash(kind).update(content).digest('hex')

describe('there and back', () => {
  test.each([
    ['standing alone', ['-s']],
    ['as layers', []],
    ['standing alone, with xz', ['-s', '-c']],
    ['as layers, with zstd', ['-c', 'zstd', '--without-threads']],
    ['as layers, with xz, for other tools', ['--compress', '--out-format', 'json']],
  ])('%s', async (_, options) => {
    const project = await written()
    const { lago, dir, ls } = project
    const lease = (await ls('subnets')).find((name) => name.endsWith('.lease')) ?? ''
    expect(await lago(['export', '-d', 'out', ...options])).toMatchObject({ exitCode: 0, stdout: '' })
    expect(await lago(['destroy', '--yes'])).toMatchObject({ exitCode: 0 })
    await rename(path.join(dir, 'out'), path.join(dir, 'moved'))
    await rm(path.join(dir, 'tools.iso'))
    await rm(path.join(dir, 'store'), { recursive: true, force: true })
    if (options.includes('-s')) await rm(path.join(dir, 'repo'), { recursive: true })
    // somebody else has the subnet that the environment had
    const owner = { path: path.join(dir, 'uuid-of-another'), uuid: 'x'.repeat(32) }
    await writeFile(owner.path, owner.uuid)
    await writeFile(path.join(dir, 'subnets', lease), JSON.stringify([owner.path, owner.uuid]))
    const before = await ls('moved')
    const init = await lago(['init', 'moved/LagoInitFile'])
    expect(init).toMatchObject({ exitCode: 0 })
    expect(init.stderr).not.toContain('warning')
    expectDisks(project)
    expect(await ls('moved')).toEqual(before) // nothing is written beside the images
    const { stdout } = await lago(['-f', 'flat', 'status'])
    expect(stdout).toMatch(/VMs\/vm0\/NICs\/eth0\/ip: 192\.168\.\d+\.2$/m)
    expect(stdout).not.toContain(`192.168.${lease.replace('.lease', '')}.`)
    expect(stdout).toContain('VMs/vm0/distro: tinyos')
    expect(await lago(['start'])).toMatchObject({ exitCode: 0 })
  })

  test('an export of what was imported', async () => {
    const project = await written()
    const { lago, dir } = project
    for (const [to, ...options] of [['packed', '-c', 'zstd'], ['plain']] as const) {
      await lago(['export', '-d', to, ...options])
      await lago(['destroy', '--yes'])
      expect(await lago(['init', `${to}/LagoInitFile`])).toMatchObject({ exitCode: 0 })
      expectDisks(project)
    }
    expect(qemuImg('info', path.join(dir, 'plain/vm0_root.qcow2'))).toContain('backing file: ./tiny:v1')
  })
})

describe('the directory of an export', () => {
  test('has images with the files that tell of them, and the init file', async () => {
    const { lago, dir, ls, read } = await written()
    expect(await lago(['export', '-s', '-d', 'out'])).toMatchObject({ exitCode: 0, stdout: '' })
    const images = ['tools.iso', 'vm0_data.raw', 'vm0_root.qcow2', 'vm1_root.qcow2']
    const files = images.flatMap((name) => ['', '.hash', '.metadata', '.sha256'].map((suffix) => `${name}${suffix}`))
    expect(await ls('out')).toEqual(['LagoInitFile', ...files, 'template-repo.json'].sort())
    for (const name of images) {
      const content = await readFile(path.join(dir, 'out', name))
      expect(await read(`out/${name}.hash`)).toBe(sha('sha1', content))
      expect(await read(`out/${name}.sha256`)).toBe(sha('sha256', content))
      expect(JSON.parse(await read(`out/${name}.metadata`))).toMatchObject({
        name,
        size: content.length,
        sha1: sha('sha1', content),
        version: expect.stringMatching(/^20\d{6}\.0$/),
      })
    }
    expect(JSON.parse(await read('out/vm0_root.qcow2.metadata'))).toMatchObject({ base: 'None', distro: 'tinyos' })
    expect(JSON.parse(await read('out/vm0_data.raw.metadata'))).not.toHaveProperty('base')
    expect((await readFile(path.join(dir, 'out/tools.iso'))).equals(ISO)).toBe(true)
    expect(qemuImg('info', path.join(dir, 'out/vm0_root.qcow2'))).not.toContain('backing file')
  })

  test('compressed has the hashes of the images, and the iso as it was', async () => {
    const { lago, dir, ls, read } = await written()
    expect(await lago(['export', '-c', '-d', 'out', '-n', 'vm0'])).toMatchObject({ exitCode: 0 })
    expect((await ls('out')).filter((name) => /\.(xz|iso|raw|qcow2)$/.test(name))).toEqual([
      'tools.iso',
      'vm0_data.raw.xz',
      'vm0_root.qcow2.xz',
    ])
    const content = execFileSync('xz', ['-dc', path.join(dir, 'out/vm0_root.qcow2.xz')])
    expect(await read('out/vm0_root.qcow2.hash')).toBe(sha('sha1', content))
    expect(JSON.parse(await read('out/vm0_root.qcow2.metadata'))).toMatchObject({ base: 'tiny:v1' })
  })

  test.each([[[]], [['-c', 'zstd']]])('is a template repository, with %j', async (options) => {
    const project = await written()
    const { lago, dir } = project
    expect(await lago(['export', '-s', '-d', 'out', ...options])).toMatchObject({ exitCode: 0 })
    await lago(['destroy', '--yes'])
    await writeFile(path.join(dir, 'again'), DISKS.replace('template_name: tiny', 'template_name: vm0_root'))
    const repository = path.join(dir, 'out/template-repo.json')
    expect(await lago(['init', '--template-repo-path', repository, 'again'])).toMatchObject({ exitCode: 0 })
    expectAt(path.join(dir, IMAGES, 'vm0_root.qcow2'), 'qcow2', 1, '8k')
    expect(await project.ls('store')).toContainEqual(expect.stringMatching(/^export:vm0_root:20\d{6}\.0-[0-9a-f]{12}$/))
  })

  test('has one layer over the template, whatever snapshots are in and below the disk', async () => {
    const project = await written()
    const { lago, dir } = project
    const root = path.join(dir, IMAGES, 'vm0_root.qcow2')
    qemuImg('snapshot', '-c', 'inside', root)
    const [below, file] = [path.join(dir, IMAGES, 'vm0_root.below'), path.join(dir, '.lago/default/virt/vm-vm0')]
    await rename(root, below)
    qemuImg('create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', below, root)
    write(root, 'qcow2', 7, '24k')
    const vm = JSON.parse(await readFile(file, 'utf8')) as { disks: { backing: unknown }[] }
    const [disk] = vm.disks
    if (disk === undefined) throw new Error('no disk')
    disk.backing = { path: '$LAGO_PREFIX_PATH/images/vm0_root.below', format: 'qcow2', backing: disk.backing }
    await writeFile(file, JSON.stringify(vm))
    for (const options of [[], ['-s']]) {
      expect(await lago(['export', '-d', `out${options.length}`, ...options])).toMatchObject({ exitCode: 0 })
      expect(qemuImg('info', path.join(dir, `out${options.length}/vm0_root.qcow2`))).not.toContain('Snapshot list')
    }
    expect(qemuImg('info', path.join(dir, 'out0/vm0_root.qcow2'))).toContain('backing file: ./tiny:v1')
    await lago(['destroy', '--yes'])
    expect(await lago(['init', 'out0/LagoInitFile'])).toMatchObject({ exitCode: 0 })
    expectDisks(project)
    expectAt(root, 'qcow2', 7, '24k')
    expectAt(path.join(dir, 'out1/vm0_root.qcow2'), 'qcow2', 7, '24k')
  })
})

describe('an export is refused', () => {
  test('for VMs that are not there, options that are not known, and names that cannot be', async () => {
    const { lago, ls } = await written()
    expect(await lago(['export', '-n', 'vm0', 'vm7', '-d', 'out'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('Entity vm7 does not exist'),
    })
    for (const wrong of [
      ['-c', 'gzip'],
      ['-c', 'xz', 'zstd'],
      ['--init-file-name', '../x'],
      ['--init-file-name', 'vm0_root.qcow2'],
    ])
      expect(await lago(['export', '-d', 'out', ...wrong])).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('LAGO_USAGE'),
      })
    expect(await ls('out')).toEqual([])
  })

  test('when files of its names are there, unless they may be replaced', async () => {
    const { lago, read, ls } = await written()
    const run = await lago(['export', '-s'])
    expect(run).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('LAGO_EXPORT_EXISTS') })
    expect(run.stderr).toContain('LagoInitFile') // the user's own
    expect(await read('LagoInitFile')).toBe(DISKS)
    expect(await lago(['export', '-s', '--init-file-name', 'Other', '-n', 'vm1'])).toMatchObject({ exitCode: 0 })
    expect(await lago(['export', '-s', '--init-file-name', 'Other', '-n', 'vm1', '--force'])).toMatchObject({
      exitCode: 0,
    })
    expect(await ls('.')).toEqual(expect.arrayContaining(['Other', 'vm1_root.qcow2']))
    expect((await ls('.')).filter((name) => name.startsWith('.lago-export'))).toEqual([])
  })

  test('when everything is to be left out', async () => {
    const dir = await makeTempDir()
    const init = DISKS.replaceAll('memory: 64', "memory: 64\n    skip-export: 'True'").replace(
      / {6}- {name: (root|cd).*\n/g,
      '',
    )
    const { lago } = await makeProject(dir, { LagoInitFile: init })
    expect(await lago(['init'])).toMatchObject({ exitCode: 0 })
    expect(await lago(['export', '-d', 'out'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('LAGO_EXPORT_EMPTY'),
    })
  })

  test('when an image is damaged, and leaves nothing', async () => {
    const { lago, dir } = await written()
    await writeFile(path.join(dir, IMAGES, 'vm1_root.qcow2'), 'not qcow2')
    const run = await lago(['export', '-s', '-d', 'out'])
    expect(run).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('disk root of VM vm1') })
    expect(existsSync(path.join(dir, 'out'))).toBe(false)
  })
})

test('--collect-only prints the images that it would export and writes nothing', async () => {
  const { lago, dir, ls } = await written()
  const { stdout, exitCode } = await lago(['-f', 'json', 'export', '--collect-only', '-d', 'out'])
  expect(exitCode).toBe(0)
  expect(JSON.parse(stdout)).toEqual({
    vm0: [`${dir}/${IMAGES}/vm0_root.qcow2`, `${dir}/${IMAGES}/vm0_data.raw`, `${dir}/tools.iso`],
    vm1: [`${dir}/${IMAGES}/vm1_root.qcow2`],
  })
  expect(await ls('out')).toEqual([])
})

describe('a layer that cannot be completed is an error that names disk and file', () => {
  async function layered(): Promise<
    LagoProject & { image: string; init: (env?: Record<string, string>) => ReturnType<LagoProject['lago']> }
  > {
    const project = await written()
    await project.lago(['export', '-d', 'out', '-n', 'vm0'])
    await project.lago(['destroy', '--yes'])
    const image = path.join(project.dir, 'out/vm0_root.qcow2')
    return { ...project, image, init: async (env = {}) => project.lago(['init', 'out/LagoInitFile'], { env }) }
  }
  const rebase = (image: string, backing: string, format = 'raw'): void =>
    void qemuImg('rebase', '-u', '-f', 'qcow2', '-F', format, '-b', backing, image)

  test('its parent is nowhere to be had, or is itself', async () => {
    const { init, image, dir } = await layered()
    for (const [backing, message] of [
      ['./none:v1', /backing file \.\/none:v1 is not there: template "none" is not in repository/],
      ['./tiny:v9', /template "tiny" has no version "v9"/],
      ['/else/where/base.qcow2', /is not there, and is not a Lago image/],
      ['nbd:localhost:10809', /is not there, and is not a Lago image/],
      ['json:{"driver":"null-co"}', /is not there, and is not a Lago image/],
      ['./vm0_root.qcow2', /backing file of .* is .* itself/],
    ] as const) {
      rebase(image, backing)
      const run = await init()
      expect(run).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(message) })
      expect(run.stderr).toContain('[LAGO_DISK_CHAIN]')
      expect(run.stderr).toContain(`disk vm0:root (${image})`)
      expect(existsSync(path.join(dir, '.lago'))).toBe(false)
    }
  })

  test('a circle, and a gap further down', async () => {
    const { init, image, dir } = await layered()
    const below = path.join(dir, 'out/below.qcow2')
    qemuImg('create', '-q', '-f', 'qcow2', below, '64k')
    rebase(image, './below.qcow2', 'qcow2')
    rebase(below, './vm0_root.qcow2', 'qcow2')
    expect((await init()).stderr).toMatch(/round in a circle[\s\S]*LAGO_DISK_CHAIN/)
    rebase(below, './tiny:v1')
    expect((await init()).stderr).toMatch(/below.qcow2 needs the backing file \.\/tiny:v1[\s\S]*LAGO_DISK_CHAIN/)
  })

  test('an image that is not qcow2', async () => {
    const { init, image } = await layered()
    await writeFile(image, 'raw')
    expect((await init()).stderr).toMatch(/format raw, not qcow2[\s\S]*LAGO_DISK_CHAIN/)
  })

  test("a parent that is there is used where it is, by upstream's link too, compressed or not", async () => {
    const { init, image, dir, lago } = await layered()
    await symlink(path.join(dir, 'repo/tiny.raw'), path.join(dir, 'out/tiny:v1'))
    await rm(path.join(dir, 'store'), { recursive: true })
    await chmod(image, 0o444)
    // the link leads out of the directory of the image
    expect(await init()).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('lies outside of the directories for images'),
    })
    const env = { LAGO__INIT__IMAGE_DIRS: `/nowhere:${path.join(dir, 'repo')}` }
    expect(await init(env)).toMatchObject({ exitCode: 0 })
    expect(existsSync(path.join(dir, 'store'))).toBe(false)
    expect(qemuImg('info', path.join(dir, IMAGES, 'vm0_root.qcow2'))).toContain(`backing file: ${image}`)
    await lago(['destroy', '--yes'])
    execFileSync('xz', [image])
    const text = await readFile(path.join(dir, 'out/LagoInitFile'), 'utf8')
    await writeFile(path.join(dir, 'out/LagoInitFile'), text.replace('vm0_root.qcow2', 'vm0_root.qcow2.xz'))
    expect(await init(env)).toMatchObject({ exitCode: 0 })
    const backing = path.join(dir, 'out/tiny:v1')
    expect(qemuImg('info', path.join(dir, IMAGES, 'vm0_root.qcow2'))).toContain(`backing file: ${backing}`)
    expectAt(path.join(dir, IMAGES, 'vm0_root.qcow2'), 'qcow2', 1, '8k')
  })

  test('a compressed image that is damaged leaves nothing', async () => {
    const { init, image, dir } = await layered()
    execFileSync('xz', [image])
    const packed = await readFile(`${image}.xz`)
    await writeFile(`${image}.xz`, packed.subarray(0, packed.length / 2))
    const text = await readFile(path.join(dir, 'out/LagoInitFile'), 'utf8')
    await writeFile(path.join(dir, 'out/LagoInitFile'), text.replace('vm0_root.qcow2', 'vm0_root.qcow2.xz'))
    expect(await init()).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('LAGO_COMMAND_FAILED') })
    expect(existsSync(path.join(dir, '.lago'))).toBe(false)
  })
})
