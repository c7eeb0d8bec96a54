/** The real libvirt of this host, and the mini guest, for integration tests. */
import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual, promisify } from 'node:util'

const run = promisify(execFile)
const cache = path.join(process.env['XDG_CACHE_HOME'] || path.join(os.homedir(), '.cache'), 'lago')
const repository = path.join(cache, 'mini-repo')

/** The real libvirt, and the template repository that `scripts/make-guest` makes. */
export const MINI_ENV: Readonly<Record<string, string>> = {
  LAGO_LIBVIRT_URL: 'qemu:///system',
  LAGO__INIT__TEMPLATE_REPO_PATH: path.join(repository, 'template-repo.json'),
  LAGO_PROBE_KERNEL: path.join(repository, 'vmlinuz'),
}

/** The same, with the repository that `scripts/make-template debian` makes. */
export const DEBIAN_ENV: Readonly<Record<string, string>> = {
  ...MINI_ENV,
  LAGO__INIT__TEMPLATE_REPO_PATH: path.join(cache, 'debian-bookworm-repo', 'template-repo.json'),
}

/** A domain of an init file. */
export function miniVm(nics: readonly { readonly net: string }[]): unknown {
  const root = { name: 'root', type: 'template', template_name: 'mini', dev: 'vda', format: 'qcow2' }
  return { memory: 192, vcpu: 1, nics, disks: [root] }
}

export type HostState = Readonly<Record<string, readonly string[]>>

/**
 * What environments leave on a host when they leak. With `before` it has some seconds to become that again: others may be
 * at work on the host, and what ends does so in steps.
 */
export async function hostState(before?: HostState): Promise<HostState> {
  const endsAtMs = Date.now() + 10_000
  for (;;) {
    const state = await currentState()
    if (before === undefined || isDeepStrictEqual(state, before) || Date.now() > endsAtMs) return state
    await sleep(200)
  }
}

async function currentState(): Promise<HostState> {
  const virsh = async (...args: string[]): Promise<string[]> =>
    (await run('virsh', ['-q', '-c', 'qemu:///system', ...args])).stdout.split('\n').filter((line) => line !== '')
  return {
    domains: (await virsh('list', '--all', '--name')).sort(),
    networks: (await virsh('net-list', '--all', '--name')).sort(),
    interfaces: (await readdir('/sys/class/net')).sort(),
    dnsmasq: (await readdir('/var/lib/libvirt/dnsmasq').catch(() => []))
      .filter((name) => name.endsWith('.conf'))
      .sort(),
  }
}
