/** Disks of every kind, as an init file names them: what init makes of them, and what it refuses. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { appendFile, chmod, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { makeProject, tinyRepository, type LagoProject, type LagoRun } from '../helpers/lago-project.js'
import { ovirtOva, standardOva } from '../helpers/ova.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const IMAGES = '.lago/default/images'

interface Place extends LagoProject {
  /** `lago init` with these disks, or these keys, in the one VM. */
  init(disks: readonly object[], more?: object): Promise<LagoRun>
  /** What is stored of the VM. */
  stored(): Promise<{
    readonly disks: readonly Record<string, unknown>[]
    readonly memory: unknown
    readonly vcpu: unknown
  }>
}

async function place(): Promise<Place> {
  const dir = await makeTempDir()
  const env = {
    TINY_ROOT: path.join(dir, 'repo'),
    LAGO__INIT__TEMPLATE_REPO_PATH: path.join(dir, 'repo/template-repo.json'),
  }
  const project = await makeProject(dir, tinyRepository(), env)
  return {
    ...project,
    async init(disks, more = {}) {
      const vm0 = { memory: 64, vcpu: 1, nics: [{ net: 'lago' }], disks, ...more }
      const file = { domains: { vm0 }, nets: { lago: { type: 'nat', management: true } } }
      await writeFile(path.join(dir, 'LagoInitFile'), JSON.stringify(file))
      return project.lago(['init'])
    },
    stored: async () =>
      JSON.parse(await project.read('.lago/default/virt/vm-vm0')) as Awaited<ReturnType<Place['stored']>>,
  }
}

const TEMPLATE = { name: 'root', type: 'template', template_name: 'tiny', dev: 'vda', format: 'qcow2' }

function imageInfo(file: string): {
  readonly 'virtual-size': number
  readonly format: string
  readonly 'backing-filename'?: string
} {
  return JSON.parse(execFileSync('qemu-img', ['info', '--output=json', file]).toString()) as ReturnType<
    typeof imageInfo
  >
}

describe('the size of a template disk', () => {
  test('may be larger than the template', async () => {
    const { init, dir } = await place()
    expect(await init([{ ...TEMPLATE, size: '10M' }])).toMatchObject({ exitCode: 0 })
    expect(imageInfo(path.join(dir, IMAGES, 'vm0_root.qcow2'))['virtual-size']).toBe(10 * 1024 ** 2)
  })

  test('may not be smaller: the end of the file system would be missing', async () => {
    const { init, dir } = await place()
    const run = await init([{ ...TEMPLATE, size: 4096 }])
    expect(run).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('LAGO_DISK_SIZE') })
    expect(run.stderr).toContain('has 65536 bytes and cannot become a disk of 4096')
    expect(existsSync(path.join(dir, '.lago'))).toBe(false)
  })

  test('counts for a layer over an image of the user, compressed or not', async () => {
    const { init, dir } = await place()
    const base = path.join(dir, 'base.qcow2')
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', base, '1M'])
    execFileSync('xz', ['-k', base])
    const layered = { ...TEMPLATE, template_type: 'qcow2', size: '3M' }
    const disks = [
      { ...layered, path: 'base.qcow2' },
      { ...layered, name: 'two', dev: 'vdb', path: 'base.qcow2.xz' },
    ]
    expect(await init(disks)).toMatchObject({ exitCode: 0 })
    for (const name of ['vm0_root.qcow2', 'vm0_two.qcow2'])
      expect(imageInfo(path.join(dir, IMAGES, name))['virtual-size']).toBe(3 * 1024 ** 2)
  })
})

