import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import type { Env } from '../../../../src/index.js'
import { waitAsBefore } from '../../../../src/plugins/ovirt/wait-as-before.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

/** What is awaited of VMs of these types. */
async function awaited(prefixDir: string, types: Readonly<Record<string, string>>): Promise<unknown[]> {
  const calls: unknown[] = []
  const vms = Object.entries(types).map(([name, type]) => [name, { name, spec: { 'vm-type': type }, metadata: {} }])
  const wait = async (rung: string, options: unknown): Promise<void> => void calls.push([rung, options])
  await waitAsBefore({ prefixDir, vms: new Map(vms as never), wait } as unknown as Env) // no more is asked
  return calls
}

test('in a prefix of era 0.x ssh is awaited on every VM but nodes; in one of 1.x on none', async () => {
  const dir = await makeTempDir()
  const types = { engine: 'ovirt-engine', node: 'ovirt-node', storage: 'default' }
  expect(await awaited(dir, types)).toEqual([])
  await mkdir(path.join(dir, '.lago'))
  expect(await awaited(dir, types)).toEqual([])
  const old = await makeTempDir()
  await writeFile(path.join(old, '.lago'), '')
  expect(await awaited(old, types)).toEqual([['ssh', { vms: ['engine', 'storage'] }]])
  expect(await awaited(old, { node: 'ovirt-node' })).toEqual([])
})
