/** Everything that a run can leave on a host, as names that are the same for every environment of the same form. */
import { execFile } from 'node:child_process'
import { readdir, readFile, readlink } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export type HostState = Readonly<Record<string, readonly string[]>>

/** Of the host as far as `dir` is concerned: other people's processes and files are left out, domains and nets are not. */
export async function hostStateWith(dir: string): Promise<HostState> {
  const virsh = async (...args: string[]): Promise<string[]> =>
    (await run('virsh', ['-q', '-c', 'qemu:///system', ...args])).stdout.split('\n').filter((line) => line !== '')
  const list = async (place: string): Promise<string[]> => readdir(place).catch(() => [])
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n')
  return {
    domains: ours(await virsh('list', '--all', '--name')),
    networks: ours(await virsh('net-list', '--all', '--name')),
    interfaces: ours(await list('/sys/class/net')),
    taps: await tapsOfOurs(),
    dnsmasq: ours(await list('/var/lib/libvirt/dnsmasq')),
    // libvirt numbers its machines
    machines: ours((await list('/var/lib/libvirt/qemu')).map((name) => name.replace(/^domain-\d+-/, ''))),
    processes: await processesOf(dir),
    mounts: mounts.filter((line) => line.includes(dir)),
    files: plain(await filesBelow(dir)),
  }
}

/** Taps on a bridge of ours, and on none at all. */
async function tapsOfOurs(): Promise<string[]> {
  const taps = (await readdir('/sys/class/net')).filter((name) => /^vnet\d+$/.test(name))
  const masters = await Promise.all(
    taps.map(async (tap) => path.basename(await readlink(`/sys/class/net/${tap}/master`).catch(() => 'none'))),
  )
  return [...ours(masters), ...masters.filter((master) => master === 'none')].sort()
}

/** The names of the environment are nobody else's: others may be at work on the same host. */
function ours(names: readonly string[]): string[] {
  return plain(names.filter((name) => /^[0-9a-f]{4,8}-k(illed|lan|bri)/.test(name)))
}

/** Names of programs that have to do with `dir`, ours and those that serve us. */
async function processesOf(dir: string): Promise<string[]> {
  const found: string[] = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '')
    const isOfDir = words.some((word) => word.includes(dir)) || cwd === dir || cwd.startsWith(`${dir}/`)
    if (isOfDir && Number(pid) !== process.pid) found.push(path.basename(words[0] ?? ''))
  }
  return found.sort()
}

async function filesBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true, recursive: true })
  const layers = await layersInUse(dir)
  return entries
    .filter((entry) => !layers.has(entry.name))
    .map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)))
    .filter((file) => !NOISE.test(file))
}

/** Images of snapshots that the plan knows: how many of them a VM stands on depends on its past. */
async function layersInUse(dir: string): Promise<ReadonlySet<string>> {
  const virt = path.join(dir, '.lago/default/virt')
  const names = (await readdir(virt).catch(() => [])).filter((name) => name.startsWith('vm-'))
  const texts = await Promise.all(names.map(async (name) => readFile(path.join(virt, name), 'utf8')))
  return new Set(texts.flatMap((text) => text.match(/\w+\.(\d+\.qcow2|\w+\.memory)/g) ?? []))
}

/** What is the harness's own, what says when rather than what, and what is there from the first use on. */
const NOISE =
  /known_hosts|^(events|cache|home|config)(\/|$)|\/logs\/|^subnets\/subnet-lease\.lock$|^store(\/.*\.(lock|users))?$|^subnets(\/environments)?$/

/** uuids and numbers that count up are none of the form. */
function plain(names: readonly string[]): string[] {
  return names
    .map(
      (name) =>
        name
          .replace(/^[0-9a-f]{4}([0-9a-f]{4})?-/, 'UUID-')
          .replace(/\.\d+\.qcow2$/, '.N.qcow2')
          .replace(/\d+\.lease$/, 'N.lease')
          .replace(/[0-9a-f]{32}-[0-9a-f]{8}\.json$/, 'UUID.json'), // in the register
    )
    .sort()
}