describe('a disk by URL', () => {
  const remote = async (
    dir: string,
  ): Promise<{ readonly url: string; readonly sha256: string; readonly file: string }> => {
    const file = path.join(dir, 'remote.qcow2')
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', file, '2M'])
    const sha256 = createHash('sha256')
      .update(await readFile(file))
      .digest('hex')
    return { url: pathToFileURL(file).href, sha256, file }
  }
  const DISK = { name: 'data', type: 'file', dev: 'vda', format: 'qcow2' }

  test('without a path is fetched into the prefix, and unpacked', async () => {
    const { init, dir, stored } = await place()
    const { url, sha256, file } = await remote(dir)
    execFileSync('zstd', ['-q', file])
    const disk = { ...DISK, url: `${url}.zst`, checksum: `sha256:${sha256}` }
    expect((await init([disk])).exitCode).toBe(0)
    const image = path.join(dir, IMAGES, 'vm0_data.qcow2')
    expect((await readFile(image)).equals(await readFile(file))).toBe(true)
    expect((await stat(image)).mode & 0o777).toBe(0o600)
    expect((await stored()).disks[0]).toMatchObject({
      path: '$LAGO_PREFIX_PATH/images/vm0_data.qcow2',
      url: `${url}.zst`,
    })
  })

  test('with a path is fetched there unless it is there; a failed init takes it away again', async () => {
    const { init, dir, lago } = await place()
    const { url, sha256 } = await remote(dir)
    const disk = { ...DISK, url, path: 'kept/data.qcow2', checksum: sha256 }
    execFileSync('mkdir', [path.join(dir, 'kept')])
    const kept = path.join(dir, 'kept/data.qcow2')
    const failed = await init([disk, { ...TEMPLATE, dev: 'vdb', size: 1 }])
    expect(failed).toMatchObject({ exitCode: 2 })
    expect(existsSync(kept)).toBe(false)
    expect((await init([disk])).exitCode).toBe(0)
    await lago(['destroy', '--yes'])
    expect(existsSync(kept)).toBe(true)
    const again = await init([{ ...disk, url: `${url}.gone` }])
    expect(again).toMatchObject({ exitCode: 0, stderr: expect.stringContaining(`${kept} is there already`) })
    await lago(['destroy', '--yes'])
    await appendFile(kept, 'x')
    expect(await init([disk])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('LAGO_TEMPLATE_CHECKSUM') })
    expect(existsSync(kept)).toBe(true)
  })

  test.each([
    ['another hash', { checksum: 'a'.repeat(64) }, /does not match the expected hash/],
    ['a file with sums that is not there', { checksum: 'SUMS' }, /neither hex digits nor a file with sums/],
    ['nothing there', { url: 'file:///nonexistent/image' }, /\/nonexistent\/image does not exist/],
    ['another format than it says', { format: 'raw' }, /the image is of the format qcow2, not raw/],
    ['a variable that is not set', { url: '$NOWHERE/image' }, /is no URL of http, https or file/],
  ])('with %s leaves nothing', async (_, change, message) => {
    const { init, dir } = await place()
    const { url } = await remote(dir)
    const run = await init([{ ...DISK, url, ...change }])
    expect(run).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(message) })
    expect(existsSync(path.join(dir, '.lago'))).toBe(false)
  })
})

describe('a VM of type ova', () => {
  test.each([
    ['oVirt', ovirtOva],
    ['the standard', standardOva],
  ])('of %s has the memory, the CPUs and the disk of its archive, in front of its own', async (_, make) => {
    const { init, dir, stored, lago } = await place()
    const ova = await make(dir, { memoryMiB: 96, sockets: 1, coresPerSocket: 2 })
    const own = { name: 'own', type: 'empty', dev: 'vdb', size: '1M' }
    const run = await init([own], { type: 'ova', url: pathToFileURL(ova).href, memory: 5000 })
    expect(run).toMatchObject({ exitCode: 0 })
    const vm = await stored()
    expect(vm).toMatchObject({ memory: 96, vcpu: 2, type: 'template' })
    expect(vm.disks.map(({ name, dev }) => [name, dev])).toEqual([
      ['ova', 'vda'],
      ['own', 'vdb'],
    ])
    const overlay = path.join(dir, IMAGES, 'vm0_ova.qcow2')
    expect(imageInfo(overlay)).toMatchObject({ 'virtual-size': 1024 ** 2, 'backing-filename': './vm0_ova.base.qcow2' })
    expect((await lago(['-f', 'json', 'status'])).exitCode).toBe(0)
    expect((await lago(['export', '-s', '-d', 'out'])).exitCode).toBe(0)
    await lago(['destroy', '--yes'])
    expect(existsSync(ova)).toBe(true)
  })

  test('whose archive is none is told, and leaves nothing', async () => {
    const { init, dir } = await place()
    await writeFile(path.join(dir, 'bad.ova'), 'bad')
    const run = await init([], { type: 'ova', url: pathToFileURL(path.join(dir, 'bad.ova')).href })
    expect(run).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('LAGO_OVA') })
    expect(existsSync(path.join(dir, '.lago'))).toBe(false)
  })
})

