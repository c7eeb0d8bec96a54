/** A disk of this host that fills up while the store or a prefix is written: what was there before is there after it. */
import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import path from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { useHttpServers } from '../helpers/http-server.js'
import { makeProject, ONE_TEMPLATE_VM, tinyRepository, type LagoProject } from '../helpers/lago-project.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const isRoot = process.getuid?.() === 0
const asRoot = isRoot ? describe : describe.skip
const reason = isRoot ? '' : ' (skipped: only root mounts a small file system)'

const KIB = 1024
const MIB = 1024 * KIB
const mounted: string[] = []
afterEach(() => {
  for (const dir of mounted.splice(0)) execFileSync('umount', [dir])
})
const makeTempDir = useTempDirs()
const servers = useHttpServers()

async function project(files: Readonly<Record<string, string>> = {}): Promise<LagoProject> {
  const dir = await makeTempDir()
  const repository = path.join(dir, 'repo/template-repo.json')
  const env = { TINY_ROOT: path.join(dir, 'repo'), LAGO__INIT__TEMPLATE_REPO_PATH: repository }
  return makeProject(dir, { ...tinyRepository(), LagoInitFile: ONE_TEMPLATE_VM, ...files }, env)
}

async function mountSmall(dir: string, sizeBytes: number): Promise<void> {
  await mkdir(dir, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', `mode=711,size=${sizeBytes}`, 'tmpfs', dir])
  mounted.push(dir)
}

/** 4 MiB that are easily packed. */
const IMAGE = Buffer.alloc(4 * MIB, 'image')

function packed(program: string, args: readonly string[]): Buffer {
  return execFileSync(program, [...args], { input: IMAGE })
}

async function qcow2(): Promise<Buffer> {
  const dir = await makeTempDir()
  const [raw, image] = [path.join(dir, 'raw'), path.join(dir, 'image')]
  await writeFile(raw, IMAGE)
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', '-c', raw, image])
  return readFile(image)
}

const announced = (image: Buffer): RequestListener => {
  return (_, response) => response.writeHead(200, { 'content-length': image.length }).end(image)
}
const unannounced = (image: Buffer): RequestListener => {
  return (_, response) => response.writeHead(200).end(image)
}

asRoot(`a store on a disk that is too small stays as it was${reason}:`, () => {
  test.each<[string, (image: Buffer) => RequestListener, () => Buffer | Promise<Buffer>]>([
    ['an image that says its size', announced, () => IMAGE],
    ['an image that does not', unannounced, () => IMAGE],
    ['an image packed with xz', unannounced, () => packed('xz', ['-c'])],
    ['an image packed with zstd', unannounced, () => packed('zstd', ['-c'])],
    ['a qcow2 that is larger as raw', announced, qcow2],
  ])('%s', async (_, answer, image) => {
    const { lago, dir, ls } = await project()
    await lago(['template', 'fetch', 'tiny'])
    await mountSmall(path.join(dir, 'small'), 2 * MIB)
    const env = { LAGO__INIT__TEMPLATE_STORE: path.join(dir, 'small') }
    await lago(['template', 'fetch', 'tiny'], { env })
    const before = (await ls('small')).concat('imported:big:v1.lock').sort()
    const { url } = await servers.http(answer(await image()))
    const run = await lago(['template', 'import', 'big', `${url}/image`, '--version', 'v1'], { env })
    expect(run).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('[LAGO_NO_SPACE]') })
    expect(run.stderr).toContain('image')
    expect(await ls('small')).toEqual(before)
    expect((await lago(['template', 'verify'], { env })).stdout).toBe('local:tiny:v1: intact\n')
  })
})

asRoot(`a directory to publish in${reason}`, () => {
  test.each([[[]], [['-c', 'zstd']]])('on a disk that is too small stays as it was, with %j', async (options) => {
    const { lago, dir, ls } = await project()
    const noise = execFileSync('openssl', ['rand', String(4 * MIB)], { maxBuffer: 8 * MIB })
    await writeFile(path.join(dir, 'noise'), noise)
    expect(await lago(['template', 'import', 'noise', 'noise', '--version', 'v1'])).toMatchObject({ exitCode: 0 })
    await lago(['template', 'fetch', 'tiny'])
    await mountSmall(path.join(dir, 'pub'), 2 * MIB)
    expect((await lago(['template', 'publish', 'tiny', '--dst-dir', 'pub'])).exitCode).toBe(0)
    const before = await ls('pub')
    const run = await lago(['template', 'publish', 'noise', '--dst-dir', 'pub', ...options])
    expect(run).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('[LAGO_NO_SPACE]') })
    expect(await ls('pub')).toEqual(before)
  })
})

asRoot(`init on a disk that is too small${reason}`, () => {
  const VM = ONE_TEMPLATE_VM.replace('vcpu: 1', 'vcpu: 1\n    bootstrap: cloud-init')

  test('says so and leaves nothing, wherever it fills up', async () => {
    const { lago, dir, ls } = await project({ LagoInitFile: VM })
    await lago(['template', 'fetch', 'tiny'])
    const outcomes: number[] = []
    for (let sizeKiB = 4; outcomes.at(-1) !== 0; sizeKiB += 28) {
      const small = path.join(dir, `small-${sizeKiB}`)
      await mountSmall(small, sizeKiB * KIB)
      const run = await lago(['init', path.join(small, 'work'), 'LagoInitFile'])
      outcomes.push(run.exitCode)
      if (run.exitCode === 0) await lago(['destroy', '--yes'], { cwd: `small-${sizeKiB}/work` })
      else expect(run.stderr).toMatch(new RegExp(`${small}/.*\\[LAGO_NO_SPACE\\]`))
      expect(await readdir(small)).toEqual([])
      expect((await ls('subnets')).filter((name) => name.endsWith('.lease'))).toEqual([])
    }
    expect(outcomes.length).toBeGreaterThan(5)
  })
})

asRoot(`a cache on a full disk${reason}`, () => {
  test('costs a warning, and not the environment', async () => {
    const { lago, dir, read } = await project()
    await mountSmall(path.join(dir, 'home/.cache'), 4 * KIB)
    await writeFile(path.join(dir, 'home/.cache/full'), Buffer.alloc(4 * KIB))
    const [repository, image, hash] = await Promise.all(
      ['template-repo.json', 'tiny.raw', 'tiny.raw.hash'].map(async (name) => read(`repo/${name}`)),
    )
    const { url } = await servers.http((request, response) => {
      const files: Record<string, string | undefined> = {
        '/template-repo.json': repository?.replace('"file"', '"http"').replace(/\{"root":.*?\}/, '{"baseurl":"."}'),
        '/tiny.raw': image,
        '/tiny.raw.hash': hash,
        '/tiny.raw.metadata': '{}',
      }
      const file = files[request.url ?? '']
      response.writeHead(file === undefined ? 404 : 200).end(file)
    })
    const run = await lago(['init', '--template-repo-path', `${url}/template-repo.json`])
    expect(run).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('no copy of template repository') })
  })
})
