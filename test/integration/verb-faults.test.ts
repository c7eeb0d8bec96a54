/** Machines that fail in the middle of deploy and collect, and a host whose disk is full. Needs root, not libvirt. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { createRegistry } from '../../src/base/registry.js'
import type { VmState } from '../../src/libvirt/types.js'
import { collectArtifacts } from '../../src/prefix/collect.js'
import { readDeployRecord } from '../../src/prefix/deploy-record.js'
import { deployPrefix } from '../../src/prefix/deploy.js'
import type { Host } from '../../src/prefix/host.js'
import { prefixLayout } from '../../src/prefix/layout.js'
import type { Prefix } from '../../src/prefix/prefix.js'
import { makeExtImage } from '../helpers/ext4-image.js'
import { quickstart } from '../helpers/golden-envs.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { startSshMachine, type SshMachine } from '../helpers/ssh-machine.js'

const run = promisify(execFile)
const ADDRESSES: Readonly<Record<string, string>> = { vm0: '127.113.0.1', vm1: '127.113.0.2' }
const machines: SshMachine[] = []
let dir: string
let prefix: Prefix
/** First in vm0's PATH. */
let binDir: string

beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'lago-faults-'))
  binDir = path.join(dir, 'bin')
  await mkdir(binDir)
  const layout = prefixLayout(path.join(dir, 'prefix'))
  await mkdir(layout.virt, { recursive: true })
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', layout.sshKey])
  const publicKey = await readFile(`${layout.sshKey}.pub`, 'utf8')
  for (const [vm, ip] of Object.entries(ADDRESSES)) {
    const own = path.join(dir, vm)
    await mkdir(own)
    await writeFile(path.join(own, 'artifact'), `of ${vm}`)
    machines.push(await startSshMachine(own, ip, publicKey, vm === 'vm0' ? binDir : undefined))
  }
  prefix = { dir: layout.dir, layout, plan: quickstart() }
})

afterAll(async () => {
  for (const machine of machines) await machine[Symbol.asyncDispose]()
  await rm(dir, { recursive: true })
})

beforeEach(async () => {
  for (const name of await readdir(binDir)) await rm(path.join(binDir, name))
})

function hostWith(state: VmState): Host {
  const states = async (): Promise<unknown> => new Map(Object.keys(ADDRESSES).map((vm) => [vm, state]))
  return {
    config: {
      vm: { defaultProvider: 'fake', defaultType: 'default' },
      ssh: { user: 'root', timeoutMs: 10_000, tries: 2 },
      originOf: () => 'default',
    },
    providers: createRegistry('VM provider', [['fake', { states }]]),
    vmTypes: createRegistry('VM type', [['default', {}]]),
  } as unknown as Host // what the verbs use of it
}

/** Both VMs, each with what `spec` gives for it; `diskPath`: the first disk of both. */
function prefixWith(spec: (vm: string) => object, diskPath?: string): Prefix {
  const vms = [...prefix.plan.vms].map(([name, vm]) => {
    const disks = vm.disks.map((disk) =>
      diskPath === undefined ? disk : { ...disk, path: diskPath, driver: 'raw' as const },
    )
    const changed = { ...vm, managementIp: ADDRESSES[name], disks, spec: { ...vm.spec, ...spec(name) } }
    return [name, changed] as const
  })
  return { ...prefix, plan: { ...prefix.plan, vms: new Map(vms) } }
}

test('a guest that hangs in the middle of its stream is named when its time is over, and the other is collected', async () => {
  const pidFile = path.join(dir, 'hanging')
  const hanging = `#!/bin/sh\necho $$ > ${pidFile}\n/usr/bin/tar "$@" | head -c 700\nexec sleep 1000\n`
  await writeFile(path.join(binDir, 'tar'), hanging, { mode: 0o755 })
  const { task } = recordedTask()
  const outputDir = path.join(dir, 'collected')
  const given = prefixWith((vm) => ({ artifacts: [path.join(dir, vm, 'artifact')] }))
  const collecting = collectArtifacts(task, hostWith('running'), given, { outputDir, vmTimeoutMs: 10_000 })
  await expect(collecting).rejects.toMatchObject({
    code: 'LAGO_TIMEOUT',
    message: `VM vm0, to ${outputDir}/vm0: collecting from vm0 did not end within 10 s`,
  })
  process.kill(Number(await readFile(pidFile, 'utf8')))
  expect(await readFile(path.join(outputDir, 'vm1', path.join(dir, 'vm1/artifact').replaceAll('/', '_')), 'utf8')).toBe(
    'of vm1',
  )
  expect((await readdir(outputDir)).sort()).toEqual(['vm0', 'vm1'])
})

