/** The directories that Lago keeps on a host: templates and leases. */
import type { FileFacts, HostFacts } from './facts.js'
import { tableOf } from './guest-user.js'
import { byHand, byRoot, install, safeByRoot, safeByUser, type Argv, type Remedy } from './remedy.js'
import { parentOf } from './resources.js'
import { failed, ok, warning, type Check, type Finding } from './types.js'

export const storeDir: Check = {
  id: 'store-dir',
  title: 'the template store',
  run: async (_task, { facts }) =>
    dirFinding(facts, facts.settings.storeDir, {
      mode: '755',
      // templates that are there can be used; only those that are not cannot be fetched
      readOnly: (reason) => warning(`${reason}: templates that are not in it cannot be fetched`),
    }),
}

export const leaseDir: Check = {
  id: 'lease-dir',
  title: 'the directory of subnet leases',
  run: async (_task, { facts }) =>
    dirFinding(facts, facts.settings.leaseDir, {
      mode: '775',
      readOnly: (reason) => failed(`${reason}: no network can be made`),
    }),
}

interface Role {
  readonly mode: string
  readonly readOnly: (reason: string) => Finding
}

async function dirFinding(facts: HostFacts, dir: string, role: Role): Promise<Finding> {
  const entry = await facts.stat(dir)
  if (entry === undefined) return missing(facts, dir, role)
  if (!entry.isDirectory) return failed(`${dir} is not a directory`, byRoot(facts, ['mv', dir, `${dir}.away`]))
  if (!(await facts.isWritable(dir))) {
    const { reason } = role.readOnly(`${facts.me.name} may not write to ${dir}`)
    return { ...role.readOnly(''), reason, remedy: await lettingIn(facts, dir, entry) }
  }
  // sticky, as /tmp is: nobody can take another's files away
  if ((entry.mode & 0o1002) === 0o002)
    return warning(`everybody may write to ${dir}, and so replace what is in it`, await closing(facts, dir, entry))
  return ok(`${dir} is there and can be written to`)
}

/** Lago makes it itself where it may. */
async function missing(facts: HostFacts, dir: string, { mode }: Role): Promise<Finding> {
  let parent = parentOf(dir)
  while (parent !== '/' && (await facts.stat(parent)) === undefined) parent = parentOf(parent)
  if (await facts.isWritable(parent)) return ok(`${dir} is made when it is needed`)
  return failed(
    `${dir} is not there, and ${facts.me.name} may not make it in ${parent}`,
    safeByRoot(facts, ['install', '-d', '-o', facts.me.name, '-m', mode, dir]),
  )
}

/** By its group where that may write, else by an entry for the user. */
async function lettingIn(facts: HostFacts, dir: string, { gid, mode }: FileFacts): Promise<Remedy> {
  const name = tableOf(await facts.readFile('/etc/group')).find((fields) => fields[2] === String(gid))?.[0]
  if ((mode & 0o030) === 0o030 && gid !== 0 && name !== undefined)
    return byRoot(facts, ['usermod', '-aG', name, facts.me.name])
  const entry = byRoot(facts, ['setfacl', '-m', `u:${facts.me.name}:rwx`, dir])
  if ((await facts.findProgram('setfacl')) !== undefined) return entry
  const { command } = await install(facts, [{ apt: 'acl', dnf: 'acl' }])
  return command.startsWith('#') ? entry : byHand(`${command} && ${entry.command}`)
}

async function closing(facts: HostFacts, dir: string, { uid }: FileFacts): Promise<Remedy> {
  const argv: Argv = ['chmod', 'o-w', dir]
  return uid === facts.me.uid ? safeByUser(argv) : byRoot(facts, argv)
}
