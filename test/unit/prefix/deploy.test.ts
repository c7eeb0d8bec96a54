import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { createRegistry } from '../../../src/base/registry.js'
import { writeDeployRecord } from '../../../src/prefix/deploy-record.js'
import { findSource } from '../../../src/prefix/deploy-source.js'
import { deployPrefix } from '../../../src/prefix/deploy.js'
import type { Host } from '../../../src/prefix/host.js'
import { prefixLayout } from '../../../src/prefix/layout.js'
import type { Prefix } from '../../../src/prefix/prefix.js'
import { quickstart } from '../../helpers/golden-envs.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()

const host = {
  config: { vm: { defaultProvider: 'fake' }, ssh: {} },
  providers: createRegistry('VM provider', [
    ['fake', { states: async () => new Map([['vm0', 'down'], ['vm1', 'down']]) }], // prettier-ignore
  ]),
} as unknown as Host // what deploy asks of it

interface Deployable {
  readonly prefix: Prefix
  readonly sourcePath: string
  readonly copyPath: string
}

/** Both VMs with one script, and its copy as init makes it. */
async function deployable(): Promise<Deployable> {
  const dir = await tempDir()
  const layout = prefixLayout(path.join(dir, 'prefix'))
  await mkdir(layout.scripts, { recursive: true })
  await mkdir(layout.virt, { recursive: true })
  await mkdir(path.join(dir, 'su_ite'))
  const sourcePath = path.join(dir, 'su_ite/add_repo.sh')
  const copyPath = path.join(layout.scripts, sourcePath.replaceAll('/', '_'))
  for (const file of [sourcePath, copyPath]) await writeFile(file, 'true\n')
  const plan = quickstart()
  const vms = [...plan.vms].map(([name, vm]) => {
    return [name, { ...vm, spec: { ...vm.spec, deployScripts: [copyPath] } }] as const
  })
  return { prefix: { dir: layout.dir, layout, plan: { ...plan, vms: new Map(vms) } }, sourcePath, copyPath }
}

test('VMs that are down are all named by the hint', async () => {
  const { prefix } = await deployable()
  await expect(deployPrefix(recordedTask().task, host, prefix, { names: [] })).rejects.toMatchObject({
    code: 'LAGO_PARTIAL',
    hint: 'lago start vm0 vm1',
  })
  await expect(deployPrefix(recordedTask().task, host, prefix, { names: ['vm1'] })).rejects.toMatchObject({
    code: 'LAGO_VM_NOT_RUNNING',
    hint: 'lago start vm1',
  })
})

test('where nothing has changed it is said where, with a warning when the original has', async () => {
  const { prefix, sourcePath, copyPath } = await deployable()
  const sha256 = 'a17fcf0a2f50e2d495e4f90ce263410edc183add6c62699a2facbccf60410f74'
  const deployed = async (): Promise<string[]> => {
    const recorded = recordedTask()
    await deployPrefix(recorded.task, host, prefix, { names: [], changedOnly: true })
    return recorded.messages()
  }
  for (const vm of ['vm0', 'vm1'])
    await writeDeployRecord(prefix.layout, vm, {
      runs: [{ script: path.basename(copyPath), sha256, startedAtMs: 0, exitCode: 0 }],
    })
  const unchanged = ['vm0', 'vm1'].map((vm) => `${vm}: nothing has changed in ${prefix.layout.scripts}`)
  expect(await deployed()).toEqual(unchanged)
  await writeFile(sourcePath, 'false\n')
  const warning = `${sourcePath} differs from its copy of lago init, which counts: ${copyPath}`
  expect(await deployed()).toEqual([...unchanged, warning])
})

test("the source of a copy is found by the copy's name, unless several files fit", async () => {
  const { sourcePath, copyPath } = await deployable()
  expect(await findSource(copyPath)).toBe(sourcePath)
  expect(await findSource(`${copyPath}.2`)).toBeUndefined()
  expect(await findSource(`/scripts/${sourcePath.replaceAll('/', '_').slice(1)}`)).toBeUndefined()
  const suite = path.dirname(path.dirname(sourcePath))
  await mkdir(path.join(suite, 'su_ite_add'))
  await writeFile(path.join(suite, 'su_ite_add/repo.sh'), '')
  expect(await findSource(copyPath)).toBeUndefined()
})
