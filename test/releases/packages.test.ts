/** Packages of this project: made, installed, used, upgraded and removed. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFile, cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import vm from 'node:vm'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { buildPackages } from '../../scripts/packaging/build-packages.js'
import type { BuiltPackage, PackageKind } from '../../scripts/packaging/types.js'
import { projectVersion } from '../../scripts/versioning/project-version.js'
import { TWO_EMPTY_VMS } from '../helpers/lago-project.js'
import { makeRoot, type PackageRoot } from '../helpers/package-root.js'
import { makeProjectCopy, type ProjectCopy } from '../helpers/project-copy.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { createRepodata } from '../helpers/rpms.js'
import { makeStandInRepository } from '../helpers/stand-in-rpms.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const tempDir = useTempDirs()
const run = promisify(execFile)
const VERSION = '3.4.5'
const ENV_NAMES = ['/usr/bin/lago', '/usr/bin/lagocli', '/usr/bin/lagocli-template-repo']

let project: ProjectCopy
let outDir: string
let built: readonly BuiltPackage[]

beforeAll(async () => {
  project = await makeProjectCopy()
  outDir = path.join(project.dir, '.cache/out')
  await mkdir(outDir, { recursive: true })
  await leaveScratchDir(path.join(project.dir, '.cache'))
  built = await build(outDir)
})

/** As a run that was killed does. */
async function leaveScratchDir(parent: string): Promise<void> {
  const module = new URL('../../src/base/scratch-dir.js', import.meta.url).href
  const program = `import { makeScratchDir } from ${JSON.stringify(module)}; await makeScratchDir('packages', process.argv[1])`
  await run(process.execPath, ['--input-type=module', '--eval', program, parent])
}

afterAll(async () => project.remove())

async function build(dir: string, kinds?: readonly PackageKind[]): Promise<readonly BuiltPackage[]> {
  const options = { projectDir: project.dir, outDir: dir, version: VERSION, release: '1', dists: ['el9'] }
  return buildPackages(recordedTask().task, { ...options, ...(kinds === undefined ? {} : { kinds }) })
}

function pathOf(name: string): string {
  return path.join(outDir, name)
}

test('each package has the name of its kind, and nothing else is left', async () => {
  const arch = process.arch === 'x64' ? ['amd64', 'x86_64'] : ['arm64', 'aarch64']
  expect(built.map(({ kind, path: file, dist }) => [kind, path.basename(file), dist]).sort()).toEqual(
    [
      ['npm', 'lago-3.4.5.tgz', undefined],
      ['source', 'lago-3.4.5.tar.gz', undefined],
      ['deb', `lago_3.4.5-1_${arch[0]}.deb`, undefined],
      ['deb', 'lago-ovirt_3.4.5-1_all.deb', undefined],
      ['rpm', `lago-3.4.5-1.el9.${arch[1]}.rpm`, 'el9'],
      ['rpm', 'lago-ovirt-3.4.5-1.el9.noarch.rpm', 'el9'],
      ['srpm', 'lago-3.4.5-1.el9.src.rpm', 'el9'],
    ].sort(),
  )
  expect((await readdir(outDir)).sort()).toEqual(built.map(({ path: file }) => path.basename(file)).sort())
  expect((await readdir(path.join(project.dir, '.cache'))).filter((name) => name.includes('packages-'))).toEqual([])
})

test('made again, packages are the same to the byte, whatever the umask', async () => {
  const umask = process.umask(0o077)
  const again = await build(await tempDir(), ['npm', 'source', 'deb']).finally(() => process.umask(umask))
  expect(again).toHaveLength(4)
  for (const { path: file } of again)
    expect([path.basename(file), await sha256(file)]).toEqual([
      path.basename(file),
      await sha256(pathOf(path.basename(file))),
    ])
})

