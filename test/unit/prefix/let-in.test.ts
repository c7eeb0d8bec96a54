import { chmod, mkdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createRegistry } from '../../../src/base/registry.js'
import { loadConfig } from '../../../src/config/load.js'
import type { HostUser } from '../../../src/disk/access.js'
import { planEnv } from '../../../src/plan/plan-env.js'
import { openHost, type Host } from '../../../src/prefix/host.js'
import { prefixLayout } from '../../../src/prefix/layout.js'
import { letInFileUsers } from '../../../src/prefix/let-in.js'
import type { Prefix } from '../../../src/prefix/prefix.js'
import type { VmProvider } from '../../../src/vm/provider.js'
import { domainSpec, emptyDisk, envSpec, fileDisk, netSpec, planFacts } from '../../helpers/env-spec.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const stranger: HostUser = { name: 'qemu', uid: 4_000_001, gids: [4_000_001] }

const { PATH } = process.env
// as on a host without the package acl; what letPass does with it, disk/access.test.ts tells
beforeEach(async () => void (process.env['PATH'] = await tempDir()))
afterEach(() => void (process.env['PATH'] = PATH))

/** A prefix of one VM, with a disk of its own and one of the user's beside it; directories have `mode`. */
async function prefixWith(mode: number): Promise<Prefix & { readonly modes: () => Promise<readonly number[]> }> {
  const parent = await tempDir()
  const [dir, own] = [path.join(parent, 'prefix'), path.join(parent, 'own')]
  const layout = prefixLayout(dir)
  const dirs = [dir, layout.images, layout.virt, own]
  for (const made of dirs) {
    await mkdir(made)
    await chmod(made, mode)
  }
  const disks = [emptyDisk('root', 'vda'), fileDisk('more', 'vdb', { rawPath: path.join(own, 'disk.qcow2') })]
  const spec = envSpec([domainSpec('vm0', { disks })], [netSpec('lago')])
  const plan = planEnv(spec, { ...planFacts(spec), imagesDir: layout.images })
  const modes = async (): Promise<readonly number[]> =>
    Promise.all(dirs.map(async (made) => (await stat(made)).mode & 0o7777))
  return { dir, layout, plan, modes }
}

/** A host whose VMs `user` runs. */
function hostOf(user: HostUser | undefined): Host {
  const { config } = loadConfig({ env: {}, homeDir: '/', cwd: '/', etcDir: '/none', flags: new Map() })
  const provider = { fileUser: async () => user } as Partial<VmProvider> as VmProvider // nothing else is asked of it
  return {
    ...openHost(config, { cacheDir: '/none' }),
    providers: createRegistry('VM provider', [['local-libvirt', provider]]),
  }
}

const letIn = async (prefix: Prefix, user: HostUser | undefined): Promise<void> =>
  letInFileUsers(recordedTask().task, hostOf(user), prefix, [...prefix.plan.vms.values()])

test('the prefix and its images can be passed, and nothing else of it or outside of it', async () => {
  const prefix = await prefixWith(0o700)
  for (let times = 0; times < 2; times++) {
    await letIn(prefix, stranger)
    const modes = (await prefix.modes()).map((mode) => mode.toString(8))
    expect(modes).toEqual([expect.stringMatching(/^71[01]|701$/), expect.stringMatching(/^71[01]|701$/), '700', '700'])
  }
})

test.each([
  ['root runs them', { name: 'root', uid: 0, gids: [0] }],
  ['we run them', { name: 'me', uid: process.geteuid?.() ?? -1, gids: [] }],
  ['the provider has no user of its own', undefined],
])('nothing is opened when %s', async (_, user) => {
  const prefix = await prefixWith(0o700)
  await letIn(prefix, user)
  expect(await prefix.modes()).toEqual([0o700, 0o700, 0o700, 0o700])
})

test.each(['755', '711'])("a prefix of upstream's, or of an earlier version (%s), is left as it is", async (octal) => {
  const mode = Number.parseInt(octal, 8)
  const prefix = await prefixWith(mode)
  await letIn(prefix, stranger)
  expect(await prefix.modes()).toEqual([mode, mode, mode, mode])
})
