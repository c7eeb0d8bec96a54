/** What NAT networks need of the host's own network: forwarding, and a firewall that lets it through. */
import type { Task } from '../base/task.js'
import type { HostFacts } from './facts.js'
import { appended, byHand, byRoot, install } from './remedy.js'
import { failed, ok, warning, type Check, type Finding } from './types.js'

export const ipForward: Check = {
  id: 'ip-forward',
  title: 'forwarding for NAT networks',
  async run(_task, { facts }) {
    const value = (await facts.readFile('/proc/sys/net/ipv4/ip_forward'))?.trim()
    if (value === undefined) return warning('cannot be told: there is no /proc/sys/net/ipv4/ip_forward')
    if (value === '1') return ok('net.ipv4.ip_forward is 1')
    return warning(
      'net.ipv4.ip_forward is 0; libvirt switches it on with the first NAT network, unless something forbids it',
      byRoot(facts, ['sysctl', '-w', 'net.ipv4.ip_forward=1']),
    )
  },
}

export const firewall: Check = {
  id: 'firewall',
  title: 'the firewall and NAT networks',
  async run(task, { facts }) {
    const [iptables, nft] = [await facts.findProgram('iptables'), await facts.findProgram('nft')]
    if (iptables === undefined && nft === undefined)
      return failed('there is neither iptables nor nft, by which libvirt makes NAT', await install(facts, [TOOLS]))
    const zone = await firewalldFinding(task, facts)
    if (zone !== undefined) return zone
    if (iptables === undefined) return ok('nft is there, and no other firewall of ours to ask')
    if (facts.me.uid !== 0)
      return warning(
        'iptables is there; only root may see whether it drops what is forwarded',
        byHand('sudo lago doctor'),
      )
    return chainFinding(task, facts)
  },
}

const TOOLS = { apt: 'iptables', dnf: 'iptables-nft' }

/** Undefined: firewalld is not there, does not run, or has libvirt's zone. */
async function firewalldFinding(task: Task, facts: HostFacts): Promise<Finding | undefined> {
  const state = await facts.run(task, ['firewall-cmd', '--state'])
  if (state === undefined || state.exitCode !== 0) return undefined
  const zones = await facts.run(task, ['firewall-cmd', '--get-zones'])
  if (zones?.stdout.split(/\s+/).includes('libvirt') === true) return undefined
  return warning(
    'firewalld runs without the zone libvirt: guests may get no address',
    byRoot(facts, ['systemctl', 'restart', 'firewalld'], ['systemctl', 'restart', 'libvirtd']),
  )
}

/** libvirt's own rules stand before the policy, but not those in nft's tables, which it writes by itself from 10.4 on. */
async function chainFinding(task: Task, facts: HostFacts): Promise<Finding> {
  const chain = await facts.run(task, ['iptables', '-w', '2', '-S', 'FORWARD'])
  const [, policy] = /^-P FORWARD (\w+)$/m.exec(chain?.stdout ?? '') ?? []
  if (policy === undefined)
    return warning(`iptables does not tell its rules: ${(chain?.stderr ?? '').trim().split('\n')[0]}`)
  if (policy === 'ACCEPT') return ok('what is forwarded is accepted')
  if (!(await usesNft(task, facts)))
    return ok(`the policy for what is forwarded is ${policy}; libvirt's rules come first`)
  const restart = (await facts.stat('/run/libvirt/virtnetworkd-sock')) === undefined ? 'libvirtd' : 'virtnetworkd'
  const sudo = facts.me.uid === 0 ? '' : 'sudo '
  const setting = appended(facts, 'firewall_backend = "iptables"', '/etc/libvirt/network.conf')
  return warning(
    `the policy for what is forwarded is ${policy} (Docker does so), and libvirt's nftables rules do not get around it`,
    byHand(`${setting} && ${sudo}systemctl restart ${restart}`),
  )
}

async function usesNft(task: Task, facts: HostFacts): Promise<boolean> {
  const settings = (await facts.readFile('/etc/libvirt/network.conf').catch(() => undefined)) ?? ''
  const [, backend] = /^\s*firewall_backend\s*=\s*"(\w+)"/m.exec(settings) ?? []
  if (backend !== undefined) return backend === 'nftables'
  const daemon = await facts.run(task, ['libvirtd', '--version'])
  const [, major, minor] = /(\d+)\.(\d+)/.exec(daemon?.stdout ?? '') ?? []
  return Number(major) * 100 + Number(minor) >= 1004
}
