/** The stand-in has to be as strict as what it stands for. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { exchange } from '../../../src/engine/exchange.js'
import { EngineApi, type ApiRequest } from '../../helpers/engine/api.js'
import { EngineModel, ordinaryEngine } from '../../helpers/engine/model.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const BASIC = `Basic ${Buffer.from('admin@internal:123').toString('base64')}`

function standIn(): { api: EngineApi; ask(method: string, path: string, body?: string): number } {
  const api = new EngineApi(new EngineModel(ordinaryEngine(), 1), { ca: undefined })
  const headers = { version: '4', authorization: BASIC, accept: 'application/json', 'content-type': 'application/json' }
  const ask = (method: string, target: string, body = ''): number =>
    api.answer({ method, target: `/ovirt-engine/api${target}`, headers, body } satisfies ApiRequest).status
  return { api, ask }
}

const DOMAINS = '/datacenters/dc-1/storagedomains'

describe('wrong transitions are refused', () => {
  test('of hosts', () => {
    const { api, ask } = standIn()
    expect(ask('POST', '/hosts/ho-0/activate', '{}')).toBe(409)
    expect(ask('POST', '/hosts/ho-0/deactivate', '{}')).toBe(200)
    expect(ask('POST', '/hosts/ho-0/deactivate', '{}')).toBe(409)
    expect(ask('POST', '/hosts/ho-0/activate', '{}')).toBe(409)
    expect(ask('GET', '/hosts/ho-0')).toBe(200)
    expect(ask('POST', '/hosts/ho-0/activate', '{}')).toBe(200)
    expect(api.violations).toEqual([])
  })

  test('of storage domains: the master while others are active, any without a host', () => {
    const { ask } = standIn()
    expect(ask('POST', `${DOMAINS}/sd-nfs/deactivate`, '{}')).toBe(409)
    for (const id of ['sd-iscsi', 'sd-iso']) {
      expect(ask('POST', `${DOMAINS}/${id}/deactivate`, '{}')).toBe(200)
      ask('GET', `${DOMAINS}/${id}`)
    }
    expect(ask('POST', `${DOMAINS}/sd-nfs/deactivate`, '{}')).toBe(200)
    ask('GET', `${DOMAINS}/sd-nfs`)
    expect(ask('POST', `${DOMAINS}/sd-iso/activate`, '{}')).toBe(409)
    for (const id of ['ho-0', 'ho-1']) {
      ask('POST', `/hosts/${id}/deactivate`, '{}')
      ask('GET', `/hosts/${id}`)
    }
    expect(ask('POST', `${DOMAINS}/sd-nfs/activate`, '{}')).toBe(409)
  })

  test('of VMs', () => {
    const { ask } = standIn()
    expect(ask('POST', '/vms/vm-0/stop', '{}')).toBe(409)
    expect(ask('POST', '/vms/vm-0/start', '{}')).toBe(200)
    expect(ask('POST', '/vms/vm-0/start', '{}')).toBe(409)
  })
})

test.each([
  ['a path', 'GET', '/hosts/ho-0/secrets', ''],
  ['a path', 'GET', '/disks', ''],
  ['a query', 'GET', '/hosts?search=up', ''],
  ['an action', 'POST', '/hosts/ho-0/explode', '{}'],
  ['a field of an action', 'POST', '/hosts/ho-0/activate', '{"quickly":"true"}'],
  ['a field of a cluster', 'PUT', '/clusters/cl-1', '{"cpu":{"id":"Intel Haswell Family"}}'],
  ['a type of CPU', 'PUT', '/clusters/cl-1', '{"cpu":{"type":"fast"}}'],
  ['a method', 'DELETE', '/hosts/ho-0', ''],
])('%s that is not documented is a violation: %s %s', (_, method, target, body) => {
  const { api, ask } = standIn()
  expect(ask(method, target, body)).toBe(400)
  expect(api.violations).toEqual([expect.stringContaining(`${method} /ovirt-engine/api${target}: `)])
})

test('what is not there is no violation', () => {
  const { api, ask } = standIn()
  expect(ask('GET', '/hosts/none')).toBe(404)
  expect(api.violations).toEqual([])
})

test('as a program it keeps what it has in a file, and tells violations at its end', async () => {
  const state = path.join(await tempDir(), 'state.json')
  const main = fileURLToPath(new URL('../../helpers/engine/main.js', import.meta.url))
  const child = spawn(process.execPath, [main, '--state', state], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()))
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const endpoint = { url: line.toString().trim(), ca: undefined, requestTimeoutMs: 20_000 }
  const headers = { Version: '4', Authorization: BASIC }
  const ask = async (name: string): Promise<unknown> =>
    exchange(recordedTask().task, endpoint, { method: 'GET', path: `/api/${name}`, headers })
  await ask('hosts')
  await ask('nothing')
  expect(JSON.parse(await readFile(state, 'utf8'))).toMatchObject({
    hosts: [{ name: 'host0' }, { name: 'host1' }],
    violations: ['GET /ovirt-engine/api/nothing: no such path'],
  })
  child.kill('SIGTERM')
  expect(await once(child, 'close')).toEqual([1, null])
  expect(stderr).toBe('GET /ovirt-engine/api/nothing: no such path\n')
})
