/** `vm-provider: ssh`: a machine that runs already, used like a VM. libvirt's test driver stands in for the rest. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { loadConfig } from '../../src/config/load.js'
import { openHost } from '../../src/prefix/host.js'
import { NO_ADDED_KINDS } from '../../src/prefix/kinds.js'
import { openPrefix } from '../../src/prefix/prefix.js'
import { findServices } from '../../src/prefix/services.js'
import { reachGuest } from '../../src/prefix/guests.js'
import { beforeStop } from '../../src/prefix/vm-types.js'
import { waitForRung } from '../../src/prefix/wait.js'
import type { VmType } from '../../src/vm/types.js'
import { makeProject } from '../helpers/lago-project.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { startSshMachine } from '../helpers/ssh-machine.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const isRoot = process.getuid?.() === 0
const asRoot = (title: string, body: () => Promise<void>, timeoutMs?: number): void =>
  isRoot
    ? test(title, body, timeoutMs)
    : test.skip(`${title} (skipped: it puts an address on this host, as root)`, body)
const IP = '192.168.255.77'
const INIT_FILE = `
domains:
  lab:
    vm-provider: ssh
    vm-type: probed
    nics: [{net: lago, ip: ${IP}}]
    artifacts: [$DIR/made.txt]
    metadata: {deploy-scripts: [deploy.sh]}
nets:
  lago: {type: nat, management: true, gw: 192.168.255.1}
`
const PLUGIN = 'export default { name: "probed", api: 1, vmTypes: { probed: {} } }'

asRoot('a machine of others takes part in everything but its own start and stop', async () => {
  const dir = await makeTempDir()
  const files = {
    LagoInitFile: INIT_FILE.replaceAll('$DIR', dir),
    'deploy.sh': `echo deployed > ${dir}/made.txt`,
    'p.mjs': PLUGIN,
    'given.txt': 'given',
  }
  const project = await makeProject(dir, files, { LAGO_PLUGINS: './p.mjs' })
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
  await using machine = await startSshMachine(await makeTempDir(), IP, await project.read('.lago/default/id_rsa.pub'))
  expect(machine.ip).toBe(IP)

  expect(await project.lago(['start'])).toMatchObject({ exitCode: 0 })
  expect(await project.lago(['shell', 'lab', 'echo', 'hello;', 'exit', '3'])).toEqual({
    exitCode: 3,
    stdout: 'hello\n',
    stderr: '',
  })
  expect(await project.lago(['deploy'])).toMatchObject({ exitCode: 0 })
  expect(await project.lago(['copy-to-vm', 'lab', 'given.txt', `${dir}/copied.txt`])).toMatchObject({ exitCode: 0 })
  expect(await project.read('copied.txt')).toBe('given')
  expect(await project.lago(['collect', '--output', 'out'])).toMatchObject({ exitCode: 0 })
  const collected = `out/lab/${dir.replaceAll('/', '_')}_made.txt`
  expect(await project.read(collected)).toBe('deployed\n')
  const snapshot = await project.lago(['snapshot', 'clean'])
  expect(snapshot).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('the provider of lab takes none') })
  expect(await project.lago(['console', 'lab'], { input: 'echo from a shell; exit 4\n' })).toMatchObject({
    exitCode: 4,
    stdout: 'from a shell\n',
  })
  expect(await project.lago(['shutdown'])).toMatchObject({ exitCode: 0 })
  expect(await project.lago(['stop'])).toMatchObject({ exitCode: 0 })
  expect((await project.lago(['shell', 'lab', 'echo', 'still', 'here'])).stdout).toBe('still here\n')
  expect(await project.lago(['destroy', '--yes'])).toMatchObject({ exitCode: 0 })
})

asRoot('a VM type acts in the guest; one that never ends is left behind', async () => {
  const dir = await makeTempDir()
  const project = await makeProject(
    dir,
    { LagoInitFile: INIT_FILE, 'deploy.sh': '', 'p.mjs': PLUGIN },
    { LAGO_PLUGINS: './p.mjs' },
  )
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
  await using _machine = await startSshMachine(await makeTempDir(), IP, await project.read('.lago/default/id_rsa.pub'))
  let isReady = async (): Promise<void> => undefined
  const probed: VmType = {
    async ready(task, guest) {
      await guest.run(task, ['touch', path.join(dir, 'ready')])
      await isReady()
    },
    beforeStop: async () => new Promise(() => undefined), // looks at no signal
  }
  const { config } = loadConfig({ env: project.env, homeDir: dir, cwd: dir, etcDir: dir, flags: new Map() })
  const kinds = { ...NO_ADDED_KINDS, vmTypes: new Map([['probed', probed]]) }
  await using host = openHost(config, { cacheDir: dir, kinds })
  const prefix = await openPrefix(path.join(dir, '.lago/default'))
  const vms = [...prefix.plan.vms.values()]
  const { task, messages } = recordedTask()

  const reached = await waitForRung(task, host, prefix, { vms: [], rung: 'ssh' })
  expect(
    reached
      .get('lab')
      ?.map(({ rung }) => rung)
      .slice(-2),
  ).toEqual(['ssh', 'vm-type:probed'])
  expect(await readFile(path.join(dir, 'ready'), 'utf8')).toBe('')
  isReady = async () => Promise.reject(new Error('no pages'))
  await expect(waitForRung(task, host, prefix, { vms: [], rung: 'cmd:true' })).rejects.toMatchObject({
    code: 'LAGO_NOT_READY',
    message: expect.stringMatching(/^lab did not get to vm-type:probed: no pages\n {2}reached: .*cmd:true/),
  })
  isReady = async () => new Promise(() => undefined)
  await expect(waitForRung(task, host, prefix, { vms: [], rung: 'ssh', timeoutMs: 3000 })).rejects.toMatchObject({
    code: 'LAGO_NOT_READY',
    message: expect.stringMatching(/^lab did not get to vm-type:probed within 3 s\n/),
  })
  await beforeStop(task, host, prefix, vms, 3000)
  expect(messages()).toContain('lab is stopped without preparation: preparing lab for its stop did not end within 3 s')

  const [vm] = vms
  if (vm === undefined) throw new Error('unreachable: there is a VM')
  await using guest = await reachGuest(task, host, prefix, vm)
  const { vm: known } = await findServices(task, host, vm, guest) // this very host's
  expect(host.services.names()).toContain(known.found.serviceManager)
})
