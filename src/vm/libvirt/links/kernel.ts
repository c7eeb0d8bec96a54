/**
 * What this host's kernel can do to a link. It is asked by trying it on the loopback device of a network namespace that
 * lasts as long as the question; a kernel that can load what is missing does so.
 */
import { isLagoError } from '../../../base/errors.js'
import { runCommand } from '../../../base/process.js'
import type { Task } from '../../../base/task.js'

/** `netem`: delay and loss. `libvirt`: libvirt's own rate limit, both ways. `tbf`: a rate of what a guest receives. */
export type KernelAbility = 'netem' | 'libvirt' | 'tbf'

/** Lines for `tc -batch`. Those of `libvirt` are what virNetDevBandwidthSet runs (src/util/virnetdevbandwidth.c, 9.0.0). */
const TRIALS: Readonly<Record<KernelAbility, readonly string[]>> = {
  netem: ['qdisc add dev lo root netem delay 1ms loss 1%'],
  libvirt: [
    'qdisc add dev lo root handle 1: htb default 1',
    'class add dev lo parent 1: classid 1:1 htb rate 1000kbps quantum 87',
    'qdisc add dev lo parent 1:1 handle 2: sfq perturb 10',
    'filter add dev lo parent 1:0 protocol all prio 1 handle 1 fw flowid 1',
    'qdisc add dev lo ingress',
    'filter add dev lo parent ffff: protocol all u32 match u32 0 0 police rate 1000kbps burst 1000kb mtu 64kb drop flowid :1',
  ],
  tbf: ['qdisc add dev lo root handle 1: tbf rate 1mbit burst 32kb latency 400ms'],
}

/** Undefined: it can; else in one line what was tried and what was said. */
export async function askKernel(task: Task, ability: KernelAbility): Promise<string | undefined> {
  const lines = TRIALS[ability]
  try {
    const argv = [...throwAwayNamespace(), 'tc', '-batch', '-'] as const
    const input = `${lines.join('\n')}\n`
    const { exitCode, stderr } = await runCommand(task, argv, { input, okCodes: ANY, package: 'util-linux' })
    return exitCode === 0 ? undefined : refusal(lines, stderr)
  } catch (error) {
    if (isLagoError(error, 'LAGO_COMMAND_MISSING')) return `${error.message} (${error.hint})`
    throw error
  }
}

const ANY: readonly number[] = Array.from({ length: 256 }, (_, code) => code)

/** A user who is not root may have one as well, on most kernels. */
function throwAwayNamespace(): readonly ['unshare', ...string[]] {
  return process.geteuid?.() === 0 ? ['unshare', '--net'] : ['unshare', '--user', '--map-root-user', '--net']
}

/** tc ends with `Command failed -:3`, the number of the line. */
function refusal(lines: readonly string[], stderr: string): string {
  const line = lines[Number(/Command failed [^:]*:(\d+)/.exec(stderr)?.[1]) - 1]
  const said = stderr.split('\n').find((text) => text.trim() !== '') ?? 'nothing'
  return line === undefined
    ? `it could not be asked: ${said.trim()}`
    : `"tc ${line}" was answered with "${said.trim()}"`
}
