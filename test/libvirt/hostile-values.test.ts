/**
 * Hostile values in all free places of an init file at once, through init, start and destroy on libvirt's test driver,
 * with every program that is run written down. What single values do is in test/unit/spec/hostile-values.test.ts.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { XMLParser } from 'fast-xml-parser'
import { findProgram } from '../../src/base/process.js'
import { init, isLagoError, type Env } from '../../src/index.js'
import { openLibvirt } from '../../src/libvirt/connection.js'
import { openPrefix } from '../../src/prefix/prefix.js'
import { formatPath, valueAt } from '../../src/spec/findings.js'
import { parseInitFile } from '../../src/spec/load.js'
import { initFileSchema } from '../../src/spec/schema.js'
import type { SpecIssue } from '../../src/spec/types.js'
import { HOSTILE_TEXTS, MARK, specimen, walkSchema, withHostile, type Place } from '../helpers/hostile.js'
import { tinyRepository } from '../helpers/lago-project.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { useTempDirs } from '../helpers/temp-dir.js'
import { TEST_URI } from './test-driver.js'

const tempDir = useTempDirs()
const { PATH } = process.env
let outer: string
let dir: string

/** A name that is a directory's own right. */
const WORKDIR = `env'"<&> $(touch hx7) %h`

/** Programs that Lago may run; what is not here it does not find. */
const PROGRAMS = [
  ...['qemu-img', 'qemu-nbd', 'qemu-storage-daemon', 'cp', 'mv', 'openssl', 'setfacl', 'getfacl', 'ip', 'xz', 'zstd'],
  ...['fusermount3', 'umount', 'debugfs', 'ssh', 'sftp', 'tar', 'setpriv', 'sh', 'touch'],
]

beforeEach(async () => {
  outer = await tempDir()
  dir = path.join(outer, 'a', 'b', 'c')
  await mkdir(path.join(dir, 'calls'), { recursive: true })
  await mkdir(path.join(dir, 'bin'))
  for (const program of PROGRAMS) {
    const real = await findProgram(program)
    if (real === undefined) continue
    const script = `#!/bin/sh\nprintf '%s\\0' ${program} "$@" > '${dir}/calls/'${program}.$$\nexec ${real} "$@"\n`
    await writeFile(path.join(dir, 'bin', program), script)
    await chmod(path.join(dir, 'bin', program), 0o755)
  }
  for (const [name, content] of Object.entries(tinyRepository())) {
    await mkdir(path.dirname(path.join(dir, name)), { recursive: true })
    await writeFile(path.join(dir, name), content)
  }
  await writeFile(path.join(dir, 'script.sh'), 'true\n')
  await writeFile(path.join(dir, 'own.raw'), '\0'.repeat(65536))
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path.join(dir, 'layer.qcow2'), '1M'])
  process.env['PATH'] = path.join(dir, 'bin')
})
afterEach(() => void (process.env['PATH'] = PATH))

/** Control characters and halves of characters are refused everywhere. */
const TAKEN_TEXTS = HOSTILE_TEXTS.filter(
  (text, index) => text.includes(MARK) && !/[\p{Cc}\p{Surrogate}\ufffe]/u.test(text) && (index < 8 || index % 2 === 0),
)

/** The specimen in a subnet that hosts seldom use, and without sums of files, which are to have other names. */
function baseFile(): unknown {
  const text = JSON.stringify(specimen({ dir, build: false }))
    .replaceAll('192.168.200.', '192.168.251.')
    .replace(',"bridge":"br0"', '') // one is made
  const withoutSums = JSON.parse(text) as { domains: { vm0: { disks: { checksum?: string }[] } } } // the specimen's shape
  for (const disk of withoutSums.domains.vm0.disks) delete disk.checksum
  return withoutSums
}

/** Not here: what must be in the repository, or known to libvirt. */
const CHOSEN_ELSEWHERE = ['template_name', 'template_version', 'cpu_model', 'cpu_custom', 'bootstrap', 'user-data']

/** The file with `text` in every free place that takes it, and where that is. */
async function filledWith(text: string): Promise<{ readonly file: unknown; readonly places: readonly Place[] }> {
  const base = baseFile()
  const values = new Map<string, { readonly place: Place; readonly value: string }>()
  for (const { place, key } of walkSchema(initFileSchema, base).places) {
    const old = valueAt(base, place)
    if (key || typeof old !== 'string' || place.some((segment) => CHOSEN_ELSEWHERE.includes(String(segment)))) continue
    if (place.includes('root-password') && text.length > 256) continue // more than a guest takes
    const value = old.includes(dir) ? await besideOf(old, text) : text
    if (value !== undefined) values.set(formatPath(place), { place, value })
  }
  for (;;) {
    const places = [...values.values()]
    const file = places.reduce((file, { place, value }) => withHostile(file, { place, key: false }, value), base)
    const refused = (await errorsIn(file)).map(({ path }) => path)
    if (refused.length === 0) return { file, places: places.map(({ place }) => place) }
    const found = refused.filter((path) => values.delete(path))
    if (found.length === 0) throw new Error(`refused elsewhere: ${refused.join(', ')}`)
  }
}

/** A copy of the file under a hostile name, where a file system has such names. */
async function besideOf(old: string, text: string): Promise<string | undefined> {
  const from = old.replace('file://', '')
  const name = text.replaceAll('/', '|')
  if (Buffer.byteLength(name) > 100 || /[\0\p{Surrogate}]/u.test(name) || !existsSync(from)) return undefined
  const to = path.join(dir, name + path.extname(from))
  await writeFile(to, await readFile(from))
  return old.startsWith('file://') ? `file://${encodeURI(to).replaceAll('?', '%3F').replaceAll('#', '%23')}` : to
}