/** Of the project's repository; no ref leads to it. */
async function emptyCommit(): Promise<string> {
  const git = ['-C', project.dir, '-c', 'user.name=J', '-c', 'user.email=j@example.com']
  const tree = (await run('git', [...git, 'hash-object', '-t', 'tree', '-w', '/dev/null'])).stdout.trim()
  return (await run('git', [...git, 'commit-tree', '-m', 'Nothing', tree])).stdout.trim()
}

async function sha256(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
}

describe('source', () => {
  test('outside git it keeps its version, and has its changelogs', async () => {
    const dir = await tempDir()
    await run('tar', ['-C', dir, '-xzf', pathOf('lago-3.4.5.tar.gz')])
    expect(await readdir(dir)).toEqual(['lago-3.4.5'])
    const tree = path.join(dir, 'lago-3.4.5')
    expect(await projectVersion(recordedTask().task, tree, {})).toBe(VERSION)
    const read = async (name: string): Promise<string> => readFile(path.join(tree, name), 'utf8')
    expect(await read('ChangeLog')).toMatch(
      /^\* Sun Mar 01 2026 Jane Doe <jane@example\.com> - \d+\.\d+\.\d+\n {4}[0-9a-f]{8}: packages: 100 % of it in one commit\n$/,
    )
    expect(await read('FullChangeLog')).toMatch(
      /^# Generated by scripts\/packages\. Do not edit\.\n\ncommit [0-9a-f]{40}\n[^]* files changed, \d+ insertions\(\+\)\n$/,
    )
    expect(await read('CHANGELOG.md')).toMatch(/^# Changelog\n\n## 3\.4\.5 - 2026-03-01\n/)
    expect(await readdir(tree)).toEqual(expect.arrayContaining(['src', 'test', 'scripts', 'package-lock.json']))
  })

  test('scripts/packages makes it, and says where it is; of a wrong call nothing is left', async () => {
    const dir = path.join(await tempDir(), 'new')
    const program = path.join(project.dir, 'build/scripts/packaging/packages.js')
    const env = { ...process.env, LAGO_VERSION: VERSION, TZ: 'Pacific/Kiritimati' }
    const { stdout } = await run(process.execPath, [program, 'build', dir, '--only', 'source'], { env })
    expect(stdout).toBe(`${dir}/lago-3.4.5.tar.gz\n`)
    expect(await sha256(stdout.trim())).toBe(await sha256(pathOf('lago-3.4.5.tar.gz')))
    for (const empty of [
      ['', '--only', 'source'],
      [`${dir}-2`, '--only'],
      [`${dir}-2`, '--dist'],
    ])
      await expect(run(process.execPath, [program, 'build', ...empty], { env })).rejects.toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/^("out-dir" is empty|a value is missing behind --(only|dist)) \[LAGO_USAGE\]/m),
      })
    await expect(run(process.execPath, [program, 'build', dir], { env })).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is something in it (lago-3.4.5.tar.gz) [LAGO_PACKAGING]'),
    })
    const wrong = run(process.execPath, [program, 'build', `${dir}-2`, '--dist', 'el 9'], { env })
    await expect(wrong).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('"el 9" is no distribution') })
    await expect(readdir(`${dir}-2`)).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(run(process.execPath, [program, 'build', '/proc/x'], { env })).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no such file or directory: /proc/x'),
    })
  })

  test('is the same whatever git is set to, and shows in other ways, in this checkout', async () => {
    const dir = await tempDir()
    const settings = {
      'core.autocrlf': 'true',
      'format.pretty': 'oneline',
      'log.abbrevCommit': 'true',
      'diff.statGraphWidth': '10',
      'core.attributesFile': path.join(dir, 'attributes'),
    }
    await writeFile(path.join(dir, 'attributes'), 'docs/** export-ignore\n')
    await project.git('notes', 'add', '--message', 'for us alone')
    await project.git('replace', 'HEAD', await emptyCommit())
    await mkdir(path.join(project.dir, '.git/info'), { recursive: true })
    await writeFile(path.join(project.dir, '.git/info/attributes'), 'src/** export-ignore\n')
    try {
      const set = Object.entries(settings).flatMap(([key, value], at) => [
        [`GIT_CONFIG_KEY_${at}`, key],
        [`GIT_CONFIG_VALUE_${at}`, value],
      ])
      const program = path.join(project.dir, 'build/scripts/packaging/packages.js')
      const env = {
        ...process.env,
        LAGO_VERSION: VERSION,
        GIT_CONFIG_COUNT: String(Object.keys(settings).length),
        ...(Object.fromEntries(set) as Record<string, string>),
        GIT_DIR: path.join(dir, 'of-a-hook'),
      }
      const { stdout } = await run(process.execPath, [program, 'build', path.join(dir, 'out'), '--only', 'source'], {
        env,
      })
      expect(await sha256(stdout.trim())).toBe(await sha256(pathOf('lago-3.4.5.tar.gz')))
    } finally {
      await rm(path.join(project.dir, '.git/info/attributes'))
      for (const words of [
        ['notes', 'remove'],
        ['replace', '--delete', 'HEAD'],
      ])
        await project.git(...words)
    }
  })

  test('is taken away again when the build fails behind it', async () => {
    const [dir, outDir] = [await tempDir(), await tempDir()]
    await writeFile(path.join(dir, 'npm'), '#!/bin/sh\nexit 3\n', { mode: 0o755 })
    const program = path.join(project.dir, 'build/scripts/packaging/packages.js')
    const env = { ...process.env, LAGO_VERSION: VERSION, PATH: `${dir}:${process.env['PATH']}` }
    await expect(run(process.execPath, [program, 'build', outDir, '--only', 'source', 'npm'], { env })).rejects.toThrow(
      /npm run --silent build ended with exit code 3/,
    )
    expect(await readdir(outDir)).toEqual([])
  })
})

