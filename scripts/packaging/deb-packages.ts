/** `lago_X.Y.Z-R_ARCH.deb` and `lago-ovirt_X.Y.Z-R_all.deb`, by dpkg-deb. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { pathExists } from 'fs-extra/esm'
import { runCommand } from '../../src/base/process.js'
import type { Task } from '../../src/base/task.js'
import { makeHostTrees, type HostTree } from './host-trees.js'
import { normalizeModes } from './modes.js'
import { DEBIAN } from './requirements.js'
import { packingEnv, type Stage } from './stage.js'

const MAINTAINER = 'Lago maintainers <lago@localhost>'

/** Gives their absolute paths in `outDir`. */
export async function buildDebs(task: Task, stage: Stage, outDir: string): Promise<string[]> {
  const { lago, ovirt } = await makeHostTrees(stage, { family: 'debian' })
  const built: string[] = []
  for (const tree of [lago, ovirt]) {
    const arch = tree === lago ? debianArch() : 'all'
    await placeDocuments(stage, tree)
    await writeControlFiles(stage, tree, arch)
    const filePath = path.join(outDir, `${tree.name}_${stage.version}-${stage.release}_${arch}.deb`)
    const argv = ['dpkg-deb', '--root-owner-group', '-Zxz', '-z3', '--build', tree.dir, filePath] as const
    await runCommand(task, argv, { env: packingEnv(stage), package: 'dpkg' })
    built.push(filePath)
  }
  return built
}

function debianArch(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch
}

/** Debian policy 12.5 and 12.7. */
async function placeDocuments(stage: Stage, { name, dir }: HostTree): Promise<void> {
  const docDir = path.join(dir, 'usr/share/doc', name)
  await mkdir(docDir, { recursive: true })
  const copyright = await readFile(path.join(stage.dir, 'scripts/packaging/debian/copyright'), 'utf8')
  await writeFile(path.join(docDir, 'copyright'), copyright)
  const date = new Date(stage.commit.committedAtMs).toUTCString().replace('GMT', '+0000')
  const what = 'What has changed is in /usr/share/doc/lago/CHANGELOG.md.'
  const changelog = `${name} (${fullVersion(stage)}) unstable; urgency=medium\n\n  * ${what}\n\n -- ${MAINTAINER}  ${date}\n`
  await writeFile(path.join(docDir, 'changelog.Debian.gz'), gzipSync(changelog, { level: 9 }))
  await normalizeModes(path.dirname(docDir))
}

function fullVersion({ version, release }: Stage): string {
  return `${version}-${release}`
}

async function writeControlFiles(stage: Stage, tree: HostTree, arch: string): Promise<void> {
  const control = path.join(tree.dir, 'DEBIAN')
  const files = await filesBelow(tree.dir)
  await mkdir(control)
  await writeFile(
    path.join(control, 'control'),
    controlText(stage, tree, { arch, sizeKiB: await sizeKiB(tree, files) }),
  )
  const config = files.filter((name) => name.startsWith('etc/')).map((name) => `/${name}\n`)
  if (config.length > 0) await writeFile(path.join(control, 'conffiles'), config.join(''))
  const sums = await Promise.all(files.map(async (name) => `${await md5(path.join(tree.dir, name))}  ${name}\n`))
  await writeFile(path.join(control, 'md5sums'), sums.join(''))
  for (const script of ['postinst', 'prerm', 'postrm']) {
    const from = path.join(stage.dir, 'scripts/packaging/debian', `${tree.name}.${script}`)
    if (!(await pathExists(from))) continue
    const text = (await readFile(from, 'utf8')).replace('@GROUP_DIRS@', tree.groupDirs.join(' '))
    await writeFile(path.join(control, script), text, { mode: 0o755 })
  }
  await normalizeModes(control)
}

function controlText(
  stage: Stage,
  { name }: HostTree,
  { arch, sizeKiB }: { readonly arch: string; readonly sizeKiB: number },
): string {
  const { needs, recommends } = DEBIAN[name]
  const depends = name === 'lago' ? needs : [`lago (= ${fullVersion(stage)})`, ...needs]
  return [
    `Package: ${name}`,
    'Source: lago',
    `Version: ${fullVersion(stage)}`,
    `Architecture: ${arch}`,
    `Maintainer: ${MAINTAINER}`,
    `Installed-Size: ${sizeKiB}`,
    `Depends: ${depends.join(', ')}`,
    `Recommends: ${recommends.join(', ')}`,
    'Section: admin',
    'Priority: optional',
    'Homepage: https://github.com/lago-project/lago',
    ...DESCRIPTIONS[name],
    '',
  ].join('\n')
}

const DESCRIPTIONS: Readonly<Record<HostTree['name'], readonly string[]>> = {
  lago: [
    'Description: test environments of virtual machines from one init file',
    ' Lago makes whole test environments of virtual machines on one host from one',
    ' init file: disks from templates, networks, machines, and what runs in them.',
  ],
  'lago-ovirt': [
    'Description: verbs of Lago for system tests of oVirt',
    ' The verbs of "lago ovirt": repositories for the guests, scenarios, and the',
    ' engine of an environment.',
  ],
}

/** Below `dir`, sorted, without directories; what is a link has no sum. */
async function filesBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return files.map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name))).sort()
}

/** As dpkg-gencontrol counts: whole KiB of each file. */
async function sizeKiB({ dir }: HostTree, files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map(async (name) => (await stat(path.join(dir, name))).size))
  return sizes.reduce((sum, size) => sum + Math.ceil(size / 1024), 0)
}

async function md5(filePath: string): Promise<string> {
  const hash = createHash('md5')
  for await (const chunk of createReadStream(filePath)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
