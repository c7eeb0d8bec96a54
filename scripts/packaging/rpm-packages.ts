/** `lago-X.Y.Z-R.DIST.ARCH.rpm`, `lago-ovirt-X.Y.Z-R.DIST.noarch.rpm` and their source, by rpmbuild. */
import { copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathExists } from 'fs-extra/esm'
import { LagoError } from '../../src/base/errors.js'
import { runCommand } from '../../src/base/process.js'
import { makeScratchDir } from '../../src/base/scratch-dir.js'
import type { Task } from '../../src/base/task.js'
import { makeHostTrees, type HostTree } from './host-trees.js'
import { FEDORA, type Requirements } from './requirements.js'
import { writeTarball } from './source-tarball.js'
import { packingEnv, type Stage } from './stage.js'
import type { BuiltPackage, PackageKind } from './types.js'

export interface RpmOptions {
  readonly outDir: string
  readonly dist: string
  readonly sourcePath: string
  readonly kinds: readonly PackageKind[]
}

/** Throws `LAGO_PACKAGING` when the directory for temporary files has a name that rpmbuild cannot work with. */
export async function buildRpms(task: Task, stage: Stage, options: RpmOptions): Promise<BuiltPackage[]> {
  const built = await builtTarball(task, stage)
  const topDir = await makeScratchDir('rpmbuild') // not in the stage: rpmbuild puts the path into shell scripts, unquoted
  try {
    if (!/^[\w./+-]+$/.test(topDir))
      throw new LagoError(
        'LAGO_PACKAGING',
        `rpmbuild cannot work in ${topDir}: its path has more than letters and digits`,
        {
          hint: 'set TMPDIR to a directory with a plain path: TMPDIR=/var/tmp',
        },
      )
    return await buildIn(task, stage, { ...options, built, topDir })
  } finally {
    await rm(topDir, { recursive: true, force: true })
  }
}

async function buildIn(
  task: Task,
  stage: Stage,
  options: RpmOptions & { readonly built: string; readonly topDir: string },
): Promise<BuiltPackage[]> {
  const { dist, sourcePath, kinds, outDir, built, topDir } = options
  const sourceDir = path.join(topDir, 'SOURCES')
  await mkdir(sourceDir, { recursive: true })
  for (const file of [sourcePath, built]) await copyFile(file, path.join(sourceDir, path.basename(file)))
  const specPath = path.join(topDir, 'lago.spec')
  await writeFile(specPath, await specText(stage))
  const what = !kinds.includes('srpm') ? '-bb' : kinds.includes('rpm') ? '-ba' : '-bs'
  const macros = [`_topdir ${topDir}`, `_sourcedir ${sourceDir}`, `dist .${dist}`]
  const defines = macros.flatMap((macro) => ['--define', macro])
  // those of another distribution's rpm, which does not have the packages of the one that is built for
  const argv = ['rpmbuild', what, '--quiet', '--nodeps', '--target', rpmArch(), ...defines, specPath] as const
  const { stderr } = await runCommand(task, argv, { package: 'rpm, under Fedora rpm-build', env: packingEnv(stage) })
  const files = (await readdir(topDir, { recursive: true })).filter((name) => name.endsWith('.rpm')).sort()
  const packages: BuiltPackage[] = []
  for (const file of files) {
    const filePath = path.join(outDir, path.basename(file))
    await copyFile(path.join(topDir, file), filePath)
    packages.push({ kind: file.endsWith('.src.rpm') ? 'srpm' : 'rpm', path: filePath, dist })
  }
  // rpmbuild ends well without packages, too, as for a changelog that it cannot read
  if (!kinds.every((kind) => !isOfRpm(kind) || packages.some((built) => built.kind === kind)))
    throw new LagoError('LAGO_PACKAGING', `rpmbuild made no package of ${specPath}: ${stderr.trim()}`, {
      hint: 'scripts/packaging/lago.spec is its template; what it says of the changelog comes from commits',
    })
  return packages
}