test('npm: installed on a clean machine it runs, and is gone without a trace', async () => {
  const dir = await tempDir()
  const env: NodeJS.ProcessEnv = {
    ...process.env, // proxies and certificates for the registry
    npm_config_cache: process.env['npm_config_cache'] ?? path.join(os.homedir(), '.npm'),
    npm_config_prefer_offline: 'true',
    PATH: `${dir}/prefix/bin:${process.env['PATH']}`,
    HOME: path.join(dir, 'home'),
    LAGO_LIBVIRT_URL: 'test:///default',
    LAGO_LEASE_DIR: path.join(dir, 'subnets'),
    LAGO__INIT__TEMPLATE_STORE: path.join(dir, 'store'),
  }
  const work = path.join(dir, 'work')
  await mkdir(work, { recursive: true })
  await mkdir(path.join(dir, 'home'))
  await writeFile(path.join(work, 'LagoInitFile'), TWO_EMPTY_VMS)
  const say = async (...argv: readonly string[]): Promise<string> =>
    (await run(argv[0] ?? '', argv.slice(1), { cwd: work, env })).stdout
  const npm = ['npm', '--prefix', path.join(dir, 'prefix'), '--no-audit', '--no-fund', '-g']
  await say(...npm, 'install', pathOf('lago-3.4.5.tgz'))
  const modules = path.join(dir, 'prefix/lib/node_modules')
  expect(await readdir(path.join(modules, 'lago/node_modules'))).toEqual(
    expect.arrayContaining(['@koromix', 'koffi', 'typescript']),
  )
  expect(await say('lago', '--version')).toBe('lago 3.4.5\n')
  expect(await readdir(path.join(dir, 'prefix/share/man/man1'))).toEqual(
    expect.arrayContaining(['lago.1', 'lago-start.1']),
  )
  expect(await say('lagocli', 'ovirt', '--version')).toBe('lago ovirt 3.4.5\n')
  await say('lago', 'init')
  await say('lago', 'start')
  expect(await say('lago', 'destroy', '--yes')).toBe('')

  await run('npm', ['init', '--yes'], { cwd: work, env })
  await run('npm', ['link', '--no-audit', '--no-fund', path.join(modules, 'lago')], { cwd: work, env })
  const program = 'import { LagoError } from "lago"; console.log(typeof LagoError)'
  expect(await say(process.execPath, '--input-type=module', '--eval', program)).toBe('function\n')

  await say(...npm, 'uninstall', 'lago')
  const left = await readdir(path.join(dir, 'prefix'), { recursive: true, withFileTypes: true })
  expect(left.filter((entry) => !entry.isDirectory()).map(({ name }) => name)).toEqual([])
})

