import { describe, expect, test } from '@jest/globals'
import { outputFormats } from '../../../../src/cli/output/index.js'

async function format(name: string, value: unknown): Promise<string> {
  return (await outputFormats.get(name)())(value)
}

const STATUS = {
  Prefix: {
    VMs: {
      vm0: {
        status: 'running',
        'root password': '123456',
        distro: 'cirros',
        snapshots: '',
        metadata: {},
        NICs: { eth0: { network: 'lago', ip: '192.168.200.2' } },
      },
    },
    UUID: 'fe689d3c39d011e5b22b54ee755a00ca',
    'Base directory': '/w/.lago/default',
    Networks: { lago: { status: 'up', management: true, gateway: '192.168.200.1' } },
  },
}

describe('status', () => {
  test('default: as in the specification', async () => {
    expect(await format('default', STATUS)).toBe(`[Prefix]:
    Base directory: /w/.lago/default
    [Networks]:
        [lago]:
            gateway: 192.168.200.1
            management: True
            status: up
    UUID: fe689d3c39d011e5b22b54ee755a00ca
    [VMs]:
        [vm0]:
            [NICs]:
                [eth0]:
                    ip: 192.168.200.2
                    network: lago
            distro: cirros
            root password: 123456
            status: running`)
  })

  test('flat: as in the specification, without Prefix', async () => {
    expect(await format('flat', STATUS)).toBe(`Base directory: /w/.lago/default
Networks/lago/gateway: 192.168.200.1
Networks/lago/management: True
Networks/lago/status: up
UUID: fe689d3c39d011e5b22b54ee755a00ca
VMs/vm0/NICs/eth0/ip: 192.168.200.2
VMs/vm0/NICs/eth0/network: lago
VMs/vm0/distro: cirros
VMs/vm0/root password: 123456
VMs/vm0/snapshots: 
VMs/vm0/status: running`)
  })

  test('json: keys sorted, indent 4', async () => {
    const text = await format('json', STATUS)
    expect(text).toContain('{\n    "Prefix": {\n        "Base directory": "/w/.lago/default",\n        "Networks": {\n')
    expect(text).toContain('"management": true,')
    expect(JSON.parse(text)).toEqual(STATUS)
  })

  test('yaml: block style, keys sorted, text that looks like a number in single quotes', async () => {
    expect(await format('yaml', STATUS)).toBe(`Prefix:
  Base directory: /w/.lago/default
  Networks:
    lago:
      gateway: 192.168.200.1
      management: true
      status: up
  UUID: fe689d3c39d011e5b22b54ee755a00ca
  VMs:
    vm0:
      NICs:
        eth0:
          ip: 192.168.200.2
          network: lago
      distro: cirros
      metadata: {}
      root password: '123456'
      snapshots: ''
      status: running`)
  })
})

describe('other shapes', () => {
  const cases: [string, string, unknown, string][] = [
    ['default', 'a bare list', ['b', 'a'], 'b\na'],
    ['flat', 'a bare list', ['b', 'a'], 'b\na'],
    ['json', 'a bare list', ['b', 'a'], '[\n    "b",\n    "a"\n]'],
    ['yaml', 'a bare list', ['b', 'a'], '- b\n- a'],
    ['default', 'a list as value', { k: ['a', 'b'], z: 1 }, 'k: \n    a\n    b\nz: 1'],
    ['flat', 'a list as value', { k: ['a', 'b'], z: 1 }, 'k: a\nk: b\nz: 1'],
    ['yaml', 'a list as value', { k: ['a', { c: 2, b: 1 }] }, 'k:\n- a\n- b: 1\n  c: 2'],
    ['default', 'a list of mappings', { k: [{ b: 1, a: 2 }] }, 'k: \n    a: 2\n    b: 1'],
    ['flat', 'a list of mappings', [{ a: 1 }, { a: [true] }], '0/a: 1\n1/a: True'],
    ['default', 'empty things', { a: {}, b: null, c: '', d: [], e: 0, f: false, g: undefined }, 'e: 0\nf: False'],
    [
      'flat',
      'empty things',
      { a: {}, b: null, c: '', d: [], e: 0, f: false, g: undefined },
      'b: None\nc: \ne: 0\nf: False',
    ],
    ['json', 'empty things', { a: {}, b: null, d: [] }, '{\n    "a": {},\n    "b": null,\n    "d": []\n}'],
    ['yaml', 'empty things', { a: {}, b: null, c: '', d: [] }, "a: {}\nb: null\nc: ''\nd: []"],
    [
      'yaml',
      'words with a meaning',
      { a: 'yes', b: 'null', c: '1e3', d: '1.5', e: true },
      "a: 'yes'\nb: 'null'\nc: '1e3'\nd: '1.5'\ne: true",
    ],
    ['json', 'other scripts, in ASCII', { n: 'é\u007f☃' }, '{\n    "n": "\\u00e9\\u007f\\u2603"\n}'],
    ['default', 'a bare text', 'x', 'x'],
    ['flat', 'a bare text', 'x', 'x'],
    ['flat', 'an empty list', [], ''],
    ['default', 'an empty list', [], ''],
  ]
  test.each(cases)('%s: %s', async (name, _what, value, expected) => {
    expect(await format(name, value)).toBe(expected)
  })
})

test('an unknown format lists the known ones', () => {
  expect(() => outputFormats.get('xml')).toThrow(
    expect.objectContaining({
      code: 'LAGO_UNKNOWN_KIND',
      message: 'unknown output format "xml"; known: default, flat, json, yaml',
    }),
  )
})
