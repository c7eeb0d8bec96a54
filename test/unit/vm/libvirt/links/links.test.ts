/** Links on kernels of every kind, with a stand-in for `tc` and a libvirt that notes what it is asked. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { planEnv } from '../../../../../src/plan/plan-env.js'
import type { LinkConditions, VmPlan } from '../../../../../src/plan/types.js'
import { askKernel } from '../../../../../src/vm/libvirt/links/kernel.js'
import { createLinks, type LibvirtLinks } from '../../../../../src/vm/libvirt/links/links.js'
import { domainSpec, envSpec, netSpec, nic, planFacts, UUID } from '../../../../helpers/env-spec.js'
import { recordedTask } from '../../../../helpers/recorded-task.js'
import { installTc, type FakeTc } from '../../../../helpers/tc.js'
import { useTempDirs } from '../../../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const { PATH } = process.env
let tc: FakeTc

async function onKernel(...lacks: string[]): Promise<void> {
  tc = await installTc(await tempDir(), lacks)
  process.env['PATH'] = `${tc.dir}:${PATH ?? ''}:/usr/sbin:/sbin`
}

beforeEach(async () => onKernel())
afterEach(() => {
  process.env['PATH'] = PATH
})

function vmWith(...links: (LinkConditions | undefined)[]): VmPlan {
  const spec = envSpec([domainSpec('vm0', { nics: [nic('lago'), nic('a')] })], [netSpec('lago'), netSpec('a')])
  const vm = planEnv(spec, planFacts(spec)).vms.get('vm0')
  if (vm === undefined) throw new Error('no VM')
  return { ...vm, nics: vm.nics.map((nic, index) => ({ ...nic, ...(links[index] && { link: links[index] }) })) }
}

interface Live {
  readonly uuid?: string
  readonly nics?: string
  readonly uri?: string
  readonly isRoot?: boolean
}

function linksOf({ uuid = UUID, nics, uri = 'qemu:///system', isRoot = true }: Live = {}): {
  links: LibvirtLinks
  calls: string[]
} {
  const calls: string[] = []
  const [first, second] = vmWith().nics.map(({ mac }) => mac)
  const live =
    nics ??
    `<interface type='network'><mac address='${first}'/><target dev='vnet0'/></interface>` +
      `<interface type='network'><mac address='${second}'/><target dev='vnet1'/></interface>`
  const mark = `<lago:env xmlns:lago='https://lago.dev/xmlns/env/1' uuid='${uuid}' vm='vm0'/>`
  const libvirt = {
    uri,
    domainXml: async () => `<domain>${mark}${live}</domain>`,
    updateDevice: async (_: unknown, domain: string, xml: string) =>
      void calls.push(`${domain} ${/dev='([^']*)'/.exec(xml)?.[1]} ${/state='([^']*)'/.exec(xml)?.[1]}`),
    limitInterface: async (_: unknown, domain: string, mac: string, kilobytesPerS: number) =>
      void calls.push(`${domain} ${mac === first ? 'vnet0' : 'vnet1'} ${kilobytesPerS} kB/s`),
  }
  return { links: createLinks(libvirt, { isRoot }), calls }
}

const { task } = recordedTask()
const apply = async (links: LibvirtLinks, vm: VmPlan, keptXmlPath?: string): Promise<void> =>
  links.apply(task, vm, { uuid: UUID, ...(keptXmlPath === undefined ? {} : { keptXmlPath }) })

const WORSE: LinkConditions = { delayUs: 50_000, jitterUs: 10_000, lossPpm: 10_000 }
const NETEM = 'netem limit 100000 delay 50000us 10000us loss 1%'

describe('on a kernel that has everything', () => {
  test('state and rate are given to libvirt, and nothing to the tap', async () => {
    const { links, calls } = linksOf()
    await apply(links, vmWith({ isDown: true, rateBitsPerS: 10e6 }))
    expect(calls).toEqual(['6f1a2b3c-vm0 vnet0 down', '6f1a2b3c-vm0 vnet0 1250 kB/s'])
    expect(await tc.changes()).toEqual([])
    expect(await links.prepare(task, vmWith({ rateBitsPerS: 10e6 }))).toEqual({ limitsRates: true, shapesTaps: false })
  })

  test('delay and loss go into the root of the tap, and replace what was there before', async () => {
    const { links } = linksOf()
    await apply(links, vmWith(WORSE))
    expect(await tc.changes()).toEqual([`qdisc add dev vnet0 root handle 10: ${NETEM}`])
    await apply(links, vmWith({ lossPpm: 500 }))
    expect(await tc.changes()).toEqual([
      'qdisc del dev vnet0 root',
      'qdisc add dev vnet0 root handle 10: netem limit 100000 loss 0.05%',
    ])
    await apply(links, vmWith())
    expect(await tc.queues()).toEqual({ vnet0: [] })
    expect(await links.prepare(task, vmWith(WORSE))).toEqual({ limitsRates: true, shapesTaps: true })
  })

  test('with a rate they go below its class, which libvirt has made by then', async () => {
    const { links } = linksOf()
    await tc.setQueues({ vnet1: ['htb 1:', 'sfq 2:'] })
    await apply(links, vmWith(undefined, { ...WORSE, rateBitsPerS: 1e6 }))
    expect(await tc.changes()).toEqual([`qdisc replace dev vnet1 parent 1:1 handle 10: ${NETEM}`])
  })

  test('a limit that libvirt has is lifted when it is not planned any more', async () => {
    const [first, second] = vmWith().nics.map(({ mac }) => mac)
    const nics =
      `<interface type='network'><mac address='${first}'/><bandwidth><inbound average='9'/></bandwidth><target dev='vnet0'/>` +
      `<link state='down'/></interface><interface type='network'><mac address='${second}'/></interface>`
    const { links, calls } = linksOf({ nics })
    await apply(links, vmWith())
    expect(calls).toEqual(['6f1a2b3c-vm0 vnet0 up', '6f1a2b3c-vm0 vnet0 0 kB/s'])
  })
})

describe('on a kernel without police or sfq', () => {
  test.each(['sfq', 'police'])('the tap limits the rate, with a warning: %s', async (word) => {
    await onKernel(word)
    const { task, messages } = recordedTask()
    const { links, calls } = linksOf()
    await links.apply(task, vmWith({ rateBitsPerS: 10e6 }), { uuid: UUID })
    expect(calls).toEqual([])
    const tbf = 'qdisc add dev vnet0 root handle 1: tbf rate 10000000bit burst 65536b latency 400ms'
    expect(await tc.changes()).toEqual([tbf])
    expect(messages('warning').join()).toMatch(
      new RegExp(
        `what a guest receives, not for what it sends.*"tc .* ${word} .*" was answered with "Error: Specified`,
      ),
    )
    await apply(links, vmWith({ rateBitsPerS: 10e9, ...WORSE }))
    expect(await tc.changes()).toEqual([
      'qdisc del dev vnet0 root',
      'qdisc add dev vnet0 root handle 1: tbf rate 10000000000bit burst 12500000b latency 400ms',
      `qdisc replace dev vnet0 parent 1:1 handle 10: ${NETEM}`,
    ])
    expect(await links.prepare(task, vmWith({ rateBitsPerS: 10e6 }))).toEqual({ limitsRates: false, shapesTaps: true })
  })

  test('nor tbf: a rate is refused, and a link can still be down', async () => {
    await onKernel('sfq', 'tbf')
    const { links, calls } = linksOf()
    await expect(links.require(task, [{ rateBitsPerS: 10e6 }])).rejects.toMatchObject({
      code: 'LAGO_LINK_UNSUPPORTED',
      message: expect.stringMatching(/^no rate: "tc .* sfq .*" was answered with .*; "tc .* tbf /),
    })
    await apply(links, vmWith({ isDown: true }))
    expect(calls).toEqual(['6f1a2b3c-vm0 vnet0 down'])
  })
})

test('a kernel without netem refuses delay and loss with its own words', async () => {
  await onKernel('netem')
  const { links } = linksOf()
  for (const link of [WORSE, { lossPpm: 1 }, { delayUs: 1 }])
    await expect(links.require(task, [{ isDown: true }, link])).rejects.toMatchObject({
      code: 'LAGO_LINK_UNSUPPORTED',
      message: expect.stringContaining(
        '"tc qdisc add dev lo root netem delay 1ms loss 1%" was answered with "Error: Specified qdisc kind is unknown."',
      ),
      hint: expect.stringContaining('modprobe sch_netem'),
    })
  await links.require(task, [{ isDown: true }, { rateBitsPerS: 10e6 }])
})

test.each([
  [{ uri: 'qemu+ssh://other/system' }, 'the taps of qemu+ssh://other/system are not on this host'],
  [{ isRoot: false }, 'only root may change the queue of a tap'],
])('delay and loss are refused where taps are out of reach: %p', async (live, reason) => {
  await expect(linksOf(live).links.require(task, [WORSE])).rejects.toMatchObject({
    code: 'LAGO_LINK_UNSUPPORTED',
    message: expect.stringContaining(reason),
  })
})

test('a user who is not root has rates where libvirt can limit them, and the reason where it cannot', async () => {
  const { links } = linksOf({ isRoot: false })
  await links.require(task, [{ rateBitsPerS: 10e6 }])
  await onKernel('police')
  await expect(links.require(task, [{ rateBitsPerS: 10e6 }])).rejects.toMatchObject({
    code: 'LAGO_LINK_UNSUPPORTED',
    message: expect.stringContaining('without it only root may'),
  })
})

test.each<[string, Live]>([
  ['not of this environment', { uuid: '0'.repeat(32) }],
  ['without the nic', { nics: '' }],
])('a domain %s is left alone', async (_, live) => {
  const { links, calls } = linksOf(live)
  await expect(apply(links, vmWith({ isDown: true, ...WORSE }))).rejects.toMatchObject({ code: 'LAGO_LINK_FOREIGN' })
  expect(calls).toEqual([])
  expect(await tc.changes()).toEqual([])
})

test('a VM that was given a memory has each state set anew, against what libvirt believes', async () => {
  const kept = path.join(await tempDir(), 'kept.xml')
  await writeFile(kept, `<domain><interface type='network'><mac address='a'/><link state='down'/></interface></domain>`)
  const { links, calls } = linksOf()
  await apply(links, vmWith({ isDown: true }), kept)
  const states = ['vnet0 up', 'vnet0 down', 'vnet1 down', 'vnet1 up']
  expect(calls).toEqual(states.map((state) => `6f1a2b3c-vm0 ${state}`))
  calls.splice(0)
  await apply(links, vmWith(), kept)
  expect(calls.at(1)).toBe('6f1a2b3c-vm0 vnet0 up')
  calls.splice(0)
  await writeFile(kept, '<domain/>')
  await apply(links, vmWith(), kept)
  expect(calls).toEqual([])
})

test('the kernel of this host gives an answer, and keeps nothing of the question', async () => {
  process.env['PATH'] = `${PATH ?? ''}:/usr/sbin:/sbin`
  for (const ability of ['netem', 'libvirt', 'tbf'] as const) {
    const answer = await askKernel(task, ability)
    expect(answer ?? '').toMatch(/^$|^"tc .*" was answered with ".+"$|^it could not be asked: .+$/)
  }
})

test('without tc the kernel cannot be asked, and that is the reason', async () => {
  process.env['PATH'] = path.join(await tempDir(), 'nothing')
  expect(await askKernel(task, 'netem')).toMatch(/"unshare" is not on this host \(install the package/)
})