test('no file of lago needs one of lago-ovirt', async () => {
  const dir = await tempDir()
  await run('dpkg-deb', ['-x', await debOf('lago'), dir])
  const dist = path.join(dir, 'usr/lib/lago/dist')
  const files = (await readdir(dist)).filter((name) => name.endsWith('.js'))
  const missing = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(path.join(dist, file), 'utf8')
      const imported = [...text.matchAll(/(?:from|import)\s*\(?"\.\/([^"]+\.js)"/g)].map(([, name = '']) => name)
      return imported.filter((name) => !files.includes(name)).map((name) => `${file} imports ${name}`)
    }),
  )
  expect(files).toContain('main.js')
  expect(files).not.toContain('ovirt-plugin.js')
  expect(missing.flat()).toEqual([])
})

async function debOf(name: string): Promise<string> {
  const found = built.find(({ kind, path: file }) => kind === 'deb' && path.basename(file).startsWith(`${name}_`))
  return found?.path ?? ''
}

/** What both families have to hold, in a root in which both packages are. */
async function expectRights(root: PackageRoot): Promise<void> {
  const stats = await root.mustRun(['stat', '-c', '%a %U:%G %n', ...GROUP_DIRS, '/etc/sudoers.d/lago', POLKIT, CONFIG])
  expect(stats.trim().split('\n')).toEqual([
    ...GROUP_DIRS.map((dir) => `2775 root:lago ${dir}`),
    '440 root:root /etc/sudoers.d/lago',
    `644 root:root ${POLKIT}`,
    `644 root:root ${CONFIG}`,
  ])
  await root.mustRun(['usermod', '--append', '--groups', 'lago', 'tester'])
  await root.mustRun(['visudo', '--check', '--strict'])
  const uuid = '0a1b'.repeat(8)
  const asked: readonly (readonly [boolean, string])[] = [
    [true, 'link add name 0a1b-net_1 type bridge'],
    [true, `link set dev 0a1b-net_1 alias lago ${uuid} /home/tester/.lago/default mtu 1500 up`],
    [true, `link set dev 0a1b-net_1 alias lago ${uuid} mtu 1500 up`],
    [true, 'link delete dev 0a1b-net_1 type bridge'],
    [false, 'link add name br0 type bridge'],
    [false, 'link add name 0a1b-net type bridge master br0'],
    [false, 'link add name 0a1b-net type vlan'],
    [false, 'link delete dev docker0 type bridge'],
    [false, 'link set dev eth0 down'],
    [false, `link set dev 0a1b-net alias lago ${uuid} /x netns 1 mtu 1500 up`],
    [false, `link set dev 0a1b-net alias lago ${uuid} /x mtu 1500 up netns 1`],
    [false, 'address add 10.0.0.1/8 dev 0a1b-net'],
  ]
  for (const [isAllowed, words] of asked) {
    const { exitCode } = await root.run(['sudo', '--list', '--other-user=tester', 'ip', ...words.split(' ')])
    expect([words, exitCode === 0]).toEqual([words, isAllowed])
  }
  expect(await polkitAnswer(root, 'org.libvirt.unix.manage', ['lago'])).toBe('yes')
  expect(await polkitAnswer(root, 'org.libvirt.unix.manage', ['users'])).toBe('not handled')
  expect(await polkitAnswer(root, 'org.freedesktop.login1.reboot', ['lago'])).toBe('not handled')
  await run('xmllint', ['--noout', path.join(root.dir, 'usr/lib/firewalld/services/lago.xml')])
  for (const manager of ['system', 'user']) {
    const unit = await readFile(path.join(root.dir, `usr/lib/systemd/${manager}/lago-gc.service`), 'utf8')
    expect(unit).toMatch(/^\[Unit\]$[^]*^ExecStart=\/usr\/bin\/lago --loglevel warning gc --expired --yes$/m)
    expect(/^After=libvirtd/m.test(unit)).toBe(manager === 'system')
  }
  expect((await root.run(['find', '/etc/systemd', '-name', 'lago-gc*'])).stdout).toBe('')
}

