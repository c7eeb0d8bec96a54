/** What the init file and the prefix hold must not be told on. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { createRedact } from '../../../src/log/redact.js'
import { writePrefixFiles } from '../../../src/prefix/files.js'
import type { Host } from '../../../src/prefix/host.js'
import { prefixLayout } from '../../../src/prefix/layout.js'
import { openPrefix } from '../../../src/prefix/prefix.js'
import { createPrefix } from '../../../src/sdk/create-prefix.js'
import { quickstart } from '../../helpers/golden-envs.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const { task } = recordedTask()

test('passwords of a prefix are secret once it is read', async () => {
  const layout = prefixLayout(await makeTempDir())
  const plan = quickstart()
  const vms = [...plan.vms].map(([name, vm]) => {
    return [
      name,
      { ...vm, spec: { ...vm.spec, rootPassword: `root-${name}-pw`, sshPassword: `ssh-${name}-pw` } },
    ] as const
  })
  await mkdir(layout.virt)
  await writeFile(layout.uuid, plan.uuid)
  await writePrefixFiles(layout, { ...plan, vms: new Map(vms) })
  const redact = createRedact([])
  expect(redact('ssh-vm0-pw')).toBe('ssh-vm0-pw')
  await openPrefix(layout.dir)
  expect(redact('root-vm0-pw ssh-vm0-pw root-vm1-pw ssh-vm1-pw')).toBe('*** *** *** ***')
})

test('passwords of an init file are secret once it is read, also when nothing comes of it', async () => {
  const dir = await makeTempDir()
  await writeFile(path.join(dir, 'a-file'), '')
  const names = { names: () => ['default', 'local-libvirt'] }
  const host = { vmTypes: names, providers: names, services: names } as unknown as Host // no more is asked of it
  const text = JSON.stringify({
    domains: { vm0: { 'root-password': 'init-root-pw', nics: [{ net: 'n' }] } },
    nets: { n: { type: 'nat', dhcp: { start: 100, end: 254 } } },
  })
  const request = {
    source: { text },
    cwd: dir,
    env: {},
    bootstrap: false,
    build: false,
  }
  const place = { era: '1.x', workdir: path.join(dir, 'a-file', 'x'), prefixName: 'p', setCurrent: false } as const
  await expect(createPrefix(task, host, { ...request, place })).rejects.toMatchObject({
    code: 'ENOTDIR',
  })
  expect(createRedact([])('init-root-pw')).toBe('***')
})
