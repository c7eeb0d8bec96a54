/** Environments of mini guests that Lago makes. */
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Bench } from './context.js'
import { lago, run } from './programs.js'
import { sshAnswers, type Guests } from './ssh.js'

export interface Environment extends Guests {
  /** Where the init file is. */
  readonly dir: string
  readonly prefix: string
  /** As libvirt knows them. */
  readonly domains: readonly string[]
  readonly net: string
}

/**
 * A directory with the init file of so many VMs, and the template in the store. `more` goes into the entry of each VM.
 */
export async function prepare(bench: Bench, name: string, count: number, more: object = {}): Promise<string> {
  const dir = path.join(bench.place, name)
  bench.undo.push(async (bench) => removeEnvironment(bench, dir))
  await mkdir(dir)
  await chmod(dir, 0o711)
  await writeFile(path.join(dir, 'LagoInitFile'), JSON.stringify(initFile(count, more)))
  await lago(bench, dir, ['init']) // fills the store and settles the KVM question
  await lago(bench, dir, ['destroy', '--yes'])
  return dir
}

/** Initialized, started, and a command runs in every guest. */
export async function boot(bench: Bench, dir: string): Promise<Environment> {
  await lago(bench, dir, ['init'])
  const environment = await initialized(dir)
  await lago(bench, dir, ['start'])
  await sshAnswers(bench, environment)
  return environment
}

/** What is known of the environment after `lago init`. */
export async function initialized(dir: string): Promise<Environment> {
  const prefix = prefixIn(dir)
  const uuid = await readFile(path.join(prefix, 'uuid'), 'utf8')
  const names = (await readdir(path.join(prefix, 'virt'))).filter((name) => name.startsWith('vm-')).sort()
  const specs = await Promise.all(names.map(async (name) => readFile(path.join(prefix, 'virt', name), 'utf8')))
  return {
    dir,
    prefix,
    ips: specs.map((text) => (JSON.parse(text) as { nics: [{ ip: string }] }).nics[0].ip), // written by lago init
    keyPath: path.join(prefix, 'id_rsa'),
    domains: names.map((name) => `${uuid.slice(0, 8)}-${name.slice('vm-'.length)}`),
    net: `${uuid.slice(0, 4)}-lago`,
  }
}

/** By Lago, and what it leaves by virsh. */
async function removeEnvironment(bench: Bench, dir: string): Promise<void> {
  const environment = await initialized(dir).catch(() => undefined)
  if (environment === undefined) return
  await lago(bench, dir, ['destroy', '--yes']).catch((error: unknown) => console.error(error))
  for (const domain of environment.domains) await run(bench, ['virsh', '-q', 'destroy', domain]).catch(() => undefined)
  await run(bench, ['virsh', '-q', 'net-destroy', environment.net]).catch(() => undefined)
}

function prefixIn(dir: string): string {
  return path.join(dir, '.lago', 'default')
}

function initFile(count: number, more: object): unknown {
  const disk = { name: 'root', type: 'template', template_name: 'mini', dev: 'vda', format: 'qcow2' }
  const vm = { memory: 192, vcpu: 1, nics: [{ net: 'lago' }], disks: [disk], ...more }
  return {
    domains: Object.fromEntries(Array.from({ length: count }, (_, index) => [`vm${index}`, vm])),
    nets: { lago: { type: 'nat', management: true, dhcp: { start: 100, end: 254 } } },
  }
}