const GROUP_DIRS = ['', '/subnets', '/store', '/repos', '/reposync'].map((name) => `/var/lib/lago${name}`)
const POLKIT = '/usr/share/polkit-1/rules.d/50-lago.rules'
const CONFIG = '/etc/lago/lago.conf'

/** The root has no systemd, so what every host has stands beside the units. */
async function expectUnitsVerified(root: PackageRoot): Promise<void> {
  const dir = await tempDir()
  const units = 'usr/lib/systemd/system'
  await cp(path.join(root.dir, units), path.join(dir, units), { recursive: true })
  for (const name of ['sysinit', 'basic', 'timers', 'shutdown', 'time-set', 'time-sync'])
    await writeFile(path.join(dir, units, `${name}.target`), `[Unit]\nDescription=stand-in\n`)
  await mkdir(path.join(dir, 'usr/bin'))
  await writeFile(path.join(dir, 'usr/bin/lago'), '', { mode: 0o755 })
  await run('systemd-analyze', [`--root=${dir}`, 'verify', 'lago-gc.timer', 'lago-gc.service'])
  // those of users cannot be looked at below another root: this host's own targets, and a program that it has
  for (const unit of ['lago-gc.timer', 'lago-gc.service']) {
    const text = await readFile(path.join(root.dir, 'usr/lib/systemd/user', unit), 'utf8')
    await writeFile(path.join(dir, unit), text.replace('=/usr/bin/lago ', '=/usr/bin/true '))
  }
  await run('systemd-analyze', ['--user', 'verify', path.join(dir, 'lago-gc.timer')], {
    env: { ...process.env, XDG_RUNTIME_DIR: dir },
  })
}

async function expectDocuments(root: PackageRoot, zshDir: string): Promise<void> {
  const man = await root.mustRun(['gzip', '-dc', '/usr/share/man/man1/lago.1.gz'])
  expect(man).toMatch(/^\.TH "LAGO" "1" "2026-03-01" "Lago 3\.4\.5"/m)
  for (const name of [
    'man1/lagocli.1',
    'man1/lagocli-ovirt.1',
    'man1/lago-start.1',
    'man1/lago-ovirt-deploy.1',
    'man5/lago.conf.5',
  ])
    await root.mustRun(['gzip', '--test', `/usr/share/man/${name}.gz`])
  for (const [shell, file] of [
    ['bash', '/usr/share/bash-completion/completions/lagocli'],
    ['zsh', `/usr/share/zsh/${zshDir}/_lago`],
    ['fish', '/usr/share/fish/vendor_completions.d/lagocli.fish'],
  ] as const)
    expect(await root.mustRun(['cat', file])).toContain(`for ${shell}, made by`)
}

/** As polkitd asks: the rule runs against its interface. */
async function polkitAnswer(root: PackageRoot, id: string, groups: readonly string[]): Promise<unknown> {
  const rules: ((action: object, subject: object) => unknown)[] = []
  const polkit = {
    Result: { YES: 'yes', NOT_HANDLED: 'not handled' },
    addRule: (rule: (typeof rules)[number]) => rules.push(rule),
  }
  vm.runInNewContext(await readFile(path.join(root.dir, POLKIT), 'utf8'), { polkit })
  expect(rules).toHaveLength(1)
  return rules[0]?.({ id }, { isInGroup: (group: string) => groups.includes(group) })
}

