/** The mini guest, which nobody has told who it is, learns it from its agent. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { isLagoError } from '../../src/base/errors.js'
import { createTask } from '../../src/base/task.js'
import { waitUntil } from '../../src/base/wait.js'
import { bootstrapByAgent } from '../../src/bootstrap/agent.js'
import { openLibvirt } from '../../src/libvirt/connection.js'
import type { LibvirtConnection } from '../../src/libvirt/types.js'
import { guestAgent } from '../../src/vm/libvirt/agent.js'
import type { GuestAgent } from '../../src/vm/provider.js'
import { identityOf } from '../helpers/identity.js'
import { makeProject, type LagoProject } from '../helpers/lago-project.js'
import { MINI_ENV, miniVm } from '../helpers/real-host.js'

jest.setTimeout(600_000)
const run = promisify(execFile)
const task = createTask({ emit: () => undefined, close: async () => undefined })
let project: LagoProject
let libvirt: LibvirtConnection
let agent: GuestAgent
let ip: string

beforeAll(async () => {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lago-agent-'))
  const vm = miniVm([{ net: 'lago' }]) as object
  const initFile = {
    domains: { told: { ...vm, bootstrap: false } },
    nets: { lago: { type: 'nat', management: true, dhcp: { start: 100, end: 254 } } },
  }
  project = await makeProject(dir, { LagoInitFile: JSON.stringify(initFile) }, MINI_ENV)
  for (const verb of ['init', 'start']) expect(await project.lago([verb])).toMatchObject({ exitCode: 0 })
  const stored = JSON.parse(await project.read('.lago/default/virt/vm-told')) as { nics: [{ ip: string }] }
  ip = stored.nics[0].ip
  libvirt = openLibvirt({ uri: 'qemu:///system' })
  const libvirtName = `${(await project.read('.lago/default/uuid')).slice(0, 8)}-told`
  agent = guestAgent(libvirt, { libvirtName, spec: { name: 'told' } })
  await answers()
})

afterAll(async () => {
  await libvirt.close()
  await project.lago(['destroy', '--yes'])
  await rm(project.dir, { recursive: true, force: true })
})

async function answers(): Promise<void> {
  const ping = async (): Promise<{ value: true } | { notYet: string }> =>
    agent.ping(task, 1000).then(
      () => ({ value: true }),
      (error: unknown) => {
        if (!isLagoError(error, 'LAGO_AGENT')) throw error
        return { notYet: error.message }
      },
    )
  await waitUntil(task, 'the agent', ping, { timeoutMs: 300_000, everyMs: 200 })
}

/** By the key alone, as root. */
async function ssh(command: string): Promise<string> {
  const options = ['BatchMode=yes', 'LogLevel=ERROR', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null']
  const key = path.join(project.dir, '.lago/default/id_rsa')
  const words = ['-F', 'none', '-i', key, ...options.flatMap((option) => ['-o', option]), `root@${ip}`, command]
  return (await run('ssh', words)).stdout
}

/** The agent hands passwords to chpasswd(8), which busybox as Debian builds it does not have. */
const CHPASSWD = `cat > /usr/bin/chpasswd << 'END'
#!/bin/sh
IFS=: read -r user word
hash=$(mkpasswd -m sha256 "$word") user=$user \\
    awk 'BEGIN { FS = OFS = ":" } $1 == ENVIRON["user"] { $2 = ENVIRON["hash"] } { print }' /etc/shadow > /etc/shadow.new
mv /etc/shadow.new /etc/shadow
END
chmod 755 /usr/bin/chpasswd`

const PASSWORD = "a 'wörd' $HOME"

/** Of root, as the guest keeps it, and as openssl makes one of `PASSWORD` with the same salt. */
async function passwordHashes(): Promise<readonly [string | undefined, string]> {
  const shadow = (await agent.run(task, ['cat', '/etc/shadow'], 60_000)).stdout
  const [hash, salt = ''] = /(?<=^root:)\$5\$([^$]+)\$[^:]+/m.exec(shadow) ?? []
  const openssl = run('openssl', ['passwd', '-5', '-salt', salt, '-stdin'])
  openssl.child.stdin?.end(`${PASSWORD}\n`)
  return [hash, (await openssl).stdout.trim()]
}

test('the key lets root in, the password is set, and the host has its name', async () => {
  const sshPublicKey = (await readFile(path.join(project.dir, '.lago/default/id_rsa.pub'), 'utf8')).trim()
  await expect(ssh('true')).rejects.toThrow('Permission denied')
  expect(await agent.run(task, ['/bin/sh', '-c', CHPASSWD], 60_000)).toMatchObject({ exitCode: 0 })

  const identity = identityOf({ vm: 'told', hostName: 'told', sshPublicKey, rootPassword: PASSWORD })
  for (const _ of ['once', 'again']) await bootstrapByAgent(task, agent, identity)

  // the agent writes no line end behind the last key
  expect(await ssh('hostname; cat /etc/hostname; cat /root/.ssh/authorized_keys')).toBe(`told\ntold\n${sshPublicKey}`)
  const [hash, expected] = await passwordHashes()
  expect(hash).toBe(expected)
})

test('a program that is not there is told so, and one that fails gives its exit code', async () => {
  const missing = { code: 'LAGO_AGENT', message: expect.stringMatching(/guest-exec: .*no-such-program/) }
  await expect(agent.run(task, ['no-such-program'], 60_000)).rejects.toMatchObject(missing)
  const words = ['/bin/sh', '-c', 'echo "$1"; echo no >&2; exit 3', 'sh', "it's $HOME"] as const
  expect(await agent.run(task, words, 60_000)).toEqual({ exitCode: 3, stdout: "it's $HOME\n", stderr: 'no\n' })
})

test('a user who is not there gets no key', async () => {
  const unknown = { code: 'LAGO_AGENT', message: expect.stringContaining('guest-ssh-add-authorized-keys') }
  await expect(agent.addAuthorizedKeys(task, 'nobody-of-that-name', ['ssh-rsa AAAA x'])).rejects.toMatchObject(unknown)
})
