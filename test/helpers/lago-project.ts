import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export interface LagoRun {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface LagoProject {
  readonly dir: string
  readonly env: Readonly<Record<string, string>>
  /** `lago ARGS...`, run in the project's directory, or below it with `cwd`. */
  lago(args: readonly string[], options?: RunOptions): Promise<LagoRun>
  /** The same, not waited for. */
  spawnLago(args: readonly string[], options?: RunOptions): ChildProcess
  /** Names below `dir`, sorted; the empty list for what is not there. */
  ls(below: string): Promise<string[]>
  read(below: string): Promise<string>
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  readonly program?: 'lago' | 'lagocli'
}

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/**
 * A directory of its own with `files`, a store and leases of its own, and libvirt's test driver unless `env` says
 * otherwise. `runLago` runs the bundled program as a user would.
 */
export async function makeProject(
  dir: string,
  files: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): Promise<LagoProject> {
  await chmod(dir, 0o711)
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(dir, name)), { recursive: true })
    await writeFile(path.join(dir, name), content)
  }
  const projectEnv = {
    HOME: path.join(dir, 'home'),
    XDG_CONFIG_HOME: path.join(dir, 'config'),
    XDG_CONFIG_DIRS: path.join(dir, 'config-dirs'),
    LAGO_LEASE_DIR: path.join(dir, 'subnets'),
    LAGO_LIBVIRT_URL: 'test:///default',
    LAGO__INIT__TEMPLATE_STORE: path.join(dir, 'store'),
    ...env,
  }
  const spawnLago = (args: readonly string[], options: RunOptions = {}): ChildProcess =>
    spawn(process.execPath, [path.join(ROOT, 'bin', `${options.program ?? 'lago'}.js`), ...args], {
      cwd: path.join(dir, options.cwd ?? '.'),
      env: { PATH: process.env['PATH'], ...projectEnv, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
  return {
    dir,
    env: projectEnv,
    spawnLago,
    lago: async (args, options = {}) => outcomeOf(spawnLago(args, options), options.input ?? ''),
    ls: async (below) => (await readdir(path.join(dir, below)).catch(() => [])).sort(),
    read: async (below) => readFile(path.join(dir, below), 'utf8'),
  }
}

export async function outcomeOf(child: ChildProcess, input = ''): Promise<LagoRun> {
  let [stdout, stderr] = ['', '']
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  child.stdin?.on('error', () => undefined) // it may end without reading
  child.stdin?.end(input)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ exitCode: code ?? (signal === null ? -1 : -2), stdout, stderr }))
  })
}

/** Two VMs with empty disks on one NAT network: nothing to fetch, nothing that boots. */
export const TWO_EMPTY_VMS = `
domains:
  vm0:
    memory: 64
    vcpu: 1
    nics: [{net: lago}]
    disks: [{name: root, type: empty, dev: vda, format: qcow2, size: 1M}]
  vm1:
    memory: 64
    vcpu: 1
    nics: [{net: lago}]
    disks: [{name: root, type: empty, dev: vda, format: qcow2, size: 1M}]
nets:
  lago: {type: nat, management: true, dhcp: {start: 100, end: 254}}
`

export const ONE_TEMPLATE_VM = `
domains:
  vm0:
    memory: 64
    vcpu: 1
    nics: [{net: lago}]
    disks: [{name: root, type: template, template_name: tiny, dev: vda, format: qcow2}]
nets:
  lago: {type: nat, management: true, dhcp: {start: 100, end: 254}}
`

/** Files of a template repository with one raw image of zeros, `tiny`. */
export function tinyRepository(sha1?: string): Record<string, string> {
  const image = '\0'.repeat(65536)
  return {
    'repo/tiny.raw': image,
    'repo/tiny.raw.hash': sha1 ?? createHash('sha1').update(image).digest('hex'),
    'repo/tiny.raw.metadata': JSON.stringify({ distro: 'tinyos' }),
    'repo/template-repo.json': JSON.stringify({
      name: 'local',
      templates: { tiny: { versions: { v1: { source: 'here', handle: 'tiny.raw', timestamp: 1 } } } },
      sources: { here: { type: 'file', args: { root: '$TINY_ROOT' } } },
    }),
  }
}

/** The subnet that a project's net leased, as `192.168.200`: which one is free depends on the host. */
export async function leasedSubnet(project: Pick<LagoProject, 'read'>, net = 'lago'): Promise<string> {
  const { gw } = JSON.parse(await project.read(`.lago/default/virt/net-${net}`)) as { gw: string }
  return gw.split('.').slice(0, 3).join('.')
}

/** Its lease file. */
export async function leaseFile(project: Pick<LagoProject, 'read'>, net = 'lago'): Promise<string> {
  return `${(await leasedSubnet(project, net)).split('.')[2] ?? ''}.lease`
}