/** A member of the group makes an environment in the shared directories, and takes it away. */
async function expectItRuns(root: PackageRoot): Promise<void> {
  expect(await root.mustRun(['lago', '--version'])).toBe('lago 3.4.5\n')
  expect(await root.mustRun(['lagocli', '--version'])).toBe('lago 3.4.5\n')
  expect(await root.mustRun(['lagocli-ovirt', '--help'])).toContain('lago ovirt deploy')
  expect(await root.mustRun(['lagocli-template-repo', '--help'])).toContain('lago template-repo add')
  const env = { LAGO_LIBVIRT_URL: 'test:///default' }
  const asMember = async (...argv: readonly string[]): Promise<string> => root.mustRun(argv, { user: 'tester', env })
  await writeFile(path.join(root.dir, 'home/tester/LagoInitFile'), TWO_EMPTY_VMS)
  await asMember('lago', 'init', '/home/tester/work', '/home/tester/LagoInitFile')
  expect((await root.mustRun(['sh', '-c', 'stat -c %U:%G /var/lib/lago/subnets/*.lease'])).trim()).toBe('tester:lago')
  await asMember('lago', '--workdir-path', '/home/tester/work', 'start')
  await asMember('lago', '--workdir-path', '/home/tester/work', 'destroy', '--yes')
  const scenario = 'import { LagoError } from "lago"; enum Word { none } ; console.log(Word.none, typeof LagoError)'
  await writeFile(path.join(root.dir, 'home/tester/scenario.ts'), scenario)
  const preload = '/usr/lib/lago/dist/scenario-preload.js'
  expect(await asMember('node', '--import', preload, '/home/tester/scenario.ts')).toContain('\n0 function\n')
}

/** A member of the group has put a link in the place of a shared directory: an upgrade must not give away what it leads to. */
async function asIfAttacked(root: PackageRoot, upgrade: () => Promise<unknown>): Promise<void> {
  const swap = 'cd /var/lib/lago && mv subnets aside && ln -s /etc subnets'
  await root.mustRun(['sh', '-c', swap], { user: 'tester' })
  await upgrade()
  expect(await root.mustRun(['stat', '-c', '%a %U:%G', '/etc'])).toBe('755 root:root\n')
  await root.mustRun(['sh', '-c', 'cd /var/lib/lago && rm -f subnets && mv -T aside subnets'])
}

const HINT = 'install it: apt-get install lago-ovirt, or dnf install lago-ovirt'

