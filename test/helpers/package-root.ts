/**
 * A small Debian of its own, below a directory, to install packages into: by its own apt and dpkg, or by this host's dnf.
 * What it begins with is made once by mmdebstrap, kept in the cache, and copied. Programs run in it by chroot, with the
 * host's network, and with processes and a /proc of their own: what they start ends with them. Needs root.
 */
import { createHash } from 'node:crypto'
import { execFile, spawn } from 'node:child_process'
import { copyFile, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface RootRun {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunInRootOptions {
  /** A user of the root; default: root. */
  readonly user?: string
  readonly env?: Readonly<Record<string, string>>
}

export interface PackageRoot {
  /** Absolute, on this host. */
  readonly dir: string
  /** Whatever the exit code. */
  run(argv: readonly string[], options?: RunInRootOptions): Promise<RootRun>
  /** Gives stdout; throws with what it said when it fails. */
  mustRun(argv: readonly string[], options?: RunInRootOptions): Promise<string>
  /** Copies a file of this host into the root's `/srv`, and gives its path there. */
  bring(filePath: string): Promise<string>
  /** Every file and directory, as `MODE OWNER:GROUP PATH` in numbers, sorted, but for what package managers keep for themselves. */
  files(): Promise<string[]>
  remove(): Promise<void>
}

/** What the packages of Lago depend on under Debian, and what the tests look with. */
const PACKAGES = 'libvirt0,qemu-utils,openssh-client,iproute2,sudo,rpm,createrepo-c,ca-certificates'
const LEAVE_OUT = ['doc', 'man', 'locale', 'info'].map((name) => `path-exclude=/usr/share/${name}/*`)
const SUITE = 'bookworm'

/** Lists, caches and logs of package managers, and copies that tools for users make. */
const KEPT_BY_TOOLS =
  /^\/(etc\/dnf|var\/(log|cache|lib\/(dpkg|apt|rpm|dnf|systemd))|srv|proc|tmp|root|usr\/lib\/sysimage|etc\/(passwd|group|shadow|gshadow|subuid|subgid)-)(\/|$)/

export async function makeRoot(): Promise<PackageRoot> {
  const base = await ensureBase()
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lago-test-root-'))
  await run('cp', ['-a', '--reflink=auto', `${base}/.`, dir])
  const runIn = async (argv: readonly string[], options: RunInRootOptions = {}): Promise<RootRun> =>
    runInRoot(dir, argv, options)
  return {
    dir,
    run: runIn,
    async mustRun(argv, options) {
      const { exitCode, stdout, stderr } = await runIn(argv, options)
      if (exitCode !== 0) throw new Error(`${argv.join(' ')} ended with ${exitCode}:\n${stdout}${stderr}`)
      return stdout
    },
    async bring(filePath) {
      const name = `/srv/${path.basename(filePath)}`
      await copyFile(filePath, path.join(dir, name))
      return name
    },
    files: async () => filesOf(dir),
    remove: async () => rm(dir, { recursive: true, force: true }),
  }
}

async function runInRoot(dir: string, argv: readonly string[], { user, env }: RunInRootOptions): Promise<RootRun> {
  const isolated = ['--mount', '--pid', '--fork', '--kill-child', `--mount-proc=${dir}/proc`]
  const as = user === undefined ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups', '--']
  const child = spawn('unshare', [...isolated, '--', 'chroot', dir, ...as, ...argv], {
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: user === undefined ? '/root' : `/home/${user}`,
      LC_ALL: 'C.UTF-8',
      DEBIAN_FRONTEND: 'noninteractive',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ exitCode: code ?? -1, stdout, stderr }))
  })
}

async function filesOf(dir: string): Promise<string[]> {
  const found: string[] = []
  const waiting = ['/']
  for (const below of waiting)
    for (const entry of await readdir(path.join(dir, below), { withFileTypes: true })) {
      const name = path.join(below, entry.name)
      if (KEPT_BY_TOOLS.test(name)) continue
      const { mode, uid, gid } = await lstat(path.join(dir, name))
      found.push(`${(mode & 0o7777).toString(8)} ${uid}:${gid} ${name}`)
      if (entry.isDirectory()) waiting.push(name)
    }
  return found.sort()
}

/** Made anew when what it is made of changes; two that make it at once do not disturb each other. */
async function ensureBase(): Promise<string> {
  const roots = path.join(process.env['XDG_CACHE_HOME'] || path.join(os.homedir(), '.cache'), 'lago', 'package-roots')
  const recipe = JSON.stringify([SUITE, PACKAGES, LEAVE_OUT, process.version, process.arch, await ownText()])
  const base = path.join(roots, createHash('sha256').update(recipe).digest('hex').slice(0, 16))
  if (await isThere(base)) return base
  await mkdir(roots, { recursive: true })
  const made = await mkdtemp(path.join(roots, 'new-'))
  try {
    await makeBase(made)
    await rename(made, base)
  } catch (error) {
    await rm(made, { recursive: true, force: true })
    if (!(await isThere(base))) throw error
  }
  return base
}

async function ownText(): Promise<string> {
  return readFile(new URL(import.meta.url), 'utf8')
}

async function isThere(dir: string): Promise<boolean> {
  return lstat(dir).then(
    () => true,
    () => false,
  )
}

async function makeBase(dir: string): Promise<void> {
  const options = LEAVE_OUT.map((option) => `--dpkgopt=${option}`)
  const how = ['--mode=root', '--variant=apt', '--format=directory', '--skip=check/qemu', `--include=${PACKAGES}`]
  const keep = ['--skip=cleanup/apt/lists', '--aptopt=Acquire::Check-Valid-Until "false"']
  await run('mmdebstrap', [...how, ...keep, ...options, SUITE, dir, 'http://deb.debian.org/debian'], {
    maxBuffer: 16 * 1024 ** 2,
  })
  await rm(path.join(dir, 'etc/dpkg/dpkg.cfg.d/99mmdebstrap')) // what is installed from now on has its documents
  await addStandInNode(dir)
  await run('chroot', [dir, 'useradd', '--create-home', '--user-group', 'tester'])
}

/** Debian 12 has an older Node than Lago needs: this host's binary, and a package without files that stands for it. */
async function addStandInNode(dir: string): Promise<void> {
  await copyFile(process.execPath, path.join(dir, 'usr/bin/node'))
  const tree = path.join(dir, 'tmp/nodejs')
  await mkdir(path.join(tree, 'DEBIAN'), { recursive: true })
  const lines = [
    'Package: nodejs',
    `Version: ${process.versions.node}-1standin1`,
    'Architecture: all',
    'Maintainer: nobody <nobody@localhost>',
    'Description: stands for the package of Node.js that this host has',
    '',
  ]
  await writeFile(path.join(tree, 'DEBIAN/control'), lines.join('\n'))
  await run('dpkg-deb', ['--root-owner-group', '--build', tree, path.join(dir, 'tmp/nodejs.deb')])
  await run('chroot', [dir, 'dpkg', '-i', '/tmp/nodejs.deb'])
  await rm(tree, { recursive: true })
  await rm(path.join(dir, 'tmp/nodejs.deb'))
}