test.each(['running', 'down'] as const)(
  'a full disk ends the collecting from %s VMs; what had come by then is named and stays',
  async (state) => {
    const small = path.join(dir, `small-${state}`)
    await mkdir(small)
    const artifacts = await artifactsOf3MiB(state)
    await run('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', small])
    try {
      const { task } = recordedTask()
      const outputDir = path.join(small, 'out')
      const given = prefixWith((vm) => ({ artifacts: vm === 'vm0' ? artifacts.paths : [] }), artifacts.diskPath)
      await expect(collectArtifacts(task, hostWith(state), given, { outputDir })).rejects.toMatchObject({
        code: 'LAGO_NO_SPACE',
        message: expect.stringMatching(new RegExp(`^VM vm0, to ${outputDir}/vm0: artifacts of vm0: the disk is full`)),
      })
      expect((await readdir(outputDir)).sort()).toEqual(['vm0', 'vm1'])
      const [first = ''] = artifacts.paths
      const kept = await readFile(path.join(outputDir, 'vm0', first.replaceAll('/', '_')), 'utf8')
      expect(kept).toBe('small')
    } finally {
      await run('umount', [small])
    }
  },
)

/** A small one, and a large one after it. */
async function artifactsOf3MiB(state: VmState): Promise<{ paths: readonly string[]; diskPath?: string }> {
  const tree = path.join(dir, `tree-${state}`)
  await mkdir(path.join(tree, 'etc'), { recursive: true })
  await writeFile(path.join(tree, 'etc/a'), 'small')
  await writeFile(path.join(tree, 'etc/b'), Buffer.alloc(3 * 1024 ** 2, 'large'))
  if (state === 'running') return { paths: [path.join(tree, 'etc/a'), path.join(tree, 'etc/b')] }
  return { paths: ['/etc/a', '/etc/b'], diskPath: await makeExtImage(path.join(dir, 'disk'), { fromDir: tree }) }
}

test('a connection that drops under a script is an error with VM and script, and the script counts as not run', async () => {
  const drop = path.join(dir, 'drop.sh')
  const fine = path.join(dir, 'fine.sh')
  await writeFile(drop, 'kill -9 $PPID; read never\n') // its parent is the server's end of the connection
  await writeFile(fine, `echo ran >> ${dir}/ran\n`)
  const given = prefixWith((vm) => ({ deployScripts: vm === 'vm0' ? [fine, drop, fine] : [fine] }))
  const { task } = recordedTask()
  await expect(deployPrefix(task, hostWith('running'), given, { names: [] })).rejects.toMatchObject({
    code: 'LAGO_GUEST_UNREACHABLE',
    message: expect.stringMatching(/^script drop\.sh on vm0: cannot reach vm0 /),
  })
  const ranIn = async (vm: string): Promise<unknown> =>
    (await readDeployRecord(prefix.layout, vm))?.runs.map(({ script, exitCode }) => [script, exitCode])
  expect(await ranIn('vm0')).toEqual([['fine.sh', 0]])
  expect(await ranIn('vm1')).toEqual([['fine.sh', 0]])
  await writeFile(drop, 'exit 0\n')
  await deployPrefix(task, hostWith('running'), given, { names: [], changedOnly: true })
  expect(await ranIn('vm0')).toEqual([['fine.sh', 0], ['drop.sh', 0], ['fine.sh', 0]]) // prettier-ignore
  expect(await readFile(path.join(dir, 'ran'), 'utf8')).toBe('ran\n'.repeat(3)) // the first of vm0 and that of vm1 once
})