describe('in a root of its own', () => {
  const roots: PackageRoot[] = []
  const newRoot = async (): Promise<PackageRoot> => {
    const root = await makeRoot()
    roots.push(root)
    return root
  }
  afterEach(async () => {
    for (const root of roots.splice(0)) await root.remove()
  })

  test('Debian: installed, used, upgraded, removed and purged', async () => {
    const root = await newRoot()
    const before = await root.files()
    const apt = async (...words: readonly string[]): Promise<string> => root.mustRun(['apt-get', '-y', ...words])
    const [lago, ovirt] = [await root.bring(await debOf('lago')), await root.bring(await debOf('lago-ovirt'))]
    await apt('install', '--no-install-recommends', lago)
    expect((await root.run(['lago', 'ovirt', 'deploy'])).stderr).toContain(HINT)
    await apt('install', '--no-install-recommends', ovirt)
    for (const name of [...ENV_NAMES, '/usr/bin/lagocli-ovirt']) await root.mustRun(['test', '-x', name])
    await expectRights(root)
    await expectItRuns(root)
    await expectUnitsVerified(root)
    await expectDocuments(root, 'vendor-completions')

    await appendFile(path.join(root.dir, CONFIG), 'loglevel = debug\n')
    const newer = await Promise.all(['lago', 'lago-ovirt'].map(async (name) => root.bring(await repackedDeb(name))))
    await asIfAttacked(root, async () => apt('install', '--no-install-recommends', ...newer))
    expect(await root.mustRun(['dpkg-query', '-W', '-f', '${Version} ', 'lago', 'lago-ovirt'])).toBe('3.4.5-2 3.4.5-2 ')
    expect(await readFile(path.join(root.dir, CONFIG), 'utf8')).toMatch(/\nloglevel = debug\n$/)
    expect(await root.mustRun(['dpkg', '--verify', 'lago', 'lago-ovirt'])).toMatch(
      /^\?\?5\S+ c \/etc\/lago\/lago\.conf\n$/,
    )

    await apt('remove', 'lago-ovirt')
    expect(await root.mustRun(['lago', '--version'])).toBe('lago 3.4.5\n')
    expect((await root.run(['lago', 'ovirt', '--help'])).stderr).toContain(HINT)
    await root.mustRun(['touch', '/var/lib/lago/store/image'], { user: 'tester' })
    await apt('remove', 'lago')
    expect((await root.files()).filter((line) => line.includes('/etc/lago/'))).toEqual([`644 0:0 ${CONFIG}`])
    const { stderr } = await root.run(['dpkg', '--purge', 'lago', 'lago-ovirt'])
    expect(stderr).toContain('/var/lib/lago holds images of users, and stays, as does the group lago')
    const after = await root.files()
    expect(after.filter((line) => !before.includes(line)).map((line) => line.replace(/^\d+ 0:\d+ /, ''))).toEqual(
      expect.arrayContaining(['/var/lib/lago', '/var/lib/lago/store']),
    )
    await root.mustRun(['apt-get', '-y', 'install', '--no-install-recommends', lago])
    await rm(path.join(root.dir, 'var/lib/lago/store/image'))
    await clearLeases(root)
    await apt('purge', 'lago')
    expect(comparable(await root.files())).toEqual(comparable(before))
    expect((await root.run(['getent', 'group', 'lago'])).exitCode).toBe(2)

    const control = await tempDir()
    await run('dpkg-deb', ['--control', await debOf('lago'), control])
    const postrm = await root.bring(path.join(control, 'postrm'))
    for (const argv of [
      ['groupadd', 'lago'],
      ['useradd', '--gid=lago', 'member'],
    ])
      await root.mustRun(argv)
    const { exitCode, stderr: said } = await root.run(['sh', postrm, 'purge'])
    expect([exitCode, said]).toEqual([0, expect.stringMatching(/\nthe group lago stays, for somebody needs it\n$/)])
  })

  test('Fedora: installed by the old names, used, upgraded and removed', async () => {
    const root = await newRoot()
    await root.mustRun(['mkdir', '/usr/share/man/man1', '/usr/share/man/man5']) // Fedora's package filesystem has them
    const before = await root.files()
    const [repository, standIns] = [path.join(await tempDir(), 'lago'), path.join(await tempDir(), 'stand-ins')]
    await mkdir(repository)
    for (const { kind, path: file } of built)
      if (kind === 'rpm') await cp(file, path.join(repository, path.basename(file)))
    await createRepodata(repository)
    await makeStandInRepository(standIns)
    const dnf = async (...words: readonly string[]): Promise<string> =>
      dnfIn(root, { lago: repository, standIns }, words)

    await dnf('install', 'polkit', 'lago')
    expect((await root.run(['lago', 'ovirt', 'deploy'])).stderr).toContain(HINT)
    await dnf('install', 'python-lago', 'lago', 'python-lago-ovirt', 'lago-ovirt')
    for (const name of [...ENV_NAMES, '/usr/bin/lagocli-ovirt']) await root.mustRun(['test', '-x', name])
    await expectRights(root)
    await expectItRuns(root)
    await expectDocuments(root, 'site-functions')

    await appendFile(path.join(root.dir, CONFIG), 'loglevel = debug\n')
    await rebuildSourceRpm(repository)
    await dnf('upgrade', '--refresh')
    const query = ['rpm', '--root', root.dir, '-q', '--qf', '%{NAME}-%{VERSION}-%{RELEASE}\n', 'lago', 'lago-ovirt']
    expect((await run(query[0] ?? '', query.slice(1))).stdout).toBe('lago-3.4.5-1.fc43\nlago-ovirt-3.4.5-1.fc43\n')
    expect(await readFile(path.join(root.dir, CONFIG), 'utf8')).toMatch(/\nloglevel = debug\n$/)
    await expectItRuns(root)

    await dnf('remove', 'lago-ovirt')
    expect(await root.mustRun(['lago', '--version'])).toBe('lago 3.4.5\n')
    await clearLeases(root)
    await root.mustRun(['touch', '/var/lib/lago/store/image'], { user: 'tester' })
    await dnf('remove', 'lago')
    const left = (await root.files()).filter((line) => !before.includes(line))
    expect(left.map((line) => line.split(' ').at(-1)).sort()).toEqual(
      expect.arrayContaining(['/etc/lago/lago.conf.rpmsave', '/var/lib/lago/store/image']),
    )
    await dnf('remove', 'polkit')
    for (const kept of ['etc/lago', 'var/lib/lago']) await rm(path.join(root.dir, kept), { recursive: true })
    expect(comparable(await root.files())).toEqual(comparable(before))
  })
})

