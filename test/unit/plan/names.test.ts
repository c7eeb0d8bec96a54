import { describe, expect, test } from '@jest/globals'
import { bridgeNames, domainLibvirtName, netLibvirtName, prefixedName } from '../../../src/plan/names.js'

const uuid = '6f1a2b3c39d011e5b22b54ee755a00ca'

describe('prefixedName', () => {
  test.each([
    ['vm0', undefined, '6f1a2b3c-vm0'],
    ['a-name-as-long-as-anybody-likes', undefined, '6f1a2b3c-a-name-as-long-as-anybody-likes'],
    ['lago', 15, '6f1a-lago'],
    ['ten-letter', 15, '6f1a-ten-letter'],
    ['eleven-lett', 15, '6f1a-a4e438100f'],
    ['lago', 16, '6f1a2b3c-lago'],
    ['eight-le', 16, '6f1a2b3c-0938b2f'],
    ['lago', 6, '6f1a-4'],
  ])('%s within %s characters is %s', (name, maxLength, expected) => {
    expect(prefixedName(uuid, name, maxLength)).toBe(expected)
  })

  test('refuses a limit that leaves no room for a name', () => {
    expect(() => prefixedName(uuid, 'lago', 5)).toThrow('no name fits into 5 characters')
  })
})

test('domains have 8 characters of the uuid before their names, nets 4', () => {
  expect(domainLibvirtName(uuid, 'vm0')).toBe('6f1a2b3c-vm0')
  expect(netLibvirtName(uuid, 'lago')).toBe('6f1a-lago')
})

interface Net {
  readonly name: string
  readonly type: 'nat' | 'bridge'
}

describe('bridgeNames', () => {
  const nat = (name: string): Net => ({ name, type: 'nat' })
  const bridge = (name: string): Net => ({ name, type: 'bridge' })

  test.each([
    ['a NAT net bears the cut of upstream', [nat('lago')], ['6f1a-lago-ni']],
    ['a short name is not cut', [nat('a')], ['6f1a-a-nic']],
    ['a bridge net is its own device', [bridge('lago')], ['6f1a-lago']],
    [
      'names that upstream cuts to one device get one each',
      [nat('storage-a'), nat('storage-b'), nat('lago')],
      ['6f1a-3ff0e9ba15', '6f1a-71b3345460', '6f1a-lago-ni'],
    ],
    [
      'a bridge net keeps the device that a NAT net would take',
      [nat('lago'), bridge('lago-ni')],
      ['6f1a-5285f4509e', '6f1a-lago-ni'],
    ],
  ])('%s', (_, nets, devices) => {
    expect([...bridgeNames(uuid, nets).values()]).toEqual(devices)
  })

  test('no device name is longer than the kernel takes', () => {
    const devices = [
      ...bridgeNames(uuid, [nat('x'.repeat(100)), nat('x'.repeat(99)), nat('storage-a'), nat('storage-b')]).values(),
    ]
    expect(new Set(devices).size).toBe(4)
    expect(Math.max(...devices.map((device) => device.length))).toBeLessThanOrEqual(15)
  })
})
