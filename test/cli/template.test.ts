/** The verbs for templates, as a user runs them: a repository in a directory, a store, environments that use it. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { makeProject, ONE_TEMPLATE_VM, tinyRepository, type LagoProject } from '../helpers/lago-project.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const KEY = 'local:tiny:v1'

async function project(): Promise<LagoProject> {
  const dir = await makeTempDir()
  return makeProject(
    dir,
    { ...tinyRepository(), LagoInitFile: ONE_TEMPLATE_VM, empty: '', 'page.qcow2': '<html>login please</html>' },
    { TINY_ROOT: path.join(dir, 'repo'), LAGO__INIT__TEMPLATE_REPO_PATH: path.join(dir, 'repo/template-repo.json') },
  )
}

async function answer({ lago }: LagoProject, args: readonly string[]): Promise<unknown> {
  const run = await lago(['-f', 'json', ...args])
  if (run.exitCode !== 0) throw new Error(`${args.join(' ')}: ${run.stderr}`)
  return JSON.parse(run.stdout)
}

test('fetched ahead, shown, used, freed and removed', async () => {
  const place = await project()
  const { lago, dir, ls } = place
  expect((await lago(['template', 'list'])).stdout).toBe(
    '[local]:\n    [tiny]:\n        v1: latest, not in the store\n',
  )
  expect(await answer(place, ['template', 'fetch', 'tiny'])).toEqual({ 'tiny:v1': path.join(dir, 'store', KEY) })
  expect((await lago(['template', 'list'])).stdout).toContain('v1: latest, 0.0 MiB in the store, unused\n')
  expect(await answer(place, ['template', 'show', 'tiny'])).toMatchObject({
    name: 'tiny',
    image: path.join(dir, 'repo/tiny.raw'),
    hashes: { sha1: expect.stringMatching(/^[0-9a-f]{40}$/) },
    metadata: { distro: 'tinyos' },
    in_store: true,
    used_by: [],
  })
  await lago(['init'])
  const list = (await answer(place, ['template', 'list'])) as { local: { tiny: { v1: unknown } } }
  expect(list.local.tiny.v1).toMatchObject({ in_repository: true, used_by: [path.join(dir, '.lago/default')] })
  expect(await lago(['template', 'prune', 'tiny', '--yes'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining(`template ${KEY} is used by ${dir}/.lago/default [LAGO_TEMPLATE_IN_USE]`),
  })
  expect(await lago(['template', 'prune', '--yes'])).toMatchObject({ exitCode: 0, stdout: '' })
  await lago(['destroy', '--yes'])
  expect(await lago(['template', 'prune'], { input: 'n\n' })).toMatchObject({ exitCode: 0, stdout: '' })
  expect(await ls('store')).toContain(KEY)
  const pruned = await lago(['template', 'prune'], { input: '\n' })
  expect(pruned).toMatchObject({ exitCode: 0, stdout: `${KEY}\n` })
  expect(pruned.stderr).toMatch(/^Remove local:tiny:v1 \(0\.0 MiB\)\? \[Yn\] /)
  expect(await ls('store')).toEqual([])
})

test('once it is in the store, init needs neither image nor network', async () => {
  const place = await project()
  const { lago, dir } = place
  await lago(['template', 'fetch'])
  await rm(path.join(dir, 'repo/tiny.raw'))
  expect(await lago(['init', '--offline'])).toMatchObject({ exitCode: 0 })
})

test('an image of the user becomes a template of this host, without any repository', async () => {
  const { lago, dir, ls } = await project()
  const image = path.join(dir, 'my image.qcow2')
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', image, '1M'])
  const sha256 = createHash('sha256')
    .update(await readFile(image))
    .digest('hex')
  await writeFile(path.join(dir, 'SHA256SUMS'), `${sha256}  my image.qcow2\n`)
  const env = { LAGO__INIT__TEMPLATE_REPO_PATH: '' }
  const importing = ['template', 'import', 'tiny', 'my image.qcow2', '--version', 'v7']
  const wrong = await lago([...importing, '--checksum', `sha256:${'0'.repeat(64)}`], { env })
  expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('[LAGO_TEMPLATE_CHECKSUM]') })
  expect(wrong.stderr).toContain(sha256)
  expect(await ls('store')).toEqual(['imported:tiny:v7.lock'])
  const metadata = ['--metadata', 'distro=debian', 'bootstrap=none']
  const right = [...importing, '--checksum', 'SHA256SUMS', ...metadata]
  expect(await lago(right, { env })).toMatchObject({ exitCode: 0, stdout: `tiny:v7: ${dir}/store/imported:tiny:v7\n` })
  expect(await lago(right, { env })).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('template imported:tiny:v7 is in the store already [LAGO_TEMPLATE_EXISTS]'),
  })
  expect((await lago(['init'], { env })).exitCode).toBe(0)
  expect((await lago(['-f', 'flat', 'status'], { env })).stdout).toContain('VMs/vm0/distro: debian\n')
  await lago(['destroy', '--yes'], { env })
  expect((await lago(['template', 'prune', '--yes'], { env })).stdout).toBe('')
  expect((await lago(['template', 'prune', 'tiny:v7', '--yes'], { env })).stdout).toBe('imported:tiny:v7\n')
})

test('a damaged template is not published, and says what to do', async () => {
  const { lago, dir, ls } = await project()
  await lago(['template', 'import', 'mine', 'repo/tiny.raw', '--version', 'v1'])
  const image = path.join(dir, 'store/imported:mine:v1')
  execFileSync('chmod', ['u+w', image])
  await writeFile(image, 'x', { flag: 'r+' })
  expect((await lago(['template', 'verify'])).stderr).toContain('prune imported:mine:v1, then import it anew')
  expect(await lago(['template', 'publish', 'mine', '--dst-dir', 'pub'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('template imported:mine:v1 is damaged'),
  })
  expect(await ls('pub')).toEqual([])
})

test.each([
  [['no-image'], /there is no|does not exist/],
  [['ftp://host.example/image'], /only http, https and file are known \[LAGO_USAGE\]/],
  [['repo/tiny.raw', '--checksum', 'abc'], /\[LAGO_USAGE\]/],
  [['repo/tiny.raw', '--checksum', 'sha256:0000'], /the checksum sha256:0000 is no sum: 4 digits/],
  [['empty'], /is empty \[LAGO_TEMPLATE_IMAGE\]/],
  [['page.qcow2'], /is a page of words, not an image \[LAGO_TEMPLATE_IMAGE\]/],
  [['repo/tiny.raw', '--metadata', 'bootstrap=bogus'], /unknown bootstrap "bogus"; known: /],
  [['repo/tiny.raw', '--checksum', 'repo/tiny.raw.metadata'], /has no sum of tiny\.raw/],
  [['repo/tiny.raw', '--metadata', 'distro'], /bad value "distro" for --metadata/],
  [['repo/tiny.raw', '--version', 'a/b'], /version name "a\/b" cannot be used in the store/],
])('import %j says what is wrong', async (args, message) => {
  const { lago, ls } = await project()
  const run = await lago(['template', 'import', 'x', ...args])
  expect(run).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringMatching(message) })
  expect((await ls('store')).filter((name) => !name.endsWith('.lock'))).toEqual([])
})

test('verify finds a byte that has changed; what another program put there cannot be compared', async () => {
  const { lago, dir } = await project()
  await lago(['template', 'fetch', 'tiny'])
  expect(await lago(['template', 'verify'])).toMatchObject({ exitCode: 0, stdout: `${KEY}: intact\n` })
  const foreign = path.join(dir, 'store/upstream:el7:v1')
  await writeFile(foreign, 'an image')
  await writeFile(`${foreign}.hash`, 'a'.repeat(40))
  const image = path.join(dir, 'store', KEY)
  execFileSync('chmod', ['u+w', image])
  await writeFile(image, 'x', { flag: 'r+' })
  const run = await lago(['template', 'verify'])
  expect(run).toMatchObject({ exitCode: 2, stdout: `${KEY}: damaged\nupstream:el7:v1: unknown\n` })
  expect(run.stderr).toContain(`template ${KEY} is damaged; lago template prune ${KEY}`)
  await writeFile(`${foreign}.hash`, createHash('sha1').update('an image').digest('hex'))
  expect((await lago(['template', 'verify', 'el7'])).stdout).toBe('upstream:el7:v1: intact\n')
  expect((await lago(['template', 'prune', '--yes'])).stdout).toBe(`${KEY}\n`)
})

test.each(['', 'zstd', 'xz'])('a published directory (%s) is a repository, and grows', async (compression) => {
  const place = await project()
  const { lago, dir, ls, read } = place
  await lago(['template', 'fetch', 'tiny'])
  const compress = compression === '' ? [] : ['--compress', compression]
  expect(await answer(place, ['template', 'publish', 'tiny', '--dst-dir', 'pub', ...compress])).toEqual({
    repository: path.join(dir, 'pub/template-repo.json'),
    templates: [KEY],
  })
  expect((await stat(path.join(dir, 'pub/tiny-v1.qcow2.hash'))).mode & 0o777).toBe(0o644)
  const again = await lago(['template', 'publish', '--dst-dir', 'pub', ...compress])
  expect(again).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('[LAGO_EXPORT_EXISTS]') })
  const env = { LAGO__INIT__TEMPLATE_REPO_PATH: path.join(dir, 'pub/template-repo.json') }
  expect((await lago(['template', 'fetch', 'tiny'], { env })).exitCode).toBe(0)
  expect(await ls('store')).toContain('pub:tiny:v1')
  execFileSync('cmp', [path.join(dir, 'store/pub:tiny:v1'), path.join(dir, 'store', KEY)])
  await lago(['template', 'import', 'other', 'repo/tiny.raw', '--version', 'v2'])
  await lago(['template', 'publish', 'other', '--dst-dir', 'pub'])
  expect(JSON.parse(await read('pub/template-repo.json'))).toMatchObject({
    name: 'pub',
    templates: { tiny: { versions: { v1: {} } }, other: { versions: { v2: {} } } },
  })
  expect(
    (await stat(path.join(dir, `pub/tiny-v1.qcow2${{ zstd: '.zst', xz: '.xz' }[compression] ?? ''}`))).mode & 0o777,
  ).toBe(0o644)
})

test.each([
  [['show', 'tinny'], /template "tinny" is not in repository "local".*it has: tiny/, /did you mean "tiny"\?/],
  [['show', 'tiny:v9'], /has no version "v9"/, undefined],
  [['show', ':'], /":" is not the name of a template/, /NAME:VERSION/],
  [['verify', 'tiny'], /template tiny is not in the store; it has: none/, undefined],
  [['publish', 'a:b:c:d'], /"a:b:c:d" is not the name of a template/, undefined],
])('template %j says what is wrong', async (args, message, hint) => {
  const { lago } = await project()
  const run = await lago(['template', ...args])
  expect(run).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringMatching(message) })
  if (hint !== undefined) expect(run.stderr).toMatch(hint)
})

test('without a repository fetch says so, and list shows what the store has', async () => {
  const { lago, dir } = await project()
  const env = { LAGO__INIT__TEMPLATE_REPO_PATH: '' }
  expect(await lago(['template', 'fetch'], { env })).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('no template repository is given'),
  })
  await mkdir(path.join(dir, 'store'))
  await writeFile(path.join(dir, 'store/r:t:v1'), 'x')
  expect((await lago(['template', 'list'], { env })).stdout).toBe(
    '[r]:\n    [t]:\n        v1: 0.0 MiB in the store, unused, not in the repository\n',
  )
})
