import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { networkXml, type NetworkXmlOptions } from '../../../src/net/network-xml.js'
import { planEnv } from '../../../src/plan/plan-env.js'
import type { EnvPlan } from '../../../src/plan/types.js'
import { domainSpec, envSpec, netSpec, nic, planFacts } from '../../helpers/env-spec.js'
import { bridged, golden, manyNets, netsOfEveryKind, quickstart } from '../../helpers/golden-envs.js'

const defaults: NetworkXmlOptions = { stp: false, ipv6: true }

function render(env: EnvPlan, name: string, options = defaults): string {
  const net = env.nets.get(name)
  if (net === undefined) throw new Error(`no net ${name}`)
  return networkXml(net, env, options)
}

const cases: [string, EnvPlan, string][] = [
  ['quickstart/net-lago.xml', quickstart(), 'lago'],
  ['many-nets/net-lago.xml', manyNets(), 'lago'],
  ['many-nets/net-san.xml', manyNets(), 'san'],
  ['many-nets/net-quiet.xml', manyNets(), 'quiet'],
  ['bridged/net-br.xml', bridged(), 'br'],
  ...['nat', 'inside', 'routed', 'lan'].map((net): [string, EnvPlan, string] => {
    return [`every-kind/net-${net}.xml`, netsOfEveryKind(), net]
  }),
]

test.each(cases)('renders %s', async (file, env, net) => {
  expect(render(env, net)).toBe(await golden(file))
})

describe('options', () => {
  test('stp on is what upstream has', () => {
    expect(render(quickstart(), 'lago', { ...defaults, stp: true })).toContain(
      "<bridge name='6f1a-lago-ni' stp='on' delay='0'/>",
    )
  })

  test('a host without IPv6 gets none of it', () => {
    const xml = render(manyNets(), 'lago', { ...defaults, ipv6: false })
    expect(xml).not.toMatch(/fd8f|ipv6/)
    expect(xml).toContain("<host ip='192.168.200.2'>")
  })
})

test('a name that libvirt refuses for DHCP gives way to the next one, or to none', () => {
  const spec = envSpec([domainSpec('_vm', { nics: [nic('lago')] })], [netSpec('lago')])
  expect(render(planEnv(spec, planFacts(spec)), 'lago')).toContain("<host mac='54:52:c0:a8:c8:02' ip='192.168.200.2'/>")
})

test('names of machines are sorted, and the first is the one that DHCP hands out', () => {
  const spec = envSpec(
    [domainSpec('b', { nics: [nic('a'), nic('lago')] })],
    [netSpec('lago', { management: true }), netSpec('a')],
  )
  const env = planEnv(spec, planFacts(spec))
  expect(render(env, 'a')).toContain("name='b-a'")
  expect(render(env, 'lago')).toContain("name='b'")
})

test('text of the user cannot become markup', () => {
  const hostile = `<x a="1" b='2'>&`
  const spec = envSpec(
    [domainSpec('vm0', { nics: [nic(hostile)] })],
    [netSpec(hostile, { dnsDomain: hostile, dnsRecords: { [hostile]: '10.0.0.1' } })],
  )
  const xml = render(planEnv(spec, planFacts(spec)), hostile)
  expect(xml).not.toContain('<x')
  expect(xml).toContain("<domain name='&lt;x a=&quot;1&quot; b=&apos;2&apos;&gt;&amp;' localOnly='yes'/>")
  expect(xml).toContain('<hostname>&lt;x a=&quot;1&quot; b=&apos;2&apos;&gt;&amp;</hostname>')
})

const missing = ['virt-xml-validate', 'xmllint'].find(
  (program) => spawnSync(program, ['--version']).error !== undefined,
)
const testWithSchema = missing === undefined ? test : test.skip

testWithSchema.each(cases.filter(([file]) => !file.startsWith('many-nets/net-lago')))(
  `libvirt's schema has room for %s${missing === undefined ? '' : ` (skipped: no ${missing} here)`}`,
  async (_, env, net) => {
    const dir = await mkdtemp(path.join(tmpdir(), 'lago-test-'))
    const file = path.join(dir, 'net.xml')
    await writeFile(file, render(env, net))
    const { status, stderr } = spawnSync('virt-xml-validate', [file, 'network'], { encoding: 'utf8' })
    await rm(dir, { recursive: true })
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' })
  },
)