describe('an image of the user that names another file', () => {
  const layer = (dir: string, backing: string, format = 'raw'): void => {
    const args = ['create', '-q', '-f', 'qcow2', '-u', '-F', format, '-b', backing, path.join(dir, 'a.qcow2'), '1M']
    execFileSync('qemu-img', args)
  }
  const FILE = { name: 'data', type: 'file', dev: 'vda', format: 'qcow2', path: 'a.qcow2' }

  test.each([
    ['used in place', FILE],
    ['copied', { ...FILE, make_a_copy: true }],
    ['below a disk', { ...TEMPLATE, template_type: 'qcow2', path: 'a.qcow2' }],
  ])('outside of the directories for images is refused: %s', async (_, disk) => {
    const { init, dir } = await place()
    layer(dir, '/etc/shadow')
    const run = await init([disk])
    expect(run).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('/etc/shadow lies outside of the directories'),
    })
    expect(run.stderr).toContain('LAGO__INIT__IMAGE_DIRS=/etc')
    expect(existsSync(path.join(dir, '.lago'))).toBe(false)
  })

  test.each(['nbd://127.0.0.1:9/x', 'json:{"driver":"file","filename":"/etc/shadow"}'])(
    'that is none of this host is refused: %s',
    async (backing) => {
      const { init, dir } = await place()
      layer(dir, backing)
      expect(await init([FILE])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('LAGO_DISK_CHAIN') })
    },
  )

  test('beside it is used, by a copy too, wherever that is', async () => {
    const { init, dir } = await place()
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path.join(dir, 'base.qcow2'), '1M'])
    layer(dir, 'base.qcow2', 'qcow2')
    expect(await init([FILE, { ...FILE, name: 'copy', dev: 'vdb', make_a_copy: true }])).toMatchObject({ exitCode: 0 })
    expect(imageInfo(path.join(dir, IMAGES, 'a.qcow2'))['backing-filename']).toBe(path.join(dir, 'base.qcow2'))
  })
})

describe('what a disk is laid over must stay as it was', () => {
  test('a template that has changed or gone is named by start, with what to do', async () => {
    const { init, dir, lago } = await place()
    await init([TEMPLATE])
    const template = path.join(dir, 'store/local:tiny:v1')
    const { mtime } = await stat(template)
    await utimes(template, mtime, new Date(mtime.getTime() + 5000))
    const touched = await lago(['start'])
    expect(touched).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('LAGO_DISK_BACKING') })
    expect(touched.stderr).toContain(
      `disk vm0:root is laid over ${template}, which has changed since the disk was made`,
    )
    const [, command = ''] = /: (touch -d \S+ \S+)$/m.exec(touched.stderr) ?? []
    execFileSync('sh', ['-c', command])
    expect((await lago(['start'])).stderr).not.toContain('LAGO_DISK_BACKING')
    await lago(['stop'])
    await chmod(template, 0o644)
    await appendFile(template, 'x')
    expect((await lago(['start'])).stderr).toContain('make the environment anew')
    execFileSync('rm', ['-f', template])
    expect((await lago(['start'])).stderr).toMatch(/which is not there any more[\s\S]*lago template fetch/)
  })
})
