/**
 * What the packages of a distribution put on a host: a directory for each package, laid out as `/`. The split is the
 * guide's: lago, and lago-ovirt with what `lago ovirt` alone needs.
 */
import { chmod, cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { LagoError } from '../../src/base/errors.js'
import { defaultConfig } from './default-config.js'
import { normalizeModes } from './modes.js'
import { OVIRT_FILES } from './ovirt-files.js'
import type { Stage } from './stage.js'

export type Family = 'debian' | 'fedora'

export interface HostTree {
  readonly name: 'lago' | 'lago-ovirt'
  /** Absolute. */
  readonly dir: string
  /** As on the host; to be of the group lago, which passes on (mode 2775). Spec 1.10. */
  readonly groupDirs: readonly string[]
}

const LIB = 'usr/lib/lago'
const SHARE = 'usr/share/lago'
const GROUP_DIRS = ['/var/lib/lago', '/var/lib/lago/subnets', '/var/lib/lago/store', '/var/lib/lago/repos']
const OVIRT_GROUP_DIRS = ['/var/lib/lago/reposync']
const OVIRT_EXAMPLES = ['examples/suites', 'examples/init-files/ovirt.json']

/** `arch` as Node names it. Throws `LAGO_PACKAGING` for a machine for which koffi has no binary. */
export async function makeHostTrees(
  stage: Stage,
  { family, arch = process.arch }: { readonly family: Family; readonly arch?: string },
): Promise<{ readonly lago: HostTree; readonly ovirt: HostTree }> {
  const koffi = koffiBinary(arch)
  const lago: HostTree = { name: 'lago', dir: path.join(stage.workDir, family, 'lago'), groupDirs: GROUP_DIRS }
  const ovirt: HostTree = {
    name: 'lago-ovirt',
    dir: path.join(stage.workDir, family, 'lago-ovirt'),
    groupDirs: OVIRT_GROUP_DIRS,
  }
  await placeProgram(stage, lago)
  await placeModule(stage, lago, koffi.name, ['package.json', 'index.js', koffi.binaryDir])
  await placeModule(stage, lago, 'koffi', KOFFI_FILES)
  await placeForHost(stage, lago, family)
  await placeOvirt(stage, lago, ovirt)
  for (const { dir, groupDirs } of [lago, ovirt])
    for (const groupDir of groupDirs) await mkdir(path.join(dir, groupDir), { recursive: true })
  for (const { dir } of [lago, ovirt]) await normalizeModes(dir)
  await chmod(path.join(lago.dir, 'etc/sudoers.d/lago'), 0o440)
  return { lago, ovirt }
}

const KOFFI_FILES = [
  'package.json',
  'LICENSE.txt',
  ...['index', 'src/koffi/index', 'src/koffi/src/static'].flatMap((name) => [`${name}.js`, `${name}.cjs`]),
]

function koffiBinary(arch: string): { readonly name: string; readonly binaryDir: string } {
  if (arch !== 'x64' && arch !== 'arm64')
    throw new LagoError('LAGO_PACKAGING', `no packages can be made for machines of the kind ${arch}`, {
      hint: 'make them on x86_64 or aarch64',
    })
  return { name: `@koromix/koffi-linux-${arch}`, binaryDir: `linux_${arch}` }
}

async function placeProgram(stage: Stage, tree: HostTree): Promise<void> {
  for (const name of ['bin', 'dist', 'package.json', 'LICENSE']) await place(stage, name, tree, `${LIB}/${name}`)
  for (const name of ['man', 'completions'])
    await rm(path.join(tree.dir, LIB, 'dist', name), { recursive: true, force: true })
  for (const name of ['templates', 'examples']) await place(stage, name, tree, `${SHARE}/${name}`)
  for (const name of await scriptsOf(stage)) await place(stage, name, tree, `${SHARE}/${name}`)
  await symlink('../../share/lago/templates', path.join(tree.dir, LIB, 'templates'))
  for (const name of ['docs', 'README.md', 'CHANGELOG.md', 'SECURITY.md', 'ChangeLog'])
    await place(stage, name, tree, `usr/share/doc/lago/${name}`)
  await useHostsNode(tree)
  for (const name of ['lago', 'lagocli', 'lagocli-template-repo']) await linkProgram(tree, name)
}

/** Those that package.json publishes. */
async function scriptsOf({ dir }: Stage): Promise<readonly string[]> {
  const { files } = JSON.parse(await readFile(path.join(dir, 'package.json'), 'utf8')) as { files: readonly string[] } // our own file
  return files.filter((name) => name.startsWith('scripts/'))
}

/** Not the one that stands first in a user's PATH: it may be too old, or for another purpose. */
async function useHostsNode({ dir }: HostTree): Promise<void> {
  const bin = path.join(dir, LIB, 'bin')
  for (const name of await readdir(bin)) await replaceIn(path.join(bin, name), '#!/usr/bin/env node', '#!/usr/bin/node')
}

async function linkProgram({ dir }: HostTree, name: string): Promise<void> {
  await mkdir(path.join(dir, 'usr/bin'), { recursive: true })
  await symlink(`../lib/lago/bin/${name}.js`, path.join(dir, 'usr/bin', name))
}

async function placeModule(stage: Stage, tree: HostTree, name: string, files: readonly string[]): Promise<void> {
  for (const file of files) {
    const from = path.join(stage.projectDir, 'node_modules', name, file)
    await copyTo(from, path.join(tree.dir, LIB, 'node_modules', name, file))
  }
}

async function placeForHost(stage: Stage, tree: HostTree, family: Family): Promise<void> {
  await place(stage, 'scripts/packaging/host/sudoers', tree, 'etc/sudoers.d/lago')
  await place(stage, 'scripts/packaging/host/polkit.rules', tree, 'usr/share/polkit-1/rules.d/50-lago.rules')
  for (const dir of ['etc/lago', 'etc/lago.d']) await mkdir(path.join(tree.dir, dir), { recursive: true })
  await writeFile(path.join(tree.dir, 'etc/lago/lago.conf'), await defaultConfig())
  for (const manager of ['system', 'user'] as const) await placeUnits(stage, tree, manager)
  await placeManPages(stage, tree, (name) => !isOvirtPage(name))
  await placeCompletions(stage, tree, family)
}

/** A user's are for the user's own environments: the system's end root's, and leave those of others to them. */
async function placeUnits(stage: Stage, tree: HostTree, manager: 'system' | 'user'): Promise<void> {
  for (const unit of ['lago-gc.service', 'lago-gc.timer']) {
    const target = `usr/lib/systemd/${manager}/${unit}`
    await place(stage, `examples/gc/${unit}`, tree, target)
    await replaceIn(path.join(tree.dir, target), /^# .*\n/, '') // where an administrator would put it
  }
  const service = path.join(tree.dir, `usr/lib/systemd/${manager}/lago-gc.service`)
  await replaceIn(service, 'ExecStart=/usr/bin/env lago', 'ExecStart=/usr/bin/lago')
  if (manager === 'user') await replaceIn(service, /^After=.*\n/m, '') // the system's units are not the user's
}

/** Packed, as distributions have them; a page of `lago ovirt` goes with its verb. */
async function placeManPages(stage: Stage, tree: HostTree, isWanted: (name: string) => boolean): Promise<void> {
  const from = path.join(stage.dir, 'dist/man')
  for (const name of (await readdir(from)).filter(isWanted)) {
    const dir = path.join(tree.dir, `usr/share/man/man${name.split('.').at(-1)}`)
    await mkdir(dir, { recursive: true })
    await writeFile(path.join(dir, `${name}.gz`), gzipSync(await readFile(path.join(from, name)), { level: 9 }))
  }
}

function isOvirtPage(name: string): boolean {
  return /^lago(cli)?-ovirt/.test(name)
}

/** zsh looks in another place on each family; bash and fish look for a file of the program's name. */
async function placeCompletions(stage: Stage, tree: HostTree, family: Family): Promise<void> {
  const zshDir = family === 'debian' ? 'vendor-completions' : 'site-functions'
  const [bashDir, fishDir] = ['usr/share/bash-completion/completions', 'usr/share/fish/vendor_completions.d']
  await place(stage, 'dist/completions/_lago', tree, `usr/share/zsh/${zshDir}/_lago`)
  await place(stage, 'dist/completions/lago.bash', tree, `${bashDir}/lago`)
  await symlink('lago', path.join(tree.dir, bashDir, 'lagocli'))
  await place(stage, 'dist/completions/lago.fish', tree, `${fishDir}/lago.fish`)
  await symlink('lago.fish', path.join(tree.dir, fishDir, 'lagocli.fish'))
}

/** What `lago ovirt` alone needs moves over; TypeScript is for its scenarios. */
async function placeOvirt(stage: Stage, lago: HostTree, ovirt: HostTree): Promise<void> {
  const files = JSON.parse(await readFile(path.join(stage.dir, OVIRT_FILES), 'utf8')) as readonly string[] // our own file
  const moved = [...files, 'dist/types/plugins', 'bin/lagocli-ovirt.js'].map((name) => `${LIB}/${name}`)
  for (const name of [...moved, ...OVIRT_EXAMPLES.map((name) => `${SHARE}/${name}`)]) {
    await mkdir(path.join(ovirt.dir, path.dirname(name)), { recursive: true })
    await rename(path.join(lago.dir, name), path.join(ovirt.dir, name))
  }
  await place(stage, 'python', ovirt, `${LIB}/python`)
  await placeModule(stage, ovirt, 'typescript', [
    'package.json',
    'LICENSE.txt',
    'ThirdPartyNoticeText.txt',
    'lib/typescript.js',
  ])
  await linkProgram(ovirt, 'lagocli-ovirt')
  await placeManPages(stage, ovirt, isOvirtPage)
  await place(stage, 'scripts/packaging/host/firewalld.xml', ovirt, 'usr/lib/firewalld/services/lago.xml')
}

async function place(stage: Stage, name: string, tree: HostTree, target: string): Promise<void> {
  await copyTo(path.join(stage.dir, name), path.join(tree.dir, target))
}

async function copyTo(from: string, to: string): Promise<void> {
  await mkdir(path.dirname(to), { recursive: true })
  await cp(from, to, { recursive: true })
}

async function replaceIn(filePath: string, from: string | RegExp, to: string): Promise<void> {
  const text = await readFile(filePath, 'utf8')
  const replaced = text.replace(from, to)
  if (replaced === text) throw new Error(`"${from}" is not in ${filePath}`)
  await writeFile(filePath, replaced)
}