/** What a user's work leaves in their own home is theirs. */
function comparable(files: readonly string[]): string[] {
  return files.filter((line) => !line.includes(' /home/'))
}

async function clearLeases(root: PackageRoot): Promise<void> {
  const dir = path.join(root.dir, 'var/lib/lago/subnets')
  for (const name of await readdir(dir)) await rm(path.join(dir, name), { recursive: true })
}

/** The next release of it, as somebody would make who packages it anew. */
async function repackedDeb(name: string): Promise<string> {
  const dir = await tempDir()
  await run('dpkg-deb', ['-R', await debOf(name), path.join(dir, 'tree')])
  const control = path.join(dir, 'tree/DEBIAN/control')
  await writeFile(control, (await readFile(control, 'utf8')).replaceAll('3.4.5-1', '3.4.5-2'))
  const file = path.join(dir, `${name}-2.deb`)
  await run('dpkg-deb', ['--root-owner-group', '-Znone', '--build', path.join(dir, 'tree'), file])
  return file
}

/** For another distribution, whose name makes it the newer one. */
async function rebuildSourceRpm(repository: string): Promise<void> {
  const topDir = await tempDir()
  const source = built.find(({ kind }) => kind === 'srpm')?.path ?? ''
  const defines = ['--define', `_topdir ${topDir}`, '--define', 'dist .fc43']
  await run('rpmbuild', ['--rebuild', '--nodeps', ...defines, source], { maxBuffer: 64 * 1024 ** 2 })
  for (const file of await readdir(path.join(topDir, 'RPMS'), { recursive: true }))
    if (file.endsWith('.rpm')) await cp(path.join(topDir, 'RPMS', file), path.join(repository, path.basename(file)))
  await createRepodata(repository)
}

/** This host's dnf; scriptlets run in the root. */
async function dnfIn(
  root: PackageRoot,
  repositories: Readonly<Record<string, string>>,
  words: readonly string[],
): Promise<string> {
  const settings = [
    'reposdir=/nonexistent',
    'install_weak_deps=False',
    'module_platform_id=platform:el9',
    'plugins=False',
  ]
  const argv = [
    '--assumeyes',
    `--installroot=${root.dir}`,
    '--releasever=9',
    '--nogpgcheck',
    ...settings.map((setting) => `--setopt=${setting}`),
    ...Object.entries(repositories).map(([name, dir]) => `--repofrompath=${name},${dir}`),
  ]
  const { stdout } = await run('dnf', [...argv, ...words], { env: { ...process.env, LC_ALL: 'C' } })
  return stdout
}

test('a package does not depend on who makes it: modes are those of the project', async () => {
  const { mode } = await stat(await debOf('lago'))
  expect(mode & 0o400).toBe(0o400)
  const { stdout } = await run('dpkg-deb', ['-c', await debOf('lago')])
  expect(stdout.split('\n').filter((line) => /^.{5}w|^.{8}w/.test(line) && !line.startsWith('l'))).toEqual([])
})
