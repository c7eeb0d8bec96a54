/** Real RPM packages and repositories of them, as small as they come: by rpmbuild and createrepo_c. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

export interface RpmSpec {
  readonly name: string
  /** Default `1`. */
  readonly version?: string
  /** Default `1`. */
  readonly release?: string
  /** Default: none, which counts as 0. */
  readonly epoch?: number
  /** Default `noarch`; `src` gives the source package alone. Any other may be foreign: nothing in it is a program. */
  readonly arch?: string
  readonly summary?: string
  readonly requires?: readonly string[]
  readonly provides?: readonly string[]
  /** Absolute paths of directories that it owns to their rights in octal digits. Default: none. */
  readonly dirs?: Readonly<Record<string, string>>
  /** Absolute path in the package to content. Default: none. */
  readonly files?: Readonly<Record<string, string>>
}

/** Builds the package into `dir`, which is made, and gives its absolute path there: `NAME-VERSION-RELEASE.ARCH.rpm`. */
export async function buildRpm(dir: string, rpm: RpmSpec): Promise<string> {
  const { arch = 'noarch' } = rpm
  const topDir = await mkdtemp(path.join(os.tmpdir(), 'lago-test-rpmbuild-'))
  try {
    const specPath = path.join(topDir, `${rpm.name}.spec`)
    await writeFile(specPath, specText(rpm))
    const kind = arch === 'src' ? ['-bs'] : ['-bb', '--target', `${arch}-linux`]
    const defines = ['--define', `_topdir ${topDir}`, '--define', 'dist %{nil}']
    await promisify(execFile)('rpmbuild', [...kind, ...defines, specPath])
    const built = (await readdir(topDir, { recursive: true })).find((file) => file.endsWith('.rpm'))
    if (built === undefined) throw new Error(`rpmbuild made no package of ${specPath}`)
    await mkdir(dir, { recursive: true })
    const rpmPath = path.join(dir, path.basename(built))
    await promisify(execFile)('cp', [path.join(topDir, built), `${rpmPath}.new`])
    await rename(`${rpmPath}.new`, rpmPath)
    return rpmPath
  } finally {
    await rm(topDir, { recursive: true, force: true })
  }
}

/** (Re)writes `repodata` of the repository in `dir`, with createrepo_c's own options behind. */
export async function createRepodata(dir: string, ...options: readonly string[]): Promise<void> {
  await promisify(execFile)('createrepo_c', ['--quiet', ...options, dir])
}

function specText({
  name,
  version = '1',
  release = '1',
  epoch,
  arch,
  summary = 'for a test',
  requires = [],
  provides = [],
  dirs = {},
  files = {},
}: RpmSpec): string {
  const noarch = arch === undefined || arch === 'noarch' ? ['BuildArch: noarch'] : []
  return [
    '%global debug_package %{nil}',
    `Name: ${name}`,
    ...(epoch === undefined ? [] : [`Epoch: ${epoch}`]),
    `Version: ${version}`,
    `Release: ${release}`,
    ...noarch,
    `Summary: ${summary}`,
    'License: none',
    ...requires.map((capability) => `Requires: ${capability}`),
    ...provides.map((capability) => `Provides: ${capability}`),
    '%description',
    'For a test.',
    '%install',
    ...Object.keys(dirs).map((dir) => `mkdir -p "%{buildroot}${dir}"`),
    ...Object.entries(files).flatMap(([file, content]) => [
      `mkdir -p "%{buildroot}${path.posix.dirname(file)}"`,
      `printf %s '${Buffer.from(content).toString('base64')}' | base64 --decode > "%{buildroot}${file}"`,
    ]),
    '%files',
    ...Object.entries(dirs).map(([dir, mode]) => `%attr(${mode}, root, root) %dir ${dir}`),
    ...Object.keys(files),
    '',
  ].join('\n')
}
