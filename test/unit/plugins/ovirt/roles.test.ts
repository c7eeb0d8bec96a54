import { describe, expect, test } from '@jest/globals'
import type { Env, Vm } from '../../../../src/index.js'
import { engineVm, hostVms } from '../../../../src/plugins/ovirt/roles.js'

type Kind = { readonly type?: string; readonly role?: string }

/** An environment of which nothing but its VMs is asked. */
function envWith(kinds: Readonly<Record<string, Kind>>): Env {
  const vms = Object.entries(kinds).map(([name, { type, role }]) => {
    const vm = { name, spec: { 'vm-type': type }, metadata: { 'ovirt-role': role } }
    return [name, vm as unknown as Vm] as const
  })
  return { prefixDir: '/p', vms: new Map(vms) } as unknown as Env
}

describe('the engine', () => {
  test('is the VM of that type, or of that role', () => {
    expect(engineVm(envWith({ a: {}, b: { type: 'ovirt-engine', role: 'host' } })).name).toBe('b')
    expect(engineVm(envWith({ a: { type: 'default', role: 'engine' }, b: { role: 'host' } })).name).toBe('a')
  })

  test('has to be there', () => {
    expect(() => engineVm(envWith({ a: { role: 'host' } }))).toThrow(
      expect.objectContaining({ code: 'LAGO_NO_ENGINE', message: 'no VM of /p is an engine' }),
    )
  })

  test('is one', () => {
    expect(() => engineVm(envWith({ a: { role: 'engine' }, b: { type: 'ovirt-engine' } }))).toThrow(
      expect.objectContaining({ code: 'LAGO_TWO_ENGINES', message: 'Engine VM already exists: a, and now b' }),
    )
  })
})

test('hosts come in their order, those of a hosted engine included', () => {
  const env = envWith({ h1: { role: 'host' }, s: {}, h0: { type: 'ovirt-he-host' }, n: { role: 'node' } })
  expect(hostVms(env).map(({ name }) => name)).toEqual(['h1', 'h0', 'n'])
})