function isOfRpm(kind: PackageKind): boolean {
  return kind === 'rpm' || kind === 'srpm'
}

function rpmArch(): string {
  return process.arch === 'x64' ? 'x86_64' : 'aarch64'
}

/** What is to be packed, and which package has which of it; one for all distributions. */
async function builtTarball(task: Task, stage: Stage): Promise<string> {
  const filePath = path.join(stage.workDir, `lago-${stage.version}-built.tar.gz`)
  if (await pathExists(filePath)) return filePath
  const { lago, ovirt } = await makeHostTrees(stage, { family: 'fedora' })
  const dir = path.join(stage.workDir, 'built')
  const own = await ownedBy(lago, new Set())
  const others = await ownedBy(ovirt, new Set(own.map(({ name }) => name)))
  await mkdir(dir)
  await writeFile(path.join(dir, 'files-lago'), fileList(own, lago))
  await writeFile(path.join(dir, 'files-lago-ovirt'), fileList(others, ovirt))
  for (const tree of [lago, ovirt])
    await cp(tree.dir, path.join(dir, 'tree'), { recursive: true, verbatimSymlinks: true })
  await writeTarball(task, stage, { filePath, fromDir: dir, name: '.' })
  return filePath
}

interface Owned {
  /** As on the host. */
  readonly name: string
  readonly isDir: boolean
}

/**
 * Directories that every host of the family has are nobody's here, nor those of the other tree; the rest is owned, since a
 * package that would have it need not be installed.
 */
async function ownedBy({ dir }: HostTree, others: ReadonlySet<string>): Promise<Owned[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries
    .map((entry) => ({
      name: `/${path.relative(dir, path.join(entry.parentPath, entry.name))}`,
      isDir: entry.isDirectory(),
    }))
    .filter(({ name, isDir }) => !isDir || !(OF_EVERY_HOST.test(name) || others.has(name)))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
}

/** Of Fedora's packages filesystem, systemd, sudo and polkit, the last two with modes of their own: rpm refuses other ones. */
const OF_EVERY_HOST =
  /^\/(etc(\/sudoers\.d)?|usr(\/bin|\/lib(\/systemd(\/system)?)?|\/share(\/doc|\/man(\/man\d)?|\/polkit-1(\/rules\.d)?)?)?|var(\/lib)?)$/

/** In the form of `%files`. Every name is quoted, and a % would be a macro. */
function fileList(owned: readonly Owned[], { groupDirs }: HostTree): string {
  const lines = owned.map(({ name, isDir }) => {
    const quoted = `"${name.replaceAll('%', '%%')}"`
    if (groupDirs.includes(name)) return `%attr(2775, root, lago) %dir ${quoted}`
    if (isDir) return `%dir ${quoted}`
    if (name.startsWith('/etc/sudoers.d/')) return `%config(noreplace) %attr(0440, root, root) ${quoted}`
    if (name.startsWith('/etc/')) return `%config(noreplace) ${quoted}`
    if (name.startsWith('/usr/share/doc/')) return `%doc ${quoted}`
    return quoted
  })
  return `%defattr(-, root, root, -)\n${lines.join('\n')}\n`
}

async function specText(stage: Stage): Promise<string> {
  const template = await readFile(path.join(stage.dir, 'scripts/packaging/lago.spec'), 'utf8')
  const values: Readonly<Record<string, string>> = {
    VERSION: stage.version,
    RELEASE: stage.release,
    ARCH: rpmArch(),
    REQUIRES: requires(FEDORA.lago),
    OVIRT_REQUIRES: requires(FEDORA['lago-ovirt']),
    CHANGELOG: stage.changelogOfRpm.trimEnd(),
  }
  return template.replaceAll(/@([A-Z_]+)@/g, (whole, name: string) => values[name] ?? whole)
}

function requires({ needs, recommends }: Requirements): string {
  return [
    ...needs.map((name) => `Requires:       ${name}`),
    ...recommends.map((name) => `Recommends:     ${name}`),
  ].join('\n')
}