async function errorsIn(file: unknown): Promise<readonly SpecIssue[]> {
  const host = {
    vmTypes: ['default'],
    providers: ['local-libvirt'],
    services: ['systemd'],
    fileProblem: async (rawPath: string) => (existsSync(rawPath) ? undefined : 'is missing'),
  }
  try {
    await parseInitFile(JSON.stringify(file), 'f', host)
    return []
  } catch (error) {
    if (!isLagoError(error, 'LAGO_SPEC_INVALID')) throw error
    const { issues } = error.data as { readonly issues: readonly SpecIssue[] }
    return issues.filter(({ severity }) => severity === 'error')
  }
}

async function initWith(file: unknown, workdir = WORKDIR): Promise<Env> {
  const env = { HOME: path.join(dir, 'home'), TINY_ROOT: path.join(dir, 'repo') }
  const settings = {
    libvirtUrl: TEST_URI,
    leaseDir: path.join(dir, 'subnets'),
    templateStore: path.join(dir, 'store'),
    templateRepoPath: path.join(dir, 'repo', 'template-repo.json'),
  }
  return init({ cwd: dir, workdir: path.join(dir, workdir), env, settings, spec: JSON.stringify(file) })
}

/** Every program that was run since the last time, with its arguments. */
async function calls(): Promise<readonly (readonly string[])[]> {
  const names = (await readdir(path.join(dir, 'calls'))).sort()
  const texts = await Promise.all(names.map(async (name) => readFile(path.join(dir, 'calls', name), 'utf8')))
  return texts.map((text) => text.split('\0').slice(0, -1))
}

/** Everything below `outer`, but for what may come and go. */
async function leftBeside(): Promise<readonly string[]> {
  const all = await readdir(outer, { recursive: true })
  return all.filter((name) => !/^a\/b\/c\/(calls|env[^/]*|subnets|store|home)(\/|$)/.test(name)).sort()
}

test.each(TAKEN_TEXTS.map((text) => [text.slice(0, 40), text]))(
  '%j in all free places leads out of none of them',
  async (_, text) => {
    const { file, places } = await filledWith(text)
    const before = await leftBeside()
    {
      await using env = await initWith(file)
      await env.start()
      await expectSourcesOf(env)
      const inside = await readdir(path.join(dir, WORKDIR), { recursive: true })
      expect(inside.filter((name) => !/^(current|default)(\/|$)/.test(name))).toEqual([])
    }
    expect(await leftBeside()).toEqual(before)
    expect(await readdir(path.join(dir, 'subnets'))).toEqual(['environments', 'subnet-lease.lock'])
    expect(await readdir(path.join(dir, 'subnets', 'environments'))).toEqual([])
    expect(existsSync(path.join(dir, WORKDIR))).toBe(false)
    for (const canary of [`/tmp/${MARK}`, `/${MARK}`, path.join(process.cwd(), MARK)])
      expect(existsSync(canary)).toBe(false)
    const run = await calls()
    expect(run.map(([program]) => program)).toContain('qemu-img')
    for (const [, ...args] of run)
      for (const arg of args.filter((arg) => arg.includes(MARK)))
        expect(arg).toMatch(/^\/|^[a-z_]+=\/|^lago [0-9a-f]{32} \//)
    expect(places.length).toBeGreaterThan(20)
  },
)

/** libvirt has the paths that were planned, to the letter. */
async function expectSourcesOf(env: Env): Promise<void> {
  const { plan } = await openPrefix(env.prefixDir)
  await using libvirt = openLibvirt({ uri: TEST_URI, user: undefined, password: undefined })
  const parser = new XMLParser({ ignoreAttributes: false, htmlEntities: true, isArray: (name) => name === 'disk' })
  for (const vm of plan.vms.values()) {
    const xml = await libvirt.domainXml(recordedTask().task, vm.libvirtName)
    const { domain } = parser.parse(xml) as {
      domain: { devices: { disk: { source: Readonly<Record<string, string>>; '@_device': string }[] } }
    } // libvirt's schema
    const sources = domain.devices.disk.map(({ source }) => source['@_file'])
    const seed = vm.bootstrap?.seedPath === undefined ? [] : [vm.bootstrap.seedPath]
    expect(sources.sort()).toEqual([...vm.disks.map((disk) => disk.path), ...seed].sort())
  }
}

test.each([
  ['template_name', 'LAGO_TEMPLATE_UNKNOWN'],
  ['template_version', 'LAGO_TEMPLATE_UNKNOWN'],
])('a hostile %s is unknown, and nothing is left of the init', async (key, code) => {
  const before = await leftBeside()
  for (const text of ['../../own', '__proto__', 'constructor', '-v', `$(touch /tmp/${MARK})`]) {
    const file = withHostile(baseFile(), { place: ['domains', 'vm0', 'disks', 0, key], key: false }, text)
    await expect(initWith(file)).rejects.toMatchObject({ code })
  }
  expect(await leftBeside()).toEqual(before)
  expect(existsSync(path.join(dir, WORKDIR))).toBe(false)
})

test('a directory that no XML can name is told before anything runs', async () => {
  await using env = await initWith(baseFile(), 'env\u0001')
  await expect(env.start()).rejects.toMatchObject({ code: expect.stringMatching(/LAGO_XML_TEXT|LAGO_PARTIAL/) })
  expect(await Promise.all([...env.vms.values()].map(async (vm) => vm.state()))).toEqual(['down', 'down'])
})
