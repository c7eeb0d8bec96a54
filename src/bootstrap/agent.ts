/**
 * A machine that runs is told who it is by its guest agent: that takes no network, and no change to an image. It runs in
 * the guest with all rights, so nothing else has to be known of the guest.
 */
import { LagoError } from '../base/errors.js'
import { lastLines } from '../base/plain-text.js'
import type { Task } from '../base/task.js'
import type { GuestAgent } from '../vm/provider.js'
import { checkPassword } from './password.js'
import type { Identity } from './types.js'

/** No host key: servers that are up already have theirs, and keep it until they are started anew. */
export type AgentIdentity = Pick<Identity, 'vm' | 'hostName' | 'sshUser' | 'sshPublicKey' | 'rootPassword'>

/** Without `freeze` and the like, so that a test may stand in for it. */
export type BootstrapAgent = Pick<GuestAgent, 'commands' | 'run' | 'addAuthorizedKeys' | 'setPassword'>

/**
 * The key for root and for `sshUser`, who must be there; root's password when there is one; the host name. May be
 * repeated. The agent has to answer already.
 *
 * Throws `LAGO_AGENT`, before anything is done when the agent lacks one of the commands; `LAGO_PASSWORD`,
 * `LAGO_TIMEOUT`.
 */
export async function bootstrapByAgent(task: Task, agent: BootstrapAgent, identity: AgentIdentity): Promise<void> {
  const { vm, hostName, sshUser, sshPublicKey, rootPassword } = identity
  if (rootPassword !== undefined) checkPassword(rootPassword)
  await refuseUnable(task, agent, vm, commandsFor(identity))
  for (const user of new Set(['root', sshUser])) await agent.addAuthorizedKeys(task, user, [sshPublicKey])
  if (rootPassword !== undefined) await agent.setPassword(task, 'root', rootPassword)
  await setHostName(task, agent, { vm, hostName })
}

function commandsFor({ rootPassword }: AgentIdentity): string[] {
  const forPassword = rootPassword === undefined ? [] : ['guest-set-user-password']
  return ['guest-ssh-add-authorized-keys', ...forPassword, 'guest-exec', 'guest-exec-status']
}

async function refuseUnable(task: Task, agent: BootstrapAgent, vm: string, needed: readonly string[]): Promise<void> {
  const known = await agent.commands(task)
  const unknown = needed.filter((name) => !known.has(name))
  const forbidden = needed.filter((name) => known.get(name) === false)
  const reasons = [...listed('is too old for', unknown), ...listed('is told not to obey', forbidden)]
  if (reasons.length === 0) return
  throw new LagoError('LAGO_AGENT', `the guest agent of ${vm} ${reasons.join(', and ')}`, {
    hint: forbidden.length > 0 ? ALLOW : 'choose another bootstrap for this template, or install a later agent in it',
    data: { vm, unknown, forbidden },
  })
}

/** As the distributions of RHEL's kin forbid the commands, and where. */
const ALLOW =
  'choose another bootstrap for this template, or allow them in /etc/sysconfig/qemu-ga (or /etc/qemu/qemu-ga.conf) of the guest'

function listed(what: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`${what} ${names.join(', ')}`]
}

const HOST_NAME_MS = 60_000

async function setHostName(
  task: Task,
  agent: BootstrapAgent,
  { vm, hostName }: Pick<Identity, 'vm' | 'hostName'>,
): Promise<void> {
  const { exitCode, stderr } = await agent.run(task, ['/bin/sh', '-c', SET_HOST_NAME, 'sh', hostName], HOST_NAME_MS)
  if (exitCode === 0) return
  const said = lastLines(stderr, 3).join('; ')
  throw new LagoError('LAGO_AGENT', `${vm} did not take the host name ${hostName}: exit code ${exitCode}: ${said}`, {
    hint: 'look into the guest: lago console',
    data: { vm, hostName, exitCode, said },
  })
}

/** hostnamectl is there without its service in containers and rescue systems. */
const SET_HOST_NAME = `
if command -v hostnamectl >/dev/null 2>&1 && hostnamectl set-hostname "$1"; then exit; fi
printf '%s\\n' "$1" >/etc/hostname && hostname "$1"
`.trim()
